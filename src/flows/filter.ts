// SPDX-License-Identifier: Apache-2.0
// Which flows the operator asked for. Frames without a flow (non-IP, malformed) are no matter of a
// filter: the accounts book them before they ask.

import { FRAMING, type Framing, KIND, KIND_MAX } from '../abi/kinds.js';
import {
  DESTINATION_ADDRESS_WORD,
  interfaceIdOf,
  ipVersionOf,
  kindOf,
  SOURCE_ADDRESS_WORD,
} from '../abi/row-key.js';
import { rangeWords } from './address-range.js';

/** Values of --filter. */
export const FILTER_NAMES = ['roce', 'roce_v1', 'roce_v2', 'tcp', 'udp', 'ib', 'all'] as const;
export type FilterName = (typeof FILTER_NAMES)[number];

/** Whether to keep the flow whose key starts at keys[wordOffset]. */
export type FlowFilter = (keys: Uint32Array, wordOffset: number) => boolean;

export interface FilterOptions {
  readonly filter: FilterName;
  /** Leave out flows from or to a well-known DNS resolver, IPv4 only, whatever the port. */
  readonly excludeDns: boolean;
  /** How frames start on an interface; undefined for one that is not known (yet). */
  linkFraming(interfaceId: number): Framing | undefined;
}

/** The resolvers that --exclude-dns means. */
export const DNS_RESOLVERS: readonly string[] = [
  '223.5.5.5',
  '223.6.6.6',
  '114.114.114.114',
  '114.114.115.115',
  '8.8.8.8',
  '8.8.4.4',
  '1.1.1.1',
  '1.0.0.1',
];

/** Every kind; those without a flow are always wanted, since no filter speaks of them. */
const ALL_KINDS = (1 << KIND_MAX) - 1;
const WITHOUT_FLOW = bits([KIND.nonIp, KIND.malformed]);

/** Kinds that a filter names; `ib` names none, it goes by the link. */
const KINDS_OF_FILTER: Readonly<Record<Exclude<FilterName, 'ib'>, number>> = {
  roce: bits([KIND.roceV1, KIND.roceV2, KIND.roceV2Udp]),
  roce_v1: bits([KIND.roceV1]),
  roce_v2: bits([KIND.roceV2, KIND.roceV2Udp]),
  tcp: bits([KIND.tcp]),
  udp: bits([KIND.udp]),
  all: ALL_KINDS,
};

/**
 * For struct options.kinds_wanted (bpf/abi.h): by framing, bit n = kind n keeps its addresses and
 * ports in the kernel.
 */
export function kindsWanted(filter: FilterName): [number, number, number] {
  if (filter === 'ib') return [WITHOUT_FLOW, ALL_KINDS, WITHOUT_FLOW];
  const kinds = KINDS_OF_FILTER[filter] | WITHOUT_FLOW;
  return [kinds, kinds, kinds];
}

export function createFilter(options: FilterOptions): FlowFilter {
  const { filter, linkFraming } = options;
  const wanted = filter === 'ib' ? onInfinibandLink(linkFraming) : ofKinds(KINDS_OF_FILTER[filter]);
  if (!options.excludeDns) return wanted;
  return (keys, wordOffset) => wanted(keys, wordOffset) && !touchesResolver(keys, wordOffset);
}

function ofKinds(kinds: number): FlowFilter {
  // A kind that this build does not know is nobody's but `all`'s.
  if (kinds === ALL_KINDS) return () => true;
  return (keys, wordOffset) => {
    const kind = kindOf(keys, wordOffset);
    return kind < KIND_MAX && ((kinds >>> kind) & 1) === 1;
  };
}

function onInfinibandLink(linkFraming: FilterOptions['linkFraming']): FlowFilter {
  return (keys, wordOffset) => linkFraming(interfaceIdOf(keys, wordOffset)) === FRAMING.infiniband;
}

const RESOLVER_WORDS = DNS_RESOLVERS.flatMap((address) => rangeWords(address, 32).words);

function touchesResolver(keys: Uint32Array, wordOffset: number): boolean {
  if (ipVersionOf(keys, wordOffset) !== 4) return false;
  const src = keys[wordOffset + SOURCE_ADDRESS_WORD];
  const dst = keys[wordOffset + DESTINATION_ADDRESS_WORD];
  for (const resolver of RESOLVER_WORDS) {
    if (src === resolver || dst === resolver) return true;
  }
  return false;
}

function bits(kinds: readonly number[]): number {
  return kinds.reduce((mask, kind) => mask | (1 << kind), 0);
}
