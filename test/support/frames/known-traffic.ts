// SPDX-License-Identifier: Apache-2.0
// Traffic of which every share is known: flows that last, 200 new short flows a second, and frames
// that get no flow series. What came of each part follows from how many frames came in all. For tests only.

import { roceV2 } from '../roce/roce-frames.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from './frames.js';

/** Frames that belong together in an answer. */
export interface Part {
  readonly srcIp: string;
  readonly dstIp: string;
  readonly dstPort: number;
  readonly trafficType: string;
  /** Why it has no series; undefined where it has one. */
  readonly reason?: string;
  /** Of a cycle of frames. */
  readonly packets: number;
  readonly bytes: number;
}

export interface KnownTraffic {
  /** In the order in which they go out. Whole cycles. */
  readonly frames: readonly Buffer[];
  /** Every cycle has the same parts. */
  readonly framesPerCycle: number;
  readonly newFlowsPerCycle: number;
  readonly parts: readonly Part[];
}

export const FRAMES_PER_SECOND = 1200;
export const NEW_FLOWS_PER_SECOND = 200;
export const SHORT_FLOWS_FROM = '192.0.2.66';

const TICKS_PER_SECOND = NEW_FLOWS_PER_SECOND;
const TICKS_PER_CYCLE = 5;
/** A short flow begins in each tick; its packets come so many ticks after its begin, within a second. */
const SHORT_FLOW: readonly { readonly afterTicks: number; readonly payloadBytes: number }[] = [
  { afterTicks: 0, payloadBytes: 60 },
  { afterTicks: 66, payloadBytes: 200 },
  { afterTicks: 133, payloadBytes: 200 },
  { afterTicks: 199, payloadBytes: 200 },
];
const SERVER = '192.0.2.2';
const SERVER6 = '2001:db8::2';

interface Lasting extends Omit<Part, 'packets' | 'bytes'> {
  readonly frame: Buffer;
  readonly perCycle: number;
}

/** Two of them go out in each tick. */
const LASTING: readonly Lasting[] = [
  {
    ...lasting('192.0.2.9', 443, 'TCP', 3),
    frame: ethernet(ETHERTYPE.ipv4, ipv4({ src: '192.0.2.9', dst: SERVER }, tcp(4000, 443, payloadOf(1400)))),
  },
  {
    ...lasting('192.0.2.10', 8472, 'UDP', 2),
    frame: ethernet(
      ETHERTYPE.ipv4,
      ipv4({ src: '192.0.2.10', dst: SERVER }, udp(4000, 8472, payloadOf(700))),
    ),
  },
  {
    ...lasting('2001:db8::11', 443, 'TCP', 1),
    dstIp: SERVER6,
    frame: ethernet(
      ETHERTYPE.ipv6,
      ipv6({ src: '2001:db8::11', dst: SERVER6 }, tcp(4000, 443, payloadOf(900))),
    ),
  },
  {
    ...lasting('192.0.2.12', 4791, 'RoCE_v2', 1),
    frame: ethernet(
      ETHERTYPE.ipv4,
      ipv4({ src: '192.0.2.12', dst: SERVER }, roceV2({ opcode: 0x07, destinationQp: 17 }, payloadOf(1024))),
    ),
  },
  {
    ...lasting('8.8.8.8', 4000, 'UDP', 1),
    reason: 'filtered',
    frame: ethernet(ETHERTYPE.ipv4, ipv4({ src: '8.8.8.8', dst: SERVER }, udp(53, 4000, payloadOf(300)))),
  },
  { ...lasting('', 0, 'Non_IP', 1), reason: 'non_ip', frame: ethernet(ETHERTYPE.arp, payloadOf(46)) },
  {
    ...lasting('', 0, 'Malformed', 1),
    reason: 'malformed',
    // The header says that it is shorter than a header.
    frame: ethernet(ETHERTYPE.ipv4, Buffer.concat([Buffer.from([0x41]), payloadOf(199)])),
  },
];

/** Enough for so many seconds. */
export function createKnownTraffic(seconds: number): KnownTraffic {
  const slots = LASTING.flatMap(({ frame, perCycle }) => Array.from({ length: perCycle }, () => frame));
  const ticks = Math.ceil((seconds * TICKS_PER_SECOND) / TICKS_PER_CYCLE) * TICKS_PER_CYCLE;
  const frames: Buffer[] = [];
  for (let tick = 0; tick < ticks; tick++) {
    for (const { afterTicks, payloadBytes } of SHORT_FLOW) {
      frames.push(shortFlowFrame(tick - afterTicks + TICKS_PER_SECOND, payloadBytes));
    }
    const at = (2 * tick) % slots.length;
    frames.push(...slots.slice(at, at + 2));
  }
  return {
    frames,
    framesPerCycle: TICKS_PER_CYCLE * SHORT_FLOW.length + slots.length,
    newFlowsPerCycle: TICKS_PER_CYCLE,
    parts: [shortFlowsPart(), ...LASTING.map(toPart)],
  };
}

/** No two flows agree in their source port and destination port. */
function shortFlowFrame(flow: number, payloadBytes: number): Buffer {
  const ends = { src: SHORT_FLOWS_FROM, dst: SERVER };
  return ethernet(ETHERTYPE.ipv4, ipv4(ends, tcp(10_000 + (flow % 50_000), 80, payloadOf(payloadBytes))));
}

function shortFlowsPart(): Part {
  const frames = SHORT_FLOW.map(({ payloadBytes }) => shortFlowFrame(0, payloadBytes));
  return {
    srcIp: SHORT_FLOWS_FROM,
    dstIp: SERVER,
    dstPort: 80,
    trafficType: 'TCP',
    packets: frames.length * TICKS_PER_CYCLE,
    bytes: frames.reduce((sum, { length }) => sum + length, 0) * TICKS_PER_CYCLE,
  };
}

function lasting(srcIp: string, dstPort: number, trafficType: string, perCycle: number) {
  return { srcIp, dstIp: SERVER, dstPort, trafficType, perCycle };
}

function toPart({ frame, perCycle, ...part }: Lasting): Part {
  return { ...part, packets: perCycle, bytes: perCycle * frame.length };
}
