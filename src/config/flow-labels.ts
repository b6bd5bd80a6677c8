// SPDX-License-Identifier: Apache-2.0
// Which labels tell flows apart, as a file says it, and what flows still show with them.

import { type Judgement, joinProblems, type Rule } from './rules.js';
import { suggestWord } from './suggest.js';
import { renderGiven } from './value-text.js';

/** All that a flow can have; the first nine it has unless told otherwise. */
export const ALL_LABELS = [
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'protocol',
  'traffic_type',
  'interface',
  'host_ip',
  'collect_agg',
  'vlan',
  'queue_pair',
  'dscp',
  'direction',
  'src_network',
  'dst_network',
] as const;
export type FlowLabelName = (typeof ALL_LABELS)[number];

export const USUAL_LABELS: readonly FlowLabelName[] = ALL_LABELS.slice(0, 9);

export function flowLabels(): Rule<readonly FlowLabelName[]> {
  return (value): Judgement<readonly FlowLabelName[]> => {
    if (!Array.isArray(value)) {
      return { problem: `must be a list of labels, such as [src_ip, dst_ip], but is ${renderGiven(value)}` };
    }
    const problem = joinProblems(value.map(wrongLabel).filter((wrong) => wrong !== undefined));
    if (problem !== undefined) return { problem };
    if (value.length === 0) return { problem: 'must name at least one label, such as traffic_type' };
    return { value: ALL_LABELS.filter((name) => value.includes(name)) };
  };
}

function wrongLabel(name: unknown): string | undefined {
  if (ALL_LABELS.some((known) => known === name)) return undefined;
  const hint = typeof name === 'string' ? suggestWord(name, ALL_LABELS) : '';
  return `a label is one of ${ALL_LABELS.join(', ')}, but one is ${renderGiven(name)}${hint}`;
}

/** Settings that say what of a flow is shown. */
export interface FlowDetailSettings {
  readonly labels: readonly FlowLabelName[];
  readonly ports: 'all' | 'service' | 'none';
  readonly srcPort: boolean;
  readonly dstPort: boolean;
  readonly vlan: boolean;
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

/** What labels show of a flow. */
export interface FlowDetail {
  readonly srcIp: boolean;
  readonly dstIp: boolean;
  readonly srcPort: boolean;
  readonly dstPort: boolean;
  readonly protocol: boolean;
  readonly trafficType: boolean;
  readonly interface: boolean;
  readonly srcNetwork: boolean;
  readonly dstNetwork: boolean;
  readonly vlan: boolean;
  readonly queuePair: boolean;
  readonly dscp: boolean;
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

/** perQueuePair: whether RoCE's queue pairs are told apart everywhere (roce.per_queue_pair). */
export function flowDetail(flows: FlowDetailSettings, perQueuePair: boolean): FlowDetail {
  const has = (name: FlowLabelName): boolean => flows.labels.includes(name);
  const { ipv4PrefixLength, ipv6PrefixLength } = flows;
  const hasPorts = flows.ports !== 'none';
  return {
    srcIp: has('src_ip'),
    dstIp: has('dst_ip'),
    srcPort: hasPorts && flows.srcPort && has('src_port'),
    dstPort: hasPorts && flows.dstPort && has('dst_port'),
    protocol: has('protocol'),
    trafficType: has('traffic_type'),
    interface: has('interface'),
    srcNetwork: has('src_network'),
    dstNetwork: has('dst_network'),
    vlan: flows.vlan || has('vlan'),
    queuePair: perQueuePair || has('queue_pair'),
    dscp: has('dscp'),
    ipv4PrefixLength,
    ipv6PrefixLength,
  };
}
