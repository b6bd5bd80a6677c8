// SPDX-License-Identifier: Apache-2.0
// What a packet costs: our program next to the plain hash of baseline.bpf.c, above a program that
// does nothing. Holds the rows and the arithmetic; the measuring is datapath.c's.

import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from '../test/support/frames/frames.js';
import { roceV2 } from '../test/support/roce/roce-frames.js';
import { buildProgram, buildRunner } from './build-native.js';

const FLOW_OBJECT = fileURLToPath(new URL('../bpf/flow.bpf.o', import.meta.url));
/** One run; about the packets of an interval. */
const PACKETS = 1_000_000;
/** Each with programs loaded anew: where the kernel puts their code moves a figure by up to 4 ns. */
const ROUNDS = 11;
/** As the exporter has them by default. */
const SLOTS_PER_CPU = 131_072;
/** Packets of one flow in a row, as a network card's receive burst brings them. */
const BURST_PACKETS = 16;

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
  /** oursNs / baselineNs of one round: median, least and greatest. */
  readonly ratio: number;
  readonly ratioMin: number;
  readonly ratioMax: number;
  /** oursNs / withoutRoceNs of one round, median: what ordinary traffic pays for RoCE. */
  readonly roceRatio: number;
  /** Driver and empty program, which is taken off. */
  readonly emptyNs: number;
}

interface Packet {
  readonly name: string;
  readonly frame: Buffer;
  /** Where the frame has four bytes of source address, and the source port. */
  readonly addressOffset: number;
  readonly portOffset: number;
  /** Of the last two bytes of a PSN, which the driver counts up flow by flow; 0: there is none. */
  readonly psnOffset?: number;
}

/** One row as datapath.c prints it: for each round ns per packet of empty, baseline, ours, ours without RoCE. */
interface MeasuredRow {
  readonly name: string;
  readonly flows: number;
  readonly burst: number;
  readonly rounds: readonly (readonly number[])[];
}

/** Needs root, clang, a C compiler and libbpf-dev. Takes about a minute. */
export function benchDatapath(): DatapathRow[] {
  const runner = buildRunner('datapath', 'subject.c');
  const objects = ['driver', 'empty', 'baseline'].map(buildProgram);
  const numbers = [PACKETS, ROUNDS, SLOTS_PER_CPU].map(String);
  const output = execFileSync(runner, [...numbers, ...objects, FLOW_OBJECT, `no-roce:${FLOW_OBJECT}`], {
    input: renderRows(),
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  return (JSON.parse(output) as MeasuredRow[]).map(summarize);
}

function renderRows(): string {
  const ends = { src: '10.0.0.1', dst: '10.1.0.1' };
  const ends6 = { src: 'fd00::1', dst: 'fd01::1' };
  const payload = payloadOf(18);
  const segment = tcp(1, 443, payload);
  const tcp4: Packet = {
    name: 'TCP/IPv4',
    frame: ethernet(ETHERTYPE.ipv4, ipv4(ends, segment)),
    addressOffset: 26,
    portOffset: 34,
  };
  const others: Packet[] = [
    {
      name: 'TCP/IPv6',
      frame: ethernet(ETHERTYPE.ipv6, ipv6(ends6, segment)),
      addressOffset: 34, // the last four bytes
      portOffset: 54,
    },
    {
      name: 'UDP/IPv4/VLAN',
      frame: ethernet(ETHERTYPE.ipv4, ipv4(ends, udp(1, 443, payload)), [{ id: 100 }]),
      addressOffset: 30,
      portOffset: 38,
    },
  ];
  const roce: Packet = {
    name: 'RoCEv2/IPv4',
    frame: ethernet(ETHERTYPE.ipv4, ipv4(ends, roceV2({ opcode: 0x04, destinationQp: 0x123 }, payload))),
    addressOffset: 26,
    portOffset: 34,
    psnOffset: 52,
  };
  return [
    renderRow(tcp4, 1, 1),
    ...[1024, 8192, 65536].flatMap((flows) => [
      renderRow(tcp4, flows, 1),
      renderRow(tcp4, flows, BURST_PACKETS),
    ]),
    ...others.map((packet) => renderRow(packet, 1024, 1)),
    renderRow(roce, 1, 1),
    renderRow(roce, 1024, 1),
    renderRow(roce, 1024, BURST_PACKETS),
  ].join('\n');
}

function renderRow(packet: Packet, flows: number, burst: number): string {
  const { name, frame, addressOffset, portOffset, psnOffset = 0 } = packet;
  return [name, flows, burst, addressOffset, portOffset, psnOffset, frame.toString('hex')].join(' ');
}

function summarize({ name, flows, burst, rounds }: MeasuredRow): DatapathRow {
  const costs = rounds.map(
    ([empty = Number.NaN, baseline = Number.NaN, ours = Number.NaN, bare = Number.NaN]) => ({
      empty,
      baseline: baseline - empty,
      ours: ours - empty,
      bare: bare - empty,
    }),
  );
  const ratios = costs.map(({ baseline, ours }) => ours / baseline);
  return {
    packet: name,
    flows,
    burst,
    oursNs: median(costs.map(({ ours }) => ours)),
    withoutRoceNs: median(costs.map(({ bare }) => bare)),
    baselineNs: median(costs.map(({ baseline }) => baseline)),
    ratio: median(ratios),
    ratioMin: Math.min(...ratios),
    ratioMax: Math.max(...ratios),
    roceRatio: median(costs.map(({ ours, bare }) => ours / bare)),
    emptyNs: median(costs.map(({ empty }) => empty)),
  };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}
