// SPDX-License-Identifier: Apache-2.0
// The filter that one types over the flows: words, all of which must hold. An address or a network is asked of
// the exporter, so that it finds small flows, too; other text is looked for in what the labels show. Pure.

import { parseCidr } from '../../src/cidr.js';
import type { Flow, RocePair } from './answers.js';

export interface FlowFilter {
  /** Parameters of /api/v1/flows that hold for all queries. */
  readonly params: Readonly<Record<string, string>>;
  /** An address that may be either end: asked for as source and as destination. */
  readonly eitherEnd: string | undefined;
  /** In small letters; each must occur in a label. */
  readonly texts: readonly string[];
  /** What cannot be asked for, in a sentence; empty where all can. */
  readonly problem: string;
}

const KEYS: Readonly<Record<string, string>> = {
  src: 'src',
  from: 'src',
  dst: 'dst',
  to: 'dst',
  interface: 'interface',
  if: 'interface',
  type: 'type',
};

export function parseFlowFilter(input: string): FlowFilter {
  const params: Record<string, string> = {};
  const texts: string[] = [];
  let eitherEnd: string | undefined;
  let problem = '';
  for (const word of input.split(/\s+/).filter((one) => one !== '')) {
    const [, key = '', rest = ''] = /^([a-z]+):(.*)$/is.exec(word) ?? [];
    const param = KEYS[key.toLowerCase()];
    if (param !== undefined && !isNetwork(word)) {
      // A word that is being typed filters nothing yet.
      if (rest === '') continue;
      if (params[param] !== undefined) problem = `${key}: stands twice; one is enough.`;
      if ((param === 'src' || param === 'dst') && !isNetwork(rest)) {
        problem ||=
          networkProblem(rest) ?? `${key}: takes an address or a network, such as ${key}:10.0.0.0/8.`;
      } else params[param] = rest;
    } else if (isNetwork(word)) {
      if (eitherEnd !== undefined) problem = 'Of two addresses say which is which: src:… dst:…';
      eitherEnd = word;
    } else if (networkProblem(word) !== undefined) {
      problem ||= networkProblem(word) ?? '';
    } else texts.push(word.toLowerCase());
  }
  return { params, eitherEnd, texts, problem };
}

/** Of one end, each: the answers together are what was asked for. */
export function queriesOf(
  filter: FlowFilter,
  order: Readonly<Record<string, string>>,
): Record<string, string>[] {
  const { params, eitherEnd } = filter;
  if (eitherEnd === undefined) return [{ ...order, ...params }];
  return (['src', 'dst'] as const)
    .filter((end) => params[end] === undefined)
    .map((end) => ({ ...order, ...params, [end]: eitherEnd }));
}

/** The same of RoCE pairs: all have one type, so that a type asks for nothing. */
export function pairQueriesOf(
  filter: FlowFilter,
  order: Readonly<Record<string, string>>,
): Record<string, string>[] {
  return queriesOf(filter, order).map(({ type: _type, ...rest }) => rest);
}

/** Whole addresses and networks alone, as the exporter reads them: `10.0` is text. */
export function isNetwork(text: string): boolean {
  return !('problem' in parseCidr(text));
}

/** A network that is being typed, or meant otherwise: what the exporter would say of it. */
function networkProblem(word: string): string | undefined {
  const [address = '', length] = word.split('/');
  if (length === undefined || !isNetwork(address)) return undefined;
  const cidr = parseCidr(word);
  return 'problem' in cidr ? `${word} ${cidr.problem}.` : undefined;
}

export function matchesTexts(flow: Flow, texts: readonly string[]): boolean {
  if (texts.length === 0) return true;
  const shown = Object.values(flow.labels).map((label) => label.toLowerCase());
  return texts.every((text) => shown.some((label) => label.includes(text)));
}

/** Text is looked for in what a pair shows. */
export function pairMatchesTexts(pair: RocePair, texts: readonly string[]): boolean {
  const shown = [pair.interface, pair.src_ip, pair.dst_ip].map((one) => one.toLowerCase());
  return texts.every((text) => shown.some((one) => one.includes(text)));
}
