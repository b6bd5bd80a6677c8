// SPDX-License-Identifier: Apache-2.0
// What a soak does to an exporter: flows that come and go, an interface that flaps, scrapers that
// leave within an answer, and a receiver of pushes that sometimes fails.

import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { everyHeader, mixedFlows, udpFlows } from '../test/support/frames/traffic-mix.js';
import { createVeth } from '../test/support/kernel/namespace.js';
import { sendFrames, startSending } from '../test/support/kernel/sender.js';
import type { Wire } from '../test/support/kernel/wire.js';
import {
  decompress,
  PushReceiver,
  type ReceivedPush,
  type Reply,
} from '../test/support/receivers/push-receiver.js';

/** The pair that flaps; pair 0 does not. */
const FLAPPING = 1;
/** A flow of the churn comes back after 24 s: long after its series ended. */
const CHURN_FLOWS = 12_000;
const CHURN_PAUSE_NS = 1_850_000;
const STEADY_PAUSE_NS = 500_000;
const FOREVER = 1_000_000;
const BURST_FRAMES = mixedFlows(9, 4);
/** The exporter looks for interfaces once a second. */
const ATTACHED_AFTER_MS = 2500;
/** Of each half minute, the receiver fails in the last five seconds. */
const RECEIVER_PERIOD_MS = 30_000;
const RECEIVER_WORKS_MS = 25_000;
const FAILURES: readonly Reply[] = [
  { status: 500 },
  { fault: 'reset' },
  { status: 429, headers: { 'Retry-After': '1' } },
  { fault: 'half' },
  { status: 503 },
  { fault: 'never' },
];
const STALL_METRIC = 'xtrace_event_loop_stall_seconds';
/** The name as the value of a label, with tag and length. */
const STALL_LABEL = Buffer.from(`\x12${String.fromCharCode(STALL_METRIC.length)}${STALL_METRIC}`);
/** Of a label and of a sample in a series, and of the value in a sample. */
const TAGS = { label: 0x0a, sample: 0x12, value: 0x09 } as const;

/** About 2,000 frames a second on pair 0, of which 500 are a new flow each. Returns what ends it. */
export function startTraffic(wire: Wire): () => Promise<void> {
  const loads = [
    { frames: [...everyHeader(), ...mixedFlows(3, 8)], pauseNs: STEADY_PAUSE_NS },
    { frames: udpFlows(5, CHURN_FLOWS), pauseNs: CHURN_PAUSE_NS },
  ];
  const sendings = loads.map((load) =>
    startSending({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(),
      repeat: FOREVER,
      ...load,
    }),
  );
  return async () => {
    for (const { child, dispose } of sendings) {
      await child.stop();
      dispose();
    }
  };
}

/** Pair 1 goes down and up, or away and comes back, in turn; then it carries some frames. */
export async function flap(wire: Wire, flaps: number): Promise<void> {
  const device = wire.sourceDevice(FLAPPING);
  if (flaps % 2 === 0) {
    wire.source.exec('ip', 'link', 'set', device, 'down');
    await delay(100);
    wire.source.exec('ip', 'link', 'set', device, 'up');
  } else {
    wire.source.exec('ip', 'link', 'delete', device);
    await delay(100);
    createVeth(
      { namespace: wire.source, device },
      { namespace: wire.sink, device: wire.sinkDevice(FLAPPING) },
    );
  }
  await delay(ATTACHED_AFTER_MS);
  await sendFrames({ prefix: wire.source.enter, interface: device, frames: BURST_FRAMES });
}

/** Asks for the metrics and goes away: after the first bytes, or without having read any. */
export function abortScrape(port: number, isReading: boolean): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const leave = (): void => {
      socket.resetAndDestroy();
    };
    socket.on('close', () => resolve());
    socket.on('error', () => undefined); // 'close' follows
    socket.write('GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n');
    if (isReading) socket.once('data', leave);
    socket.setTimeout(250, leave);
  });
}

export interface FickleReceiver {
  readonly url: string;
  readonly requests: number;
  readonly failures: number;
  /** Of all pushes: the exporter tells each stall once, to whoever asks next. */
  readonly longestStallS: number;
  /** From now on it takes everything. */
  behave(): void;
  stop(): Promise<void>;
}

export async function startFickleReceiver(): Promise<FickleReceiver> {
  const beganMs = performance.now();
  let [requests, failures, longestStallS, isGood] = [0, 0, 0, false];
  const receiver: PushReceiver = await PushReceiver.start({
    reply(push) {
      requests++;
      receiver.pushes.length = 0; // or all bodies of the soak would stay in memory
      longestStallS = Math.max(longestStallS, readStallS(push));
      if (isGood || (performance.now() - beganMs) % RECEIVER_PERIOD_MS < RECEIVER_WORKS_MS) return {};
      failures++;
      return FAILURES[failures % FAILURES.length] ?? {};
    },
  });
  return {
    url: receiver.url(),
    get requests() {
      return requests;
    },
    get failures() {
      return failures;
    },
    get longestStallS() {
      return longestStallS;
    },
    behave() {
      isGood = true;
    },
    stop: () => receiver.stop(),
  };
}

/**
 * 0 in a batch that does not tell. Read by hand: all of it, five times a second, would cost this process
 * more than the exporter. After the name come the other labels, then the sample (prometheus.TimeSeries).
 */
function readStallS(push: ReceivedPush): number {
  const body = decompress(push);
  let at = body.indexOf(STALL_LABEL);
  if (at < 0) return 0;
  at += STALL_LABEL.length;
  while (body[at] === TAGS.label) at += 2 + (body[at + 1] ?? 0);
  if (body[at] !== TAGS.sample || body[at + 2] !== TAGS.value) throw new Error('a push is not as expected');
  const seconds = body.readDoubleLE(at + 3);
  return seconds > 0 ? seconds : 0;
}
