// SPDX-License-Identifier: Apache-2.0
// What a packet costs: our program next to the plain hash of baseline.bpf.c and two exporters' ways
// of counting, above a program that does nothing. The arithmetic; the measuring is datapath.c's.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { buildProgram, buildRunner } from './build-native.js';
import { datapathRows, renderTrafficRow, type TrafficRow } from './datapath-rows.js';
import { median } from './median.js';

const FLOW_OBJECT = fileURLToPath(new URL('../bpf/flow.bpf.o', import.meta.url));
/** One run; about the packets of an interval. */
const PACKETS = 1_000_000;
/** As the exporter has them by default. */
const SLOTS_PER_CPU = 131_072;

export interface DatapathRow {
  readonly packet: string;
  readonly flows: number;
  /** Packets of one flow in a row; 1: each packet's flow is drawn anew. */
  readonly burst: number;
  /** Medians over the rounds, above the empty program. */
  readonly oursNs: number;
  /** The same program with roce.enabled false: RoCE counts as flows alone. */
  readonly withoutRoceNs: number;
  readonly baselineNs: number;
  /** Undefined where it does not count such packets: IPv6. */
  readonly referenceNs: number | undefined;
  readonly netobservNs: number;
  /** oursNs / baselineNs of one round: median, least and greatest. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** oursNs / withoutRoceNs of one round, median: what ordinary traffic pays for RoCE. */
  readonly roceRatio: number;
  /** Of RoCE rows: oursNs / that of TCP of the same IP version, flows and burst, of one round; median. */
  readonly tcpRatio: number | undefined;
  /** Driver and empty program, which is taken off. */
  readonly emptyNs: number;
}

/** C that the runners share. */
export const MEASURING: readonly string[] = ['subject.c', 'counts.c', 'costs.c', 'row.c'];

/** What a packet costs in one round, by program, above the empty one. */
export interface RoundCosts {
  readonly empty: number;
  readonly baseline: number;
  /** NaN where it does not count such packets. */
  readonly reference: number;
  readonly netobserv: number;
  readonly ours: number;
  readonly withoutRoce: number;
}

/** For each round ns per packet of each program, in the order of programObjects(); null: counted none. */
export type MeasuredRounds = readonly (readonly (number | null)[])[];

/** Needs root, clang, a C compiler and libbpf-dev. 11 rounds take about three minutes. */
export function benchDatapath(rounds: number): DatapathRow[] {
  const runner = buildRunner('datapath', ...MEASURING);
  const numbers = [PACKETS, rounds, SLOTS_PER_CPU].map(String);
  const rows = datapathRows();
  const output = execFileSync(runner, [...numbers, buildProgram('driver'), ...programObjects()], {
    input: rows.map(renderTrafficRow).join('\n'),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const measured = (JSON.parse(output) as MeasuredRounds[]).map((all) => all.map(costsOfRound));
  return rows.map((row, i) => summarize(row, measured[i] ?? [], measured[rowComparedWith(rows, row)]));
}

/** The programs that are measured, in the order in which the runners take them. */
export function programObjects(): string[] {
  const others = ['empty', 'baseline', 'reference', 'netobserv'].map(buildProgram);
  return [...others, FLOW_OBJECT, `no-roce:${FLOW_OBJECT}`];
}

/** Throws where a program but `reference` has counted none of a round's packets. */
export function costsOfRound(round: readonly (number | null)[]): RoundCosts {
  const [empty, baseline, reference, netobserv, ours, withoutRoce] = round;
  if (!empty || !baseline || !netobserv || !ours || !withoutRoce) {
    throw new Error(`a program counted no packets: ${JSON.stringify(round)}`);
  }
  return {
    empty,
    baseline: baseline - empty,
    reference: (reference ?? Number.NaN) - empty,
    netobserv: netobserv - empty,
    ours: ours - empty,
    withoutRoce: withoutRoce - empty,
  };
}

function rowComparedWith(rows: readonly TrafficRow[], row: TrafficRow): number {
  return rows.findIndex(
    (other) => other.packet === row.comparedWith && other.flows === row.flows && other.burst === row.burst,
  );
}

function summarize(
  { packet, flows, burst }: TrafficRow,
  rounds: readonly RoundCosts[],
  compared: readonly RoundCosts[] | undefined,
): DatapathRow {
  const ratios = rounds.map(({ baseline, ours }) => ours / baseline);
  const tcpRatios = rounds.map(({ ours }, i) => ours / (compared?.[i]?.ours ?? Number.NaN));
  return {
    packet,
    flows,
    burst,
    oursNs: median(rounds.map(({ ours }) => ours)),
    withoutRoceNs: median(rounds.map(({ withoutRoce }) => withoutRoce)),
    baselineNs: median(rounds.map(({ baseline }) => baseline)),
    referenceNs: definedMedian(rounds.map(({ reference }) => reference)),
    netobservNs: median(rounds.map(({ netobserv }) => netobserv)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    roceRatio: median(rounds.map(({ ours, withoutRoce }) => ours / withoutRoce)),
    tcpRatio: definedMedian(tcpRatios),
    emptyNs: median(rounds.map(({ empty }) => empty)),
  };
}

/** Undefined where nothing was measured. */
function definedMedian(values: readonly number[]): number | undefined {
  return values.some(Number.isNaN) ? undefined : median(values);
}
