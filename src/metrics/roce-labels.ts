// SPDX-License-Identifier: Apache-2.0
// The labels of RoCE pairs and their values as text. Each pair's are made once for all its samples.

import { ROCE_MALFORMED, ROCE_TRANSPORT } from '../abi/roce-records.js';
import { isMappedIpv4 } from '../abi/row-key.js';
import { OTHER_PARTITIONS } from '../roce/roce-pair.js';
import type { RocePathView } from '../roce/views.js';
import type { Label, Labels } from './definition.js';
import { DIRECTION } from './direction.js';
import { QUEUE_PAIR_LABEL } from './flow-label-fields.js';
import { IP_TEXT_MAX_BYTES, writeIpv4, writeIpv6 } from './ip-text.js';

/** Labels of a pair, in the order in which they are rendered. */
export const ROCE_PAIR_LABELS = [
  'interface',
  'direction',
  'src_ip',
  'dst_ip',
  'host_ip',
  'collect_agg',
] as const;

export interface RoceLabelOptions {
  /** The name of an interface id; must stay the same for an id. */
  interfaceName(id: number): string;
  readonly hostIp: string;
  readonly collectAgg: string;
}

/** By ROCE_TRANSPORT. */
export const TRANSPORT_LABELS: readonly Label[] = Object.entries(ROCE_TRANSPORT)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => ['transport', name]);

/** By RoCE version; what is malformed is 0 in the books. */
export const VERSION_LABELS: readonly Label[] = [
  ['version', 'malformed'],
  ['version', 'v1'],
  ['version', 'v2'],
];

/** By DSCP, which has 6 bits. */
export const DSCP_LABELS: readonly Label[] = Array.from({ length: 64 }, (_, dscp) => ['dscp', String(dscp)]);

/** By place among the six cells: AETH codes 0x60 to 0x64, and the rest. */
export const NAK_LABELS: readonly Label[] = [
  ['reason', 'psn_sequence_error'],
  ['reason', 'invalid_request'],
  ['reason', 'remote_access_error'],
  ['reason', 'remote_operational_error'],
  ['reason', 'invalid_rd_request'],
  ['reason', 'reserved'],
];

/** By codepoint (RFC 3168, section 5): 1 is ECT(1), 2 is ECT(0). In the order of their names. */
export const ECN_LABELS: readonly { readonly label: Label; readonly codepoint: number }[] = [
  { label: ['codepoint', 'not_ect'], codepoint: 0 },
  { label: ['codepoint', 'ect0'], codepoint: 2 },
  { label: ['codepoint', 'ect1'], codepoint: 1 },
  { label: ['codepoint', 'ce'], codepoint: 3 },
];

export const MALFORMED_LABELS: readonly { readonly label: Label; readonly reason: number }[] = [
  { label: ['reason', 'short'], reason: ROCE_MALFORMED.short },
  { label: ['reason', 'transport_version'], reason: ROCE_MALFORMED.version },
  { label: ['reason', 'opcode'], reason: ROCE_MALFORMED.opcode },
];
export const LENGTH_LABEL: Label = ['reason', 'length'];

export function partitionLabel(pkey: number): Label {
  return ['pkey', pkey === OTHER_PARTITIONS ? 'other' : `0x${pkey.toString(16).padStart(4, '0')}`];
}

/** ROCE_PAIR_LABELS of a path, and the queue pair where queue pairs are told apart. */
export function pairLabels(
  path: RocePathView,
  options: RoceLabelOptions,
  queuePair: number | undefined,
): Labels {
  const labels: Label[] = [
    ['interface', options.interfaceName(path.interfaceId)],
    ['direction', DIRECTION],
    ['src_ip', roceAddressText(path.addresses, 0)],
    ['dst_ip', roceAddressText(path.addresses, 4)],
    ['host_ip', options.hostIp],
    ['collect_agg', options.collectAgg],
  ];
  if (queuePair !== undefined) labels.push([QUEUE_PAIR_LABEL, String(queuePair)]);
  return labels;
}

/** The address in the four words from wordOffset; one that maps an IPv4 address, as IPv4. */
export function roceAddressText(words: Uint32Array, wordOffset: number): string {
  const out = Buffer.alloc(IP_TEXT_MAX_BYTES);
  const end = isMappedIpv4(words, wordOffset)
    ? writeIpv4(out, 0, words[wordOffset + 3] ?? 0)
    : writeIpv6(out, 0, words, wordOffset);
  return out.toString('latin1', 0, end);
}
