// SPDX-License-Identifier: Apache-2.0
// A process that pushes and is killed, or runs out of disk. Started by spool-survival.long.test.ts with
// one JSON argument; says on stdout how far it is, a JSON value a line.

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { openPusher } from '../../src/push/open-pusher.js';
import type { Pusher } from '../../src/push/pusher.js';
import { waitFor } from '../support/conditions.js';
import { ListLog, payload, START_MS } from '../support/push/push-fixture.js';
import { REAL_OPTIONS } from '../support/push/real-pusher.js';

export interface ChildTask {
  /** `fill`: pushes until it is killed; `drain`: so many, then waits until all is sent; `memory`: many large ones. */
  readonly task: 'fill' | 'drain' | 'memory';
  readonly url: string;
  readonly spoolPath: string;
  readonly spoolMaxBytes?: number;
  readonly queueMaxBytes?: number;
  readonly count?: number;
  readonly minBackoffMs?: number;
  readonly maxBackoffMs?: number;
}

const task = JSON.parse(process.argv[2] ?? '') as ChildTask;
const say = (value: unknown): void => {
  process.stdout.write(`${JSON.stringify(value)}\n`);
};
const log = new ListLog();

async function open(): Promise<Pusher> {
  return openPusher(
    { ...REAL_OPTIONS, ...task },
    {
      nowMs: () => performance.now(),
      wallMs: () => START_MS + performance.now(),
      random: Math.random,
      schedule(run, delayMs) {
        const timer = setTimeout(run, delayMs);
        return () => clearTimeout(timer);
      },
      log,
    },
  );
}

const waiting = (pusher: Pusher): number => pusher.stats.queueSamples + pusher.stats.spoolSamples;

/** Says each number when it is on disk; one at a time after the first failure has been seen. */
async function fill(pusher: Pusher): Promise<void> {
  for (let number = 1; ; number++) {
    const before = pusher.stats.samplesSpooled;
    pusher.enqueue([payload(number)]);
    await waitFor('it is on disk', () => pusher.stats.samplesSpooled > before, { intervalMs: 1 });
    say({ number, batches: pusher.stats.spoolBatches, dropped: pusher.stats.samplesDropped });
  }
}

async function drain(pusher: Pusher): Promise<void> {
  for (let number = 1; number <= (task.count ?? 0); number++) {
    pusher.enqueue([payload(number, { samples: 30 })]);
    await pusher.compressed();
    if (number % 10 === 0) await delay(1);
  }
  await waitFor('the queue is on disk', () => pusher.stats.queueSamples < 300, { intervalMs: 5 });
  say({ filled: pusher.stats });
  await waitFor('everything is sent', () => waiting(pusher) === 0, { intervalMs: 5 });
  say({ drained: pusher.stats, log: log.texts });
  await pusher.close(1000);
}

/** Random samples, which no compression makes small. */
async function memory(pusher: Pusher): Promise<void> {
  const used = async (count: number): Promise<number> => {
    for (let number = 1; number <= count; number++) {
      const body = Buffer.alloc(200_000);
      for (let at = 0; at < body.length; at += 4) body.writeUInt32LE((Math.random() * 2 ** 32) >>> 0, at);
      pusher.enqueue([{ format: 'remote_write_1', body, samples: 1, timestampMs: START_MS }]);
      await pusher.compressed();
      if (number % 10 === 0) await delay(1);
    }
    // What is garbage already is freed in the turns after a collection.
    for (let round = 0; round < 3; round++) {
      globalThis.gc?.();
      await delay(10);
    }
    return process.memoryUsage().arrayBuffers;
  };
  const first = await used(50);
  const second = await used(400);
  say({ first, second, stats: pusher.stats });
  await pusher.close(100);
}

const pusher = await open();
await { fill, drain, memory }[task.task](pusher);
