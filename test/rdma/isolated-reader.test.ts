// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  createIsolatedReader,
  type IsolatedReader,
  type IsolatedReaderOptions,
  type Reading,
} from '../../src/rdma/isolated-reader.js';
import type { ReaderProcess } from '../../src/rdma/reader-process.js';

const OPTIONS: IsolatedReaderOptions = { limitMs: 1000, startLimitMs: 5000, restMs: 30_000, maxHanging: 2 };

/** A process that does what the test says. */
class FakeProcess implements ReaderProcess<string, string> {
  readonly ready: Promise<void>;
  readonly ended: Promise<string>;
  readonly questions: string[] = [];
  isKilled = false;
  becomeReady = (): void => undefined;
  end = (_reason: string): void => undefined;
  answer = (_answer: string): void => undefined;

  constructor() {
    this.ready = new Promise((resolve) => {
      this.becomeReady = resolve;
    });
    this.ended = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  ask(question: string): Promise<string> {
    this.questions.push(question);
    return new Promise((resolve) => {
      this.answer = resolve;
    });
  }

  kill(): void {
    this.isKilled = true; // and hangs in the kernel until the test calls end()
  }
}

/** A reader whose time and processes are the test's. */
class Bench {
  readonly processes: FakeProcess[] = [];
  readonly reader: IsolatedReader<string, string>;
  nowMs = 0;
  #timers: { task(): void; atMs: number }[] = [];

  constructor() {
    this.reader = createIsolatedReader<string, string>(OPTIONS, {
      start: () => {
        const process = new FakeProcess();
        this.processes.push(process);
        return process;
      },
      clock: {
        nowMs: () => this.nowMs,
        schedule: (task, delayMs) => {
          const timer = { task, atMs: this.nowMs + delayMs };
          this.#timers.push(timer);
          return () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
          };
        },
      },
    });
  }

  get timerCount(): number {
    return this.#timers.length;
  }

  get last(): FakeProcess {
    const process = this.processes.at(-1);
    assert.ok(process !== undefined, 'no process was started');
    return process;
  }

  async pass(ms: number): Promise<void> {
    this.nowMs += ms;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.nowMs);
    this.#timers = this.#timers.filter(({ atMs }) => atMs > this.nowMs);
    for (const { task } of due) task();
    await nextTurn();
  }

  /** Asks, and has the process ready with the question in its hands. */
  async ask(key: string): Promise<Promise<Reading<string>>[]> {
    const outcome = this.reader.ask(key, `about ${key}`);
    await nextTurn();
    this.processes.at(-1)?.becomeReady();
    await nextTurn();
    return [outcome]; // in a list: a promise of a promise would wait for both
  }

  async hang(key: string): Promise<void> {
    const [outcome] = await this.ask(key);
    await this.pass(OPTIONS.limitMs);
    assert.equal((await outcome)?.failure, 'timeout');
  }
}

async function answered(bench: Bench, key: string): Promise<void> {
  const [outcome] = await bench.ask(key);
  bench.last.answer(`answer to ${key}`);
  assert.deepEqual(await outcome, { answer: `answer to ${key}` });
}

test('one process answers all questions, and no timer is left', async () => {
  const bench = new Bench();
  for (const key of ['a', 'b', 'a']) await answered(bench, key);
  assert.equal(bench.processes.length, 1);
  assert.deepEqual(bench.last.questions, ['about a', 'about b', 'about a']);
  assert.equal(bench.timerCount, 0);
});

test('a question that hangs is given up at the limit, and the next goes to another process', async () => {
  const bench = new Bench();
  const [outcome] = await bench.ask('a');
  let isOver = false;
  outcome?.then(() => {
    isOver = true;
  });
  await bench.pass(OPTIONS.limitMs - 1);
  assert.equal(isOver, false);
  await bench.pass(1);
  assert.equal((await outcome)?.failure, 'timeout');
  assert.equal(bench.last.isKilled, true);
  await answered(bench, 'b');
  assert.equal(bench.processes.length, 2);
});

test('what hangs is not asked before it has come back, and has rested', async () => {
  const bench = new Bench();
  await bench.hang('a');
  const first = bench.last;
  await bench.pass(OPTIONS.restMs * 10);
  assert.equal((await bench.reader.ask('a', '')).failure, 'resting');
  first.end('SIGKILL');
  await nextTurn();
  await answered(bench, 'a');

  await bench.hang('a');
  bench.last.end('SIGKILL');
  await nextTurn();
  await bench.pass(OPTIONS.restMs - 1);
  assert.equal((await bench.reader.ask('a', '')).failure, 'resting');
  await bench.pass(1);
  await answered(bench, 'a');
});

test('when as many hang as may, all reading rests until one has come back', async () => {
  const bench = new Bench();
  await bench.hang('a');
  const first = bench.last;
  await bench.hang('b');
  assert.equal((await bench.reader.ask('c', '')).failure, 'resting');
  assert.equal(bench.processes.length, 2);
  first.end('SIGKILL');
  await nextTurn();
  await answered(bench, 'c');
  assert.equal((await bench.reader.ask('b', '')).failure, 'resting');
});

test("an answer that comes too late is nobody else's", async () => {
  const bench = new Bench();
  await bench.hang('a');
  const late = bench.last;
  const [outcome] = await bench.ask('b');
  late.answer('answer to a');
  await nextTurn();
  bench.last.answer('answer to b');
  assert.deepEqual(await outcome, { answer: 'answer to b' });
});

test('a process that ends over a question is an error, and the next question has another one', async () => {
  const bench = new Bench();
  const [outcome] = await bench.ask('a');
  bench.last.end('exit code 134');
  assert.match((await outcome)?.failure === 'error' ? JSON.stringify(await outcome) : '', /exit code 134/);
  await answered(bench, 'a');
  assert.equal(bench.processes.length, 2);
});

test('a process that ends between questions is replaced without a word', async () => {
  const bench = new Bench();
  await answered(bench, 'a');
  bench.last.end('SIGKILL');
  await nextTurn();
  await answered(bench, 'a');
});

test('a process that cannot be started, or is never ready, is not tried again before a rest', async () => {
  for (const happen of [
    (bench: Bench) => bench.last.end('spawn EAGAIN'),
    (bench: Bench) => bench.pass(OPTIONS.startLimitMs),
  ]) {
    const bench = new Bench();
    const outcome = bench.reader.ask('a', '');
    await nextTurn();
    await happen(bench);
    assert.equal((await outcome).failure, 'error');
    assert.equal(bench.last.isKilled, true);
    assert.equal((await bench.reader.ask('b', '')).failure, 'error');
    assert.equal(bench.processes.length, 1);
    await bench.pass(OPTIONS.restMs);
    await answered(bench, 'a');
  }
});

test('after close() the process is gone, the question under way fails, and so do others', async () => {
  const bench = new Bench();
  const [outcome] = await bench.ask('a');
  bench.reader.close();
  assert.equal(bench.last.isKilled, true);
  bench.last.end('SIGKILL');
  assert.equal((await outcome)?.failure, 'error');
  assert.equal((await bench.reader.ask('b', '')).failure, 'error');
  assert.equal(bench.processes.length, 1);
});

test('a released process is gone, and the next question starts another', async () => {
  const bench = new Bench();
  await answered(bench, 'a');
  bench.reader.release();
  assert.equal(bench.last.isKilled, true);
  await answered(bench, 'a');
  assert.equal(bench.processes.length, 2);
});
