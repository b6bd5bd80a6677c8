// SPDX-License-Identifier: Apache-2.0
// Third-party captures and what tshark reads in them. They are not part of the repository: the
// folder is named by XTRACE_SHARED, or is `shared` beside the repository; tests skip without it.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { KIND } from '../../../src/abi/kinds.js';
import { canonicalAddress } from '../frames/addresses.js';
import { type CapturedFrame, parseCapture } from '../frames/pcap.js';
import type { ParsedFrame } from './reference-parser.js';

/** Packets and captured bytes. */
export interface Sum {
  readonly packets: number;
  readonly bytes: number;
}

export interface Truth {
  readonly total: Sum;
  /** By flow (see flowName), those whose IP header lies behind Ethernet and VLAN tags only. */
  readonly flows: ReadonlyMap<string, Sum>;
  /** All other frames: no readable IP header, or one behind MPLS and the like. */
  readonly withoutFlow: Sum;
}

/** Where our parser's law and tshark differ rightly: frames of a flow of tshark's that have none with us. */
interface Difference {
  readonly capture: string;
  readonly flow: string;
  readonly frames: Sum;
  readonly why: string;
}

const DIFFERENCES: readonly Difference[] = [
  {
    capture: 'vlan__eve-flow-vlan-02_input.pcap',
    flow: flowName('192.168.0.1', '255.255.255.255', 1, 0, 0),
    frames: { packets: 1, bytes: 54 },
    why: 'one frame has three VLAN tags; we follow two and count a third under vlan_depth',
  },
];

/** Where the captures are, or undefined where there are none. */
export function findCaptureFolder(): string | undefined {
  const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../../..');
  const shared = process.env['XTRACE_SHARED'] ?? path.resolve(root, '../shared');
  const folder = path.join(shared, 'pcaps');
  return existsSync(path.join(folder, 'index.tsv')) ? folder : undefined;
}

/** What a test says when it skips for want of captures. */
export const NO_CAPTURES =
  'SKIPPED: no captures to compare with; set XTRACE_SHARED to the folder that holds pcaps/index.tsv';

/** File names of the Ethernet captures, in the order of the index. */
export function readCaptureNames(folder: string): string[] {
  const [header, ...rows] = readTable(path.join(folder, 'index.tsv'));
  const linkType = (header ?? []).indexOf('linktype');
  return rows.filter((row) => row[linkType] === 'ether').map((row) => row[0] ?? '');
}

export function readCapture(folder: string, name: string): CapturedFrame[] {
  return parseCapture(readFileSync(path.join(folder, name)));
}

/** What must be counted of one capture: tshark's reading, but for DIFFERENCES. */
export function readTruth(folder: string, name: string): Truth {
  const rows = readTable(path.join(folder, 'truth', `${name}.tsv`));
  const totals = new Map(
    rows.filter((row) => row[0]?.startsWith('#')).map((row) => [row[0], Number(row[1])]),
  );
  const flows = new Map<string, Sum>();
  let withoutFlow: Sum = { packets: 0, bytes: 0 };
  for (const row of rows.filter((row) => !row[0]?.startsWith('#') && row[0] !== 'src')) {
    const [src, dst, protocol, sport, dport, packets, , capturedBytes, , l2path] = row;
    const sum = { packets: Number(packets), bytes: Number(capturedBytes) };
    if (src === undefined || dst === undefined || src === '-' || !behindEthernetOnly(l2path ?? '')) {
      withoutFlow = plus(withoutFlow, sum);
    } else {
      const flow = flowName(src, dst, Number(protocol), Number(sport), Number(dport));
      flows.set(flow, plus(flows.get(flow), sum));
    }
  }
  for (const { flow, frames, why } of DIFFERENCES.filter(({ capture }) => capture === name)) {
    const sum = flows.get(flow);
    if (sum === undefined) throw new RangeError(`${name}: no flow ${flow} to except (${why})`);
    flows.set(flow, { packets: sum.packets - frames.packets, bytes: sum.bytes - frames.bytes });
    withoutFlow = plus(withoutFlow, frames);
  }
  return {
    total: { packets: totals.get('#frames') ?? Number.NaN, bytes: totals.get('#sum_cap_len') ?? Number.NaN },
    flows,
    withoutFlow,
  };
}

/** Adds counted frames up in the same form as a Truth. */
export class Tally implements Truth {
  readonly flows = new Map<string, Sum>();
  total: Sum = { packets: 0, bytes: 0 };
  withoutFlow: Sum = { packets: 0, bytes: 0 };

  add(key: ParsedFrame, sum: Sum): void {
    this.total = plus(this.total, sum);
    if (key.kind === KIND.nonIp || key.kind === KIND.malformed) {
      this.withoutFlow = plus(this.withoutFlow, sum);
      return;
    }
    // tshark knows no RoCE protocol numbers: on the wire it is UDP.
    const protocol = key.kind === KIND.roceV2 ? 17 : key.protocol;
    const flow = flowName(key.srcIp, key.dstIp, protocol, key.srcPort, key.dstPort);
    this.flows.set(flow, plus(this.flows.get(flow), sum));
  }

  /** The same, for plain comparison. */
  snapshot(): Truth {
    return { total: this.total, flows: this.flows, withoutFlow: this.withoutFlow };
  }
}

/** One name per (addresses, protocol, ports), for comparison and to be read. */
export function flowName(src: string, dst: string, protocol: number, sport: number, dport: number): string {
  return `${canonicalAddress(src)} ${sport} -> ${canonicalAddress(dst)} ${dport} proto ${protocol}`;
}

/** l2path is a list of `path=frames`, parted by semicolons; what a parser that knows VLAN tags only can follow. */
function behindEthernetOnly(l2path: string): boolean {
  const allowed = ['eth', 'ethertype', 'vlan', 'ieee8021ad'];
  return l2path
    .split(';')
    .map((entry) => entry.replace(/=\d+$/, ''))
    .every((entry) => entry.split(':').every((layer) => allowed.includes(layer)));
}

function plus(a: Sum | undefined, b: Sum): Sum {
  return { packets: (a?.packets ?? 0) + b.packets, bytes: (a?.bytes ?? 0) + b.bytes };
}

function readTable(file: string): string[][] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t'));
}
