// SPDX-License-Identifier: Apache-2.0
// The labels of RoCE pairs and their values as text. Each pair's are made once for all its samples.
import { ROCE_TRANSPORT } from '../abi/roce-records.js';
import { OTHER_PARTITIONS } from '../roce/roce-pair.js';
import type { RocePathView } from '../roce/views.js';
import { DIRECTION } from './book-families.js';
import { QUEUE_PAIR_LABEL } from './catalog.js';
import type { Sample } from './family.js';
import { IP_TEXT_MAX_BYTES, isMappedIpv4, writeIpv4, writeIpv6 } from './ip-text.js';

export type Label = Sample['labels'][number];
export type Labels = Sample['labels'];

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

export function partitionLabel(pkey: number): Label {
  return ['pkey', pkey === OTHER_PARTITIONS ? 'other' : `0x${pkey.toString(16).padStart(4, '0')}`];
}

/** ROCE_PAIR_LABELS of a path, and the queue pair where it is told. */
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
