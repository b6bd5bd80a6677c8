// SPDX-License-Identifier: Apache-2.0
// A process of its own that is killed with a full spool, and one whose disk is full.

import assert from 'node:assert/strict';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { PushStats } from '../../src/push/push-stats.js';
import { mountTest, onSmallDisk } from '../support/kernel/mount-gate.js';
import { type Child, start } from '../support/processes.js';
import { imbalance, payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, startReceiver } from '../support/push/real-pusher.js';
import { decodeSeries, type PushReceiver, type ReceivedPush } from '../support/receivers/push-receiver.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import type { ChildTask } from './spool-child.js';

const CHILD = fileURLToPath(new URL('./spool-child.js', import.meta.url));

function startChild(
  context: TestContext,
  task: ChildTask,
  run: (command: readonly string[]) => [string, readonly string[]] = ([command = '', ...args]) => [
    command,
    args,
  ],
): Child {
  const child = start(...run([process.execPath, '--expose-gc', CHILD, JSON.stringify(task)]));
  context.after(() => child.stop('SIGKILL'));
  return child;
}

/** The values that whole lines of the child's output stand for. */
function said<T>(child: Child): T[] {
  const lines = child.stdout.split('\n');
  return lines.slice(0, -1).map((line) => JSON.parse(line) as T);
}

const numberOf = (push: ReceivedPush): number => decodeSeries(push)[0]?.samples[0]?.value ?? Number.NaN;
const numbersOf = (receiver: PushReceiver): number[] => receiver.pushes.map(numberOf);
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** A port where nobody listens, for as long as the test needs none there. */
async function freePort(context: TestContext): Promise<number> {
  const receiver = await startReceiver(context);
  const { port } = receiver;
  await receiver.stop();
  return port;
}

interface Progress {
  readonly number: number;
  readonly batches: number;
  readonly dropped: PushStats['samplesDropped'];
}

test('kill -9 with a full spool: all that was on disk arrives after the restart, in order, before what is new', async (context) => {
  const spoolPath = temporaryFolder('xtrace-push-');
  const port = await freePort(context);
  const child = startChild(context, {
    task: 'fill',
    url: `http://127.0.0.1:${port}/api/v1/write`,
    spoolPath,
    spoolMaxBytes: 1 << 20, // 256 batches of a block each
    // One try: what is being sent when the spool is full would stay, and the one behind it go.
    minBackoffMs: 60_000,
    maxBackoffMs: 60_000,
  });
  await child.waitFor('the spool is full', () =>
    said<Progress>(child).some(({ dropped }) => dropped.spool_full > 0),
  );
  child.kill('SIGKILL');
  await child.exited;
  const last = said<Progress>(child).at(-1) ?? assert.fail();
  assert.equal(last.batches, 256);

  const receiver = await startReceiver(context);
  const { pusher, log } = await openTestPusher(context, { url: receiver.url(), spoolPath });
  assert.ok(pusher.stats.samples >= 3 * 255);
  pusher.enqueue([payload(1_000_000)]);
  await untilSent(pusher);
  const numbers = numbersOf(receiver);
  assert.equal(numbers.at(-1), 1_000_000);
  const replayed = numbers.slice(0, -1);
  // The one after the last that was told of may be there; and while it was written the oldest may have gone.
  const newest = replayed.at(-1) ?? 0;
  assert.ok(newest === last.number || newest === last.number + 1, `${newest} after ${last.number}`);
  assert.deepEqual(replayed, range(newest - replayed.length + 1, newest));
  assert.ok(replayed.length >= 255, `${replayed.length}`);
  assert.ok(pusher.stats.samplesReplayed >= 3 * replayed.length);
  assert.equal(imbalance(pusher.stats), 0);
  assert.match(log.texts[0] ?? '', /^info: the spool holds batches of a former run/);
});

mountTest(
  'a full disk: the oldest go first, counted, and the rest arrives when the receiver is back',
  async (context) => {
    const spoolPath = temporaryFolder('xtrace-push-');
    const port = await freePort(context);
    const task: ChildTask = {
      task: 'drain',
      url: `http://127.0.0.1:${port}/api/v1/write`,
      spoolPath,
      spoolMaxBytes: 1 << 24,
      count: 400,
    };
    const child = startChild(context, task, (command) => onSmallDisk(spoolPath, 128 * 4096, command));
    const { filled } = await child.waitFor('the disk is full', () => said<{ filled: PushStats }>(child)[0]);
    assert.ok(filled.samplesDropped.disk_full > 0, JSON.stringify(filled));
    assert.ok(filled.spoolBatches > 100, `${filled.spoolBatches}`);
    assert.equal(imbalance(filled), 0);
    const receiver = await startReceiver(context, { port });
    assert.equal((await child.exited).code, 0, child.stderr);
    const { drained } = said<{ drained: PushStats }>(child)[1] ?? assert.fail(child.stdout);
    const numbers = numbersOf(receiver);
    assert.deepEqual(
      numbers,
      [...numbers].sort((a, b) => a - b),
    );
    assert.equal(numbers.at(-1), 400);
    assert.equal(drained.samplesSent, 30 * numbers.length);
    assert.equal(imbalance(drained), 0);
    assert.equal(drained.samples, 30 * 400);
    assert.equal(drained.samplesDropped.queue_full, 0);
  },
);

test('memory does not grow with what is pushed to a dead receiver', async (context) => {
  const port = await freePort(context);
  const child = startChild(context, {
    task: 'memory',
    url: `http://127.0.0.1:${port}/api/v1/write`,
    spoolPath: '',
    queueMaxBytes: 4 << 20,
  });
  assert.equal((await child.exited).code, 0, child.stderr);
  const used = said<{ first: number; second: number; stats: PushStats }>(child)[0] ?? assert.fail();
  // 90 MB have gone through a queue of 4.
  assert.ok(used.second < 16 << 20, `${used.first}, then ${used.second} bytes`);
  assert.ok(used.stats.queueBytes > 3 << 20 && used.stats.queueBytes <= 4 << 20);
});
