// SPDX-License-Identifier: Apache-2.0
// enum traffic_kind and enum framing of bpf/abi.h, with the names that people see.

/**
 * enum traffic_kind. Append only: the numbers are shared with the kernel half, and with the pinned maps of other
 * versions.
 */
export const KIND = {
  none: 0,
  tcp: 1,
  udp: 2,
  roceV2: 3,
  roceV2Udp: 4,
  roceV1: 5,
  infiniband: 6,
  other: 7,
  nonIp: 8,
  malformed: 9,
} as const;

export const KIND_MAX = 10;

/** Stands for all kinds where flows do not tell them apart; the kernel knows no such kind. */
export const ANY_KIND = 0xff;

/** Whether packets of this kind make flows; those of the others carry a frame reason instead. */
export function hasFlow(kind: number): boolean {
  return kind !== KIND.nonIp && kind !== KIND.malformed;
}

export interface TrafficType {
  /** Value of the label traffic_type. */
  readonly label: string;
  /** What stands between brackets in a printed flow line. */
  readonly printed: string;
}

/** Index = kind. */
export const TRAFFIC_TYPES: readonly TrafficType[] = [
  { label: 'None', printed: 'None' },
  { label: 'TCP', printed: 'TCP' },
  { label: 'UDP', printed: 'UDP' },
  { label: 'RoCE_v2', printed: 'RoCE v2' },
  { label: 'RoCE_v2_UDP', printed: 'RoCE v2/UDP' },
  { label: 'RoCE_v1_IBoE', printed: 'RoCE v1/IBoE' },
  { label: 'InfiniBand', printed: 'InfiniBand' },
  { label: 'Other', printed: 'Other' },
  { label: 'Non_IP', printed: 'Non IP' },
  { label: 'Malformed', printed: 'Malformed' },
];

const ANY_TRAFFIC: TrafficType = { label: 'any', printed: 'any' };

/** The traffic type of a kind; a kind this build does not know is an ABI fault, shown as `Kind_N`. */
export function trafficType(kind: number): TrafficType {
  if (kind === ANY_KIND) return ANY_TRAFFIC;
  return TRAFFIC_TYPES[kind] ?? { label: `Kind_${kind}`, printed: `kind ${kind}` };
}

/** enum framing: how frames start on an interface. */
export const FRAMING = { ethernet: 0, infiniband: 1, l3: 2 } as const;
export type Framing = (typeof FRAMING)[keyof typeof FRAMING];
export const FRAMING_MAX = 3;

const EVERYWHERE = [KIND.tcp, KIND.udp, KIND.roceV2, KIND.roceV2Udp, KIND.nonIp, KIND.malformed];

/** The kinds that can come in on an interface; index = framing. */
export const KINDS_OF_FRAMING: readonly (readonly number[])[] = [
  [...EVERYWHERE, KIND.roceV1, KIND.other],
  [...EVERYWHERE, KIND.infiniband],
  [...EVERYWHERE, KIND.other],
];
