// SPDX-License-Identifier: Apache-2.0
// Flows that the operator's rules mean: those that a rule of `include` holds for (all, where there is none),
// less those that one of `exclude` holds for. Asked once for a flow that has no series, not for a packet; where
// keys are merged (key-merger.ts), once a row.

import {
  DESTINATION_ADDRESS_WORD,
  destinationPortOf,
  interfaceIdOf,
  ipVersionOf,
  protocolOf,
  SOURCE_ADDRESS_WORD,
  sourcePortOf,
} from '../abi/row-key.js';
import { type AddressWords, isInRange, rangeWords } from './address-range.js';
import type { FlowFilter } from './filter.js';

/** What a rule may ask for; as src/config/flow-rules.ts gives it. All of it must hold. */
interface Rule {
  readonly net?: Range;
  readonly src?: Range;
  readonly dst?: Range;
  readonly port?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  readonly protocol?: number;
  readonly interface?: string;
}
interface Range {
  readonly address: string;
  readonly bits: number;
}

export interface RuleFilterOptions {
  readonly include: readonly Rule[];
  readonly exclude: readonly Rule[];
  /** The name of an interface id; stays the same for an id. */
  interfaceName(id: number): string;
}

type Condition = (keys: Uint32Array, wordOffset: number) => boolean;

export function createRuleFilter({ include, exclude, interfaceName }: RuleFilterOptions): FlowFilter {
  const included = include.map((rule) => conditionOf(rule, interfaceName));
  const excluded = exclude.map((rule) => conditionOf(rule, interfaceName));
  return (keys, wordOffset) => {
    const isMeant = (condition: Condition): boolean => condition(keys, wordOffset);
    return (included.length === 0 || included.some(isMeant)) && !excluded.some(isMeant);
  };
}

function conditionOf(rule: Rule, interfaceName: (id: number) => string): Condition {
  const conditions: Condition[] = [];
  const { net, src, dst, port, srcPort, dstPort, protocol } = rule;
  if (net !== undefined) {
    const range = rangeWords(net.address, net.bits);
    conditions.push(
      (k, at) => has(k, at, SOURCE_ADDRESS_WORD, range) || has(k, at, DESTINATION_ADDRESS_WORD, range),
    );
  }
  if (src !== undefined) conditions.push(addressCondition(SOURCE_ADDRESS_WORD, src));
  if (dst !== undefined) conditions.push(addressCondition(DESTINATION_ADDRESS_WORD, dst));
  if (port !== undefined)
    conditions.push((k, at) => sourcePortOf(k, at) === port || destinationPortOf(k, at) === port);
  if (srcPort !== undefined) conditions.push((k, at) => sourcePortOf(k, at) === srcPort);
  if (dstPort !== undefined) conditions.push((k, at) => destinationPortOf(k, at) === dstPort);
  if (protocol !== undefined) conditions.push((k, at) => protocolOf(k, at) === protocol);
  if (rule.interface !== undefined) conditions.push(interfaceCondition(rule.interface, interfaceName));
  return (keys, wordOffset) => conditions.every((condition) => condition(keys, wordOffset));
}

function addressCondition(word: number, { address, bits }: Range): Condition {
  const range = rangeWords(address, bits);
  return (keys, wordOffset) => has(keys, wordOffset, word, range);
}

function has(keys: Uint32Array, wordOffset: number, word: number, range: AddressWords): boolean {
  return range.ipVersion === ipVersionOf(keys, wordOffset) && isInRange(keys, wordOffset + word, range);
}

/** An id's answer is kept: there are as many as interfaces. */
function interfaceCondition(pattern: string, interfaceName: (id: number) => string): Condition {
  const parts = pattern.split('*').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const expression = new RegExp(`^${parts.join('.*')}$`, 'u');
  const answers = new Map<number, boolean>();
  return (keys, wordOffset) => {
    const id = interfaceIdOf(keys, wordOffset);
    const known = answers.get(id);
    if (known !== undefined) return known;
    const answer = expression.test(interfaceName(id));
    answers.set(id, answer);
    return answer;
  };
}
