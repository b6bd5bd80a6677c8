// SPDX-License-Identifier: Apache-2.0
// What a packet costs where it comes from a device: the programs of `datapath`, attached in turn to a
// veth that another process sends to, by the kernel's own statistics of programs.

import { execFileSync } from 'node:child_process';
import { createVeth, Namespace } from '../test/support/kernel/namespace.js';
import { buildRunner } from './build-native.js';
import { costsOfRound, MEASURING, type MeasuredRounds, programObjects, type RoundCosts } from './datapath.js';
import { realDatapathRows, renderTrafficRow, type TrafficRow } from './datapath-rows.js';
import { median } from './median.js';

/** Of a run; with many flows datapath-real.c takes four of each. */
const PACKETS = 50_000;
/** As the exporter has them by default. */
const SLOTS_PER_CPU = 131_072;
const SOURCE_DEVICE = 'tx0';
const SINK_DEVICE = 'rx0';

export interface RealDatapathRow {
  readonly packet: string;
  readonly flows: number;
  /** Medians over the rounds, above the empty program. */
  readonly oursNs: number;
  readonly withoutRoceNs: number;
  readonly baselineNs: number;
  readonly referenceNs: number;
  readonly netobservNs: number;
  /** oursNs / baselineNs of one round: median, least and greatest. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** The statistics and the empty program, which are taken off. */
  readonly emptyNs: number;
}

/** Needs root, clang, a C compiler and libbpf-dev. 5 rounds take one to two minutes. */
export function benchRealDatapath(rounds: number): RealDatapathRow[] {
  const runner = buildRunner('datapath-real', ...MEASURING);
  const sender = buildRunner('send-flows', 'row.c');
  const objects = programObjects();
  const source = new Namespace('ds');
  const sink = new Namespace('dr');
  try {
    createVeth({ namespace: source, device: SOURCE_DEVICE }, { namespace: sink, device: SINK_DEVICE });
    const [nsenter = '', ...prefix] = sink.enter;
    const send = [...source.enter, sender, SOURCE_DEVICE].map(quote).join(' ');
    const numbers = [PACKETS, rounds, SLOTS_PER_CPU].map(String);
    const rows = realDatapathRows();
    const output = execFileSync(nsenter, [...prefix, runner, ...numbers, SINK_DEVICE, send, ...objects], {
      input: rows.map(renderTrafficRow).join('\n'),
      encoding: 'utf8',
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const measured = (JSON.parse(output) as MeasuredRounds[]).map((all) => all.map(costsOfRound));
    return rows.map((row, i) => summarize(row, measured[i] ?? []));
  } finally {
    sink.dispose();
    source.dispose();
  }
}

/** One word of the shell's. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function summarize({ packet, flows }: TrafficRow, rounds: readonly RoundCosts[]): RealDatapathRow {
  const ratios = rounds.map(({ baseline, ours }) => ours / baseline);
  return {
    packet,
    flows,
    oursNs: median(rounds.map(({ ours }) => ours)),
    withoutRoceNs: median(rounds.map(({ withoutRoce }) => withoutRoce)),
    baselineNs: median(rounds.map(({ baseline }) => baseline)),
    referenceNs: median(rounds.map(({ reference }) => reference)),
    netobservNs: median(rounds.map(({ netobserv }) => netobserv)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    emptyNs: median(rounds.map(({ empty }) => empty)),
  };
}
