// SPDX-License-Identifier: Apache-2.0
// Asks a process of its own, one question at a time, each within a limit. Knows nothing of what is asked.
//
// Why a process, and no promise or worker: a read of sysfs may sleep in the driver for a minute, where
// no signal reaches it. In this process it would hold one of the four pool threads that the drain needs
// too, and process.exit() would wait for it (uv_library_shutdown joins the pool; workers are joined as
// well); even _exit() would, as the kernel reaps a process only with its last thread. A process that
// hangs is left behind instead. It costs some 45 MB, and is started only where there is something to read.

import type { Clock } from '../clock.js';
import type { ReaderProcess } from './reader-process.js';

export interface IsolatedReaderOptions {
  /** An answer that takes longer is given up. */
  readonly limitMs: number;
  /** The same for the start of a process. */
  readonly startLimitMs: number;
  /** What hung, or did not start, is not tried again before: each attempt costs a process. */
  readonly restMs: number;
  /**
   * So many processes may hang at once, each with its memory: when as many do, all reading rests until
   * one has come back. More than one, so that one bad card does not silence the others.
   */
  readonly maxHanging: number;
}

export interface IsolatedReaderParts<Question, Answer> {
  start(): ReaderProcess<Question, Answer>;
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
}

export type Reading<Answer> =
  | { readonly answer: Answer; readonly failure?: never }
  /** `resting`: not asked, because it hung before. `error`: no process could answer. */
  | { readonly answer?: never; readonly failure: 'timeout' | 'error' | 'resting'; readonly reason: string };

export interface IsolatedReader<Question, Answer> {
  /**
   * The next only after the last is over. Never rejects.
   *
   * @param key names what would hang again.
   * @param limitMs where it is another one than that of the options.
   */
  ask(key: string, question: Question, limitMs?: number): Promise<Reading<Answer>>;
  /** Ends the idle process; the next question starts another. */
  release(): void;
  /** Ends the process and waits for nothing. A question under way fails, and so do all later ones. */
  close(): void;
}

/** What a key that hung waits for: the end of its process, and a rest. */
interface Hanging {
  hasEnded: boolean;
  readonly restUntilMs: number;
}

export function createIsolatedReader<Question, Answer>(
  options: IsolatedReaderOptions,
  parts: IsolatedReaderParts<Question, Answer>,
): IsolatedReader<Question, Answer> {
  const hanging = new Map<string, Hanging>();
  let current: ReaderProcess<Question, Answer> | undefined;
  let isClosed = false;
  let startNotBeforeMs = Number.NEGATIVE_INFINITY;

  function whyNot(key: string): string | undefined {
    for (const [name, past] of hanging) {
      if (past.hasEnded && parts.clock.nowMs() >= past.restUntilMs) hanging.delete(name);
    }
    const past = hanging.get(key);
    if (past !== undefined) return `its last reading ${past.hasEnded ? 'hung' : 'still hangs'}`;
    const count = [...hanging.values()].filter((one) => !one.hasEnded).length;
    return count >= options.maxHanging ? `${count} other readings hang` : undefined;
  }

  /** Gives the process up; another one is started for the next question. */
  function abandon(process: ReaderProcess<Question, Answer>): void {
    if (current === process) current = undefined;
    process.kill();
  }

  /** What comes first: the result, the end of the process, or the limit. */
  function race<T>(
    process: ReaderProcess<Question, Answer>,
    result: Promise<T>,
    limitMs: number,
  ): Promise<{ value: T } | 'timeout' | { ended: string }> {
    let cancel = (): void => undefined;
    const limit = new Promise<'timeout'>((resolve) => {
      cancel = parts.clock.schedule(() => resolve('timeout'), limitMs);
    });
    return Promise.race([
      result.then((value) => ({ value })),
      process.ended.then((ended) => ({ ended })),
      limit,
    ]).finally(cancel);
  }

  async function startProcess(): Promise<Reading<ReaderProcess<Question, Answer>>> {
    if (current !== undefined) return { answer: current };
    if (parts.clock.nowMs() < startNotBeforeMs) return error('the reading process could not be started');
    const process = parts.start();
    current = process;
    process.ended.then(() => {
      if (current === process) current = undefined; // by itself: the next question starts another
    });
    const outcome = await race(process, process.ready, options.startLimitMs);
    if (typeof outcome === 'object' && 'value' in outcome) return { answer: process };
    abandon(process);
    startNotBeforeMs = parts.clock.nowMs() + options.restMs;
    const why = outcome === 'timeout' ? `not within ${options.startLimitMs} ms` : outcome.ended;
    return error(`the reading process could not be started: ${why}`);
  }

  return {
    async ask(key, question, limitMs = options.limitMs) {
      if (isClosed) return error('reading has ended');
      const reason = whyNot(key);
      if (reason !== undefined) return { failure: 'resting', reason };
      const started = await startProcess();
      if (started.failure !== undefined) return started;
      const process = started.answer;
      const outcome = await race(process, process.ask(question), limitMs);
      if (outcome === 'timeout') {
        const state: Hanging = { hasEnded: false, restUntilMs: parts.clock.nowMs() + options.restMs };
        hanging.set(key, state);
        process.ended.then(() => {
          state.hasEnded = true;
        });
        abandon(process);
        return { failure: 'timeout', reason: `no answer within ${limitMs} ms` };
      }
      if ('value' in outcome) return { answer: outcome.value };
      abandon(process);
      return error(`the reading process ended: ${outcome.ended}`);
    },
    release() {
      if (current !== undefined) abandon(current);
    },
    close() {
      isClosed = true;
      if (current !== undefined) abandon(current);
    },
  };
}

function error(reason: string): { failure: 'error'; reason: string } {
  return { failure: 'error', reason };
}
