// SPDX-License-Identifier: Apache-2.0
// What a request asks for, out of its query; or one sentence that says what is wrong with it.

import { TRAFFIC_TYPES } from '../abi/kinds.js';
import { type AddressFilter, parseAddressFilter } from './address-filter.js';

export interface QueryProblem {
  /** One sentence, with its full stop. */
  readonly problem: string;
}

export const TOP_MAX = 1000;
const TOP_USUAL = 50;

/** The first one unless told. */
export const FLOW_COLUMNS = ['bytes', 'packets', 'total_bytes', 'total_packets'] as const;
export type FlowColumn = (typeof FLOW_COLUMNS)[number];

/** The first one unless told. */
export const PAIR_COLUMNS = [
  'payload_bytes',
  'bytes',
  'packets',
  'ce_packets',
  'cnp_packets',
  'naks',
  'rnr_naks',
  'psn_gaps',
  'retransmitted',
  'total_payload_bytes',
  'total_bytes',
] as const;
export type PairColumn = (typeof PAIR_COLUMNS)[number];

interface TopQuery<Column> {
  readonly top: number;
  readonly by: Column;
  /** By name. */
  readonly interface: string | undefined;
  readonly src: AddressFilter | undefined;
  readonly dst: AddressFilter | undefined;
}

export interface FlowQuery extends TopQuery<FlowColumn> {
  /** Number of a kind. */
  readonly kind: number | undefined;
}

export type PairQuery = TopQuery<PairColumn>;

export interface HistoryQuery {
  readonly flow: string | undefined;
  readonly pair: string | undefined;
}

/** labels: those that flows have; a filter by another one could find nothing. */
export function readFlowQuery(params: URLSearchParams, labels: readonly string[]): FlowQuery | QueryProblem {
  const given = readParams(params, ['top', 'by', 'interface', 'type', 'src', 'dst']);
  if ('problem' in given) return given;
  for (const [name, label] of Object.entries(LABEL_OF_FILTER)) {
    if (!given.has(name) || labels.includes(label)) continue;
    return { problem: `Flows cannot be chosen by ${name}: flows.labels leaves out ${label}.` };
  }
  const common = readTop(given, FLOW_COLUMNS);
  if ('problem' in common) return common;
  const type = given.get('type');
  if (type === undefined) return { ...common, kind: undefined };
  const kind = TRAFFIC_TYPES.findIndex(({ label }) => label === type);
  if (kind < 0) {
    const known = TRAFFIC_TYPES.map(({ label }) => label).join(', ');
    return { problem: `There is no traffic type ${shown(type)}; there are ${known}.` };
  }
  return { ...common, kind };
}

const LABEL_OF_FILTER: Readonly<Record<string, string>> = {
  interface: 'interface',
  type: 'traffic_type',
  src: 'src_ip',
  dst: 'dst_ip',
};

export function readPairQuery(params: URLSearchParams): PairQuery | QueryProblem {
  const given = readParams(params, ['top', 'by', 'interface', 'src', 'dst']);
  return 'problem' in given ? given : readTop(given, PAIR_COLUMNS);
}

export function readHistoryQuery(params: URLSearchParams): HistoryQuery | QueryProblem {
  const given = readParams(params, ['flow', 'pair']);
  if ('problem' in given) return given;
  if (given.size > 1) return { problem: 'Give flow or pair, not both of them.' };
  return { flow: given.get('flow'), pair: given.get('pair') };
}

export function readNoQuery(params: URLSearchParams): Record<string, never> | QueryProblem {
  const given = readParams(params, []);
  return 'problem' in given ? given : {};
}

function readParams(
  params: URLSearchParams,
  known: readonly string[],
): ReadonlyMap<string, string> | QueryProblem {
  const given = new Map<string, string>();
  for (const [name, value] of params) {
    if (!known.includes(name)) {
      const there = known.length === 0 ? 'this path takes none' : `there are ${known.join(', ')}`;
      return { problem: `There is no parameter ${shown(name)}; ${there}.` };
    }
    if (given.has(name)) return { problem: `The parameter ${name} is given twice.` };
    given.set(name, value);
  }
  // An empty field of a form asks for nothing.
  return new Map([...given].filter(([, value]) => value !== ''));
}

function readTop<Column extends string>(
  given: ReadonlyMap<string, string>,
  columns: readonly [Column, ...Column[]],
): TopQuery<Column> | QueryProblem {
  const topText = given.get('top') ?? String(TOP_USUAL);
  const top = /^\d{1,7}$/.test(topText) ? Number(topText) : 0;
  if (top < 1 || top > TOP_MAX) {
    return { problem: `top must be a whole number from 1 to ${TOP_MAX}, but is ${shown(topText)}.` };
  }
  const byText = given.get('by') ?? columns[0];
  const by = columns.find((column) => column === byText);
  if (by === undefined) {
    return { problem: `There is no column ${shown(byText)}; by is one of ${columns.join(', ')}.` };
  }
  const [src, dst] = [readFilter(given, 'src'), readFilter(given, 'dst')];
  if (src !== undefined && 'problem' in src) return src;
  if (dst !== undefined && 'problem' in dst) return dst;
  return { top, by, interface: given.get('interface'), src, dst };
}

function readFilter(
  given: ReadonlyMap<string, string>,
  name: 'src' | 'dst',
): AddressFilter | QueryProblem | undefined {
  const text = given.get(name);
  if (text === undefined) return undefined;
  const filter = parseAddressFilter(text);
  return 'problem' in filter ? { problem: `${name}: ${shown(text)} ${filter.problem}.` } : filter;
}

/** As much of it as helps. */
function shown(text: string): string {
  return JSON.stringify(text.slice(0, 60));
}
