// SPDX-License-Identifier: Apache-2.0
// What the labels of a flow say under settings of flows.* and networks, from the parsed frame: the third
// half of the law that flows by some labels are the sums of flows by all. For tests only.

import { createKeyMasks } from '../../../src/abi/key-masks.js';
import { type Framing, KIND, trafficType } from '../../../src/abi/kinds.js';
import { formatAddress, parseAddress } from '../frames/addresses.js';
import { unmapped } from './expected-counts.js';
import { applyOptions, type ReferenceOptions } from './reference-options.js';
import type { ParsedFrame } from './reference-parser.js';

export interface LabelSettings {
  readonly labels: readonly string[];
  readonly ports: 'all' | 'service' | 'none';
  readonly folding: NonNullable<ReferenceOptions['folding']>;
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
  /** CIDR -> name. */
  readonly networks: Readonly<Record<string, string>>;
}

/** Labels that are the same for all flows of a test are not among them. */
const VARYING = [
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'protocol',
  'traffic_type',
  'vlan',
  'queue_pair',
  'dscp',
  'src_network',
  'dst_network',
] as const;

export function varyingLabels(labels: readonly string[]): readonly string[] {
  return VARYING.filter((name) => labels.includes(name));
}

/** The flow's name under the settings, in the order of varyingLabels(), and the kernel's key for it. */
export function shownFlow(
  parsed: ParsedFrame,
  framing: Framing,
  settings: LabelSettings,
): { readonly name: string; readonly kernelKey: string } {
  const { labels, ports } = settings;
  const has = (name: string): boolean => labels.includes(name);
  const masks = createKeyMasks({
    srcIp: has('src_ip') || has('src_network'),
    dstIp: has('dst_ip') || has('dst_network'),
    srcPort: has('src_port') && ports !== 'none',
    dstPort: has('dst_port') && ports !== 'none',
    vlan: has('vlan'),
    queuePair: has('queue_pair'),
    dscp: has('dscp'),
    ipv4PrefixLength: settings.ipv4PrefixLength,
    ipv6PrefixLength: settings.ipv6PrefixLength,
  });
  const options = { ...masks, kindsWanted: [0xffff, 0xffff, 0xffff] as const };
  const folding = ports === 'service' ? { folding: settings.folding } : {};
  const key = applyOptions(parsed, framing, { ...options, ...folding });
  const name = varyingLabels(labels).map((label) => labelOf(label, key, settings));
  return { name: name.join(' '), kernelKey: JSON.stringify(key) };
}

function labelOf(label: string, key: ParsedFrame, settings: LabelSettings): string {
  const address = (text: string): string => (key.kind === KIND.roceV1 ? unmapped(text) : text);
  switch (label) {
    case 'src_ip':
      return address(key.srcIp);
    case 'dst_ip':
      return address(key.dstIp);
    case 'src_port':
      return String(key.srcPort);
    case 'dst_port':
      return String(key.dstPort);
    case 'protocol':
      return String(key.protocol);
    case 'traffic_type':
      return trafficType(key.kind).label;
    case 'vlan':
      return String(key.vlan);
    case 'queue_pair':
      return String(key.qp);
    case 'dscp':
      return String(key.dscp ?? 0);
    case 'src_network':
      return networkOf(unmapped(key.srcIp), settings.networks);
    case 'dst_network':
      return networkOf(unmapped(key.dstIp), settings.networks);
    default:
      throw new RangeError(`no label that varies: ${label}`);
  }
}

/** By comparing bits with each network there is. */
function networkOf(text: string, networks: LabelSettings['networks']): string {
  const bits = bitsOf(text);
  let longest = -1;
  let name = 'none';
  for (const [cidr, candidate] of Object.entries(networks)) {
    const [address = '', length = ''] = cidr.split('/');
    const prefix = bitsOf(address);
    const isIn = prefix.length === bits.length && bits.startsWith(prefix.slice(0, Number(length)));
    if (isIn && Number(length) > longest) {
      longest = Number(length);
      name = candidate;
    }
  }
  return name;
}

function bitsOf(address: string): string {
  return [...parseAddress(address)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

/** The network of so many bits that an address lies in. */
export function networkAround(text: string, bits: number): string {
  const bytes = parseAddress(text).map((byte, i) => {
    const kept = Math.max(0, Math.min(8, bits - 8 * i));
    return byte & ((0xff << (8 - kept)) & 0xff);
  });
  return `${formatAddress(bytes)}/${bits}`;
}
