// SPDX-License-Identifier: Apache-2.0
// Which flows are meant, as a file says it: conditions in words, as in `src 10.0.0.0/8 port 443`, of which
// all must hold. Gives them as data; who asks a flow is flows/rule-filter.ts.

import { isIP } from 'node:net';
import type { FlowDetail } from './flow-labels.js';
import { type Judgement, joinProblems, type Rule } from './rules.js';
import { suggestWord } from './suggest.js';
import { renderGiven } from './value-text.js';

export interface AddressRange {
  /** IPv4 or IPv6. */
  readonly address: string;
  /** Leading bits that count. */
  readonly bits: number;
}

export interface FlowRule {
  /** Either address. */
  readonly net?: AddressRange;
  readonly src?: AddressRange;
  readonly dst?: AddressRange;
  /** Either port. */
  readonly port?: number;
  readonly srcPort?: number;
  readonly dstPort?: number;
  /** Value of the label protocol. */
  readonly protocol?: number;
  /** Name of an interface, in which `*` stands for any characters. */
  readonly interface?: string;
}

const MAX_RULES = 1000;
const PORT_MAX = 65_535;
/** IANA's numbers of those that people name. */
const PROTOCOLS: Readonly<Record<string, number>> = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 };

/** Word in the file -> key of FlowRule, what reads its value, and what that may be. */
const CONDITIONS: Readonly<
  Record<string, { readonly key: keyof FlowRule; read(text: string): unknown; readonly allowed: string }>
> = {
  net: { key: 'net', read: readRange, allowed: 'an address or a network, such as 10.0.0.0/8' },
  src: { key: 'src', read: readRange, allowed: 'an address or a network, such as 10.0.0.0/8' },
  dst: { key: 'dst', read: readRange, allowed: 'an address or a network, such as 10.0.0.0/8' },
  port: { key: 'port', read: readPort, allowed: 'a port from 0 to 65535' },
  src_port: { key: 'srcPort', read: readPort, allowed: 'a port from 0 to 65535' },
  dst_port: { key: 'dstPort', read: readPort, allowed: 'a port from 0 to 65535' },
  protocol: {
    key: 'protocol',
    read: readProtocol,
    allowed: `a number from 0 to 255 or one of ${Object.keys(PROTOCOLS).join(', ')}`,
  },
  interface: { key: 'interface', read: readPattern, allowed: 'an interface name, perhaps with *' },
};

export function flowRules(): Rule<readonly FlowRule[]> {
  return (value): Judgement<readonly FlowRule[]> => {
    if (!Array.isArray(value)) {
      return {
        problem: `must be a list of rules, such as ["net 10.0.0.0/8 port 53"], but is ${renderGiven(value)}`,
      };
    }
    if (value.length > MAX_RULES) return { problem: `may have ${MAX_RULES} rules, but has ${value.length}` };
    const rules = value.map(readRule);
    const problem = joinProblems(rules.filter((rule) => typeof rule === 'string'));
    return problem === undefined ? { value: rules.filter((rule) => typeof rule !== 'string') } : { problem };
  };
}

/** Why a rule can never hold as it is meant, as the kernel does not keep what it asks for; undefined where it does. */
export function hiddenCondition(rule: FlowRule, shown: FlowDetail): string | undefined {
  const needsSrc = rule.srcPort !== undefined || rule.port !== undefined;
  const needsDst = rule.dstPort !== undefined || rule.port !== undefined;
  if (needsSrc && !shown.srcPort)
    return 'a rule asks for source ports, but flows.ports, flows.src_port or flows.labels leaves them out';
  if (needsDst && !shown.dstPort) {
    return 'a rule asks for destination ports, but flows.ports, flows.dst_port or flows.labels leaves them out';
  }
  const asksSrc = rule.src !== undefined || rule.net !== undefined;
  const asksDst = rule.dst !== undefined || rule.net !== undefined;
  const hasSrc = shown.srcIp || shown.srcNetwork;
  const hasDst = shown.dstIp || shown.dstNetwork;
  if ((asksSrc && !hasSrc) || (asksDst && !hasDst)) {
    return 'a rule asks for addresses that flows.labels leaves out';
  }
  for (const range of [rule.net, rule.src, rule.dst]) {
    if (range === undefined) continue;
    const [most, name] = range.address.includes(':')
      ? [shown.ipv6PrefixLength, 'ipv6_prefix_length']
      : [shown.ipv4PrefixLength, 'ipv4_prefix_length'];
    if (range.bits > most) {
      return `a rule asks for ${range.address}/${range.bits}, but flows.${name} ${most} leaves no more bits than that of addresses`;
    }
  }
  return undefined;
}

/** The rule, or what is wrong with it. */
function readRule(text: unknown): FlowRule | string {
  if (typeof text !== 'string') return `a rule is text, but one is ${renderGiven(text)}`;
  const words = text.trim().split(/\s+/);
  const rule: Record<string, unknown> = {};
  for (let i = 0; i < words.length; i += 2) {
    const [word = '', given] = words.slice(i, i + 2);
    const condition = Object.hasOwn(CONDITIONS, word) ? CONDITIONS[word] : undefined;
    if (condition === undefined) {
      const known = Object.keys(CONDITIONS);
      const hint = suggestWord(word, known);
      return `a condition is one of ${known.join(', ')}, but ${renderGiven(text)} has ${renderGiven(word)}${hint}`;
    }
    const { key, allowed } = condition;
    const value = given === undefined ? undefined : condition.read(given);
    if (value === undefined) return `after ${word} comes ${allowed}, but not in ${renderGiven(text)}`;
    if (key in rule) return `a rule has each condition once, but ${renderGiven(text)} has two of ${word}`;
    rule[key] = value;
  }
  return rule;
}

function readRange(text: string): AddressRange | undefined {
  const [, address = '', given] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = address.includes('%') ? 0 : isIP(address);
  if (version === 0) return undefined;
  const most = version === 4 ? 32 : 128;
  const bits = given === undefined ? most : Number(given);
  return bits <= most ? { address, bits } : undefined;
}

function readPort(text: string): number | undefined {
  return /^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX ? Number(text) : undefined;
}

function readProtocol(text: string): number | undefined {
  if (Object.hasOwn(PROTOCOLS, text)) return PROTOCOLS[text];
  return /^\d{1,3}$/.test(text) && Number(text) <= 255 ? Number(text) : undefined;
}

function readPattern(text: string): string | undefined {
  return /^[^/\s]{1,64}$/u.test(text) ? text : undefined;
}
