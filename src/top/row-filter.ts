// SPDX-License-Identifier: Apache-2.0
// What a person types behind `/`: words that all must hold. src:, dst: and type: are asked of the exporter, which
// looks at all flows; a network, and any other text, is looked for in the rows that it sent.

import { type Cidr, parseAddressWords, parseCidr, wordMask } from '../cidr.js';
import type { TrafficRow } from './answers.js';

export interface RowFilter {
  /** As it was typed. */
  readonly text: string;
  readonly src: string | undefined;
  readonly dst: string | undefined;
  readonly type: string | undefined;
  /** In lower case; each is part of the row's text. */
  readonly words: readonly string[];
  /** One of the row's addresses is in each. */
  readonly networks: readonly Cidr[];
}

export interface FilterProblem {
  /** A clause. */
  readonly problem: string;
}

export const NO_FILTER: RowFilter = {
  text: '',
  src: undefined,
  dst: undefined,
  type: undefined,
  words: [],
  networks: [],
};

/** As the exporter's answers name them, by what is typed in lower case. */
const TYPES: Readonly<Record<string, string>> = {
  tcp: 'TCP',
  udp: 'UDP',
  roce: 'RoCE_v2',
  roce_v1: 'RoCE_v1_IBoE',
  roce_v1_iboe: 'RoCE_v1_IBoE',
  roce_v2: 'RoCE_v2',
  roce_v2_udp: 'RoCE_v2_UDP',
  ib: 'InfiniBand',
  infiniband: 'InfiniBand',
  other: 'Other',
};

export function parseRowFilter(text: string): RowFilter | FilterProblem {
  const given: { src?: string; dst?: string; type?: string } = {};
  const words: string[] = [];
  const networks: Cidr[] = [];
  for (const word of text.split(' ').filter((one) => one !== '')) {
    const [, name = '', value = ''] = /^(src|dst|type):(.*)$/i.exec(word) ?? [];
    const key = name.toLowerCase();
    if (key === 'src' || key === 'dst') {
      if (given[key] !== undefined) return { problem: `${key}: stands there twice` };
      const cidr = parseCidr(value);
      if ('problem' in cidr) return { problem: `${key}:${value} ${cidr.problem}` };
      given[key] = value;
    } else if (key === 'type') {
      const type = TYPES[value.toLowerCase()];
      if (type === undefined) return { problem: `type: must be one of ${Object.keys(TYPES).join(', ')}` };
      given.type = type;
    } else if (word.includes('/') && parseAddressWords(word.slice(0, word.indexOf('/'))) !== undefined) {
      const cidr = parseCidr(word);
      if ('problem' in cidr) return { problem: `${word} ${cidr.problem}` };
      networks.push(cidr);
    } else words.push(word.toLowerCase());
  }
  return { text: text.trim(), src: given.src, dst: given.dst, type: given.type, words, networks };
}

/** Whether it leaves rows out that the exporter has sent. */
export function isLocalFilter({ words, networks }: RowFilter): boolean {
  return words.length > 0 || networks.length > 0;
}

/** more: texts of the row besides its ends and its interface. */
export function matchesRow(filter: RowFilter, row: TrafficRow, more: readonly string[]): boolean {
  if (filter.words.length > 0) {
    const text = [row.source, row.destination, row.interfaceName, ...more].join(' ').toLowerCase();
    if (!filter.words.every((word) => text.includes(word))) return false;
  }
  if (filter.networks.length === 0) return true;
  const addresses = [row.source, row.destination].map(addressWords);
  return filter.networks.every((network) =>
    addresses.some((address) => address !== undefined && isIn(address, network)),
  );
}

/** Of `10.0.0.1`, `10.0.0.1:443`, `2001:db8::1` or `[2001:db8::1]:443`. */
function addressWords(endpoint: string): number[] | undefined {
  const [, ipv6] = /^\[([^\]]+)\]/.exec(endpoint) ?? [];
  return parseAddressWords(ipv6 ?? endpoint) ?? parseAddressWords(endpoint.replace(/:\d+$/, ''));
}

function isIn(address: readonly number[], { words, bits }: Cidr): boolean {
  return (
    address.length === words.length &&
    words.every((word, i) => ((address[i] ?? 0) & wordMask(bits, i)) >>> 0 === word)
  );
}
