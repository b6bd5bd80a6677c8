// SPDX-License-Identifier: Apache-2.0
// Rounds whose time and reading processes are the test's: cards that hang, and cards that are only late.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createNicRounds, type NicRoundsOptions, type NicStatus } from '../../src/nic/nic-rounds.js';
import type { NicAnswer, NicQuestion } from '../../src/nic/questions.js';
import type { ReaderProcess } from '../../src/rdma/reader-process.js';

/** What a card says, or never: it hangs. Late: so many ms after it was asked. */
type Script = (question: NicQuestion, nowMs: number) => NicAnswer | 'never' | { readonly lateMs: number };

class Bench {
  readonly asked: string[] = [];
  readonly rounds;
  nowMs = 0;
  script: Script;
  #timers: { task(): void; atMs: number }[] = [];
  readonly #clock = {
    nowMs: () => this.nowMs,
    schedule: (task: () => void, delayMs: number) => {
      const timer = { task, atMs: this.nowMs + delayMs };
      this.#timers.push(timer);
      return () => {
        this.#timers = this.#timers.filter((other) => other !== timer);
      };
    },
  };

  constructor(interfaces: readonly string[], script: Script, limits?: NicRoundsOptions['limits']) {
    this.script = script;
    const quiet = (): void => undefined;
    this.rounds = createNicRounds(
      { interfaces, ...(limits === undefined ? {} : { limits }) },
      {
        log: { info: quiet, warn: quiet, error: (fields) => assert.fail(String(Object.values(fields))) },
        clock: this.#clock,
        startReader: () => this.#process(),
      },
    );
  }

  #process(): ReaderProcess<NicQuestion, NicAnswer> {
    return {
      ready: Promise.resolve(),
      ended: new Promise(() => undefined), // what hangs does not end
      kill: () => undefined,
      ask: (question) => {
        this.asked.push(`${question.about} ${question.interfaceName}`);
        const answer = this.script(question, this.nowMs);
        return new Promise((resolve) => {
          if (answer === 'never') return;
          if ('lateMs' in answer) this.#clock.schedule(() => resolve(numbersOf(1)), answer.lateMs);
          else resolve(answer);
        });
      },
    };
  }

  async pass(ms: number): Promise<void> {
    const untilMs = this.nowMs + ms;
    for (;;) {
      for (let i = 0; i < 20; i++) await nextTurn();
      const [next] = this.#timers.sort((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.task();
    }
    this.nowMs = untilMs;
  }

  /** A round, and so much time for it and what else goes on. */
  async round(ms: number): Promise<Readonly<Record<string, NicStatus>>> {
    const before = this.rounds.count;
    this.rounds.refresh();
    await this.pass(ms);
    assert.equal(this.rounds.count, before + 1, 'the round is over');
    const nics = this.rounds.view()?.nics ?? [];
    return Object.fromEntries(nics.map((nic) => [nic.interfaceName, nic]));
  }
}

/** A card where PFC has stopped priority 3, for so long. */
function numbersOf(pausedSeconds: number): NicAnswer {
  return {
    numbers: {
      ...{ driver: 'mlx5_core', firmware: '', bus: '', raw: [], rawLeftOut: 0, link: {}, durationsMs: {} },
      ...{ errors: 0, malformed: 0 },
      counters: [{ meaning: 'pfc_pause_seconds', labels: ['3', 'received'], value: pausedSeconds }],
    },
  };
}

/** Paused all the time, and no packet leaves. */
function stormAt(nowMs: number): NicAnswer {
  const counters = [
    { meaning: 'pfc_pause_seconds', labels: ['3', 'received'], value: 1 + nowMs / 1000 },
    { meaning: 'port_packets', labels: ['sent'], value: 7 },
  ] as const;
  return { pause: { atMs: nowMs, durationMs: 1, counters } };
}

const WELL: Script = ({ about }, nowMs) => {
  if (about === 'numbers') return numbersOf(1);
  return about === 'pause' ? stormAt(nowMs) : { module: { durationMs: 1 } };
};

test('one card that hangs, whatever it is asked, leaves the others alone', async () => {
  const bench = new Bench(['eth0', 'eth1'], (question, nowMs) =>
    question.interfaceName === 'eth0' && nowMs >= 1000 ? 'never' : WELL(question, nowMs),
  );
  await bench.round(990);
  await bench.pass(6000); // its sample hangs
  const asked = bench.asked.filter((text) => text.endsWith('eth0')).length;
  for (let i = 0; i < 3; i++) {
    const { eth0, eth1 } = await bench.round(6000);
    assert.notEqual(eth1?.numbers, undefined);
    assert.equal(eth0?.numbers, undefined);
    assert.deepEqual(eth0?.failures, { timeout: 1, error: 0, malformed: 0 });
    assert.equal(eth1?.failures.timeout, 0);
  }
  assert.equal(bench.asked.filter((text) => text.endsWith('eth0')).length, asked, 'it is asked no more');
  bench.rounds.close();
});

test('a card whose driver waits three seconds for the lock of network devices does not hang', async () => {
  const bench = new Bench(['eth0'], (question, nowMs) =>
    question.about === 'numbers' ? { lateMs: 3000 } : WELL(question, nowMs),
  );
  const { eth0 } = await bench.round(3500);
  assert.notEqual(eth0?.numbers, undefined);
  assert.equal(eth0?.failures.timeout, 0);
  bench.rounds.close();
});

test('a reading that fails does not forget the storms', async () => {
  const bench = new Bench(['eth0', 'eth1'], WELL);
  await bench.round(2000);
  assert.equal((await bench.round(2000))['eth0']?.pauses[0]?.storms, 1);
  bench.script = (question, nowMs) =>
    question.about === 'numbers' && question.interfaceName === 'eth0' ? 'never' : WELL(question, nowMs);
  const failed = await bench.round(6000);
  assert.equal(failed['eth0']?.numbers, undefined);
  const after = await bench.round(6000);
  assert.equal(after['eth0']?.pauses[0]?.storms, 1);
  assert.equal(after['eth1']?.pauses[0]?.storms, 1);
  bench.rounds.close();
});
