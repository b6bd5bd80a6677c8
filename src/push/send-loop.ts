// SPDX-License-Identifier: Apache-2.0
// When to send what: the oldest batch, one request at a time, again after a wait where it failed.
// How a batch is sent is in delivery.ts, where it waits in backlog.ts.

import type { Schedule } from '../clock.js';
import type { Backlog } from './backlog.js';
import type { Backoff } from './backoff.js';
import type { BatchSummary } from './batch.js';
import type { Delivery } from './delivery.js';
import type { Failed, Outcome } from './outcome.js';
import { Pause } from './pause.js';
import type { PushLog } from './push-log.js';
import type { DropReason, PushCounters } from './push-stats.js';

export interface SendLoopOptions {
  readonly maxAgeMs: number;
  /** Whether a stop finds what is left in a safe place. */
  readonly hasSpool: boolean;
}

export interface SendLoopParts {
  readonly backlog: Backlog;
  readonly delivery: Delivery;
  readonly backoff: Backoff;
  readonly counters: PushCounters;
  readonly pushLog: PushLog;
  onDropped(reason: DropReason, samples: number, sentence?: string): void;
  /** Monotonic milliseconds. */
  nowMs(): number;
  wallMs(): number;
  readonly schedule: Schedule;
}

/** A request that takes longer makes the batches move to the spool, if there is one. */
const SLOW_MS = 2000;
/** After so many 5xx for one batch the next is tried, too, to see which is at fault. */
const POISON_ATTEMPTS = 5;

export class SendLoop {
  readonly #options: SendLoopOptions;
  readonly #parts: SendLoopParts;
  readonly #work: Pause;
  readonly #backoff: Pause;
  readonly #stop = new AbortController();
  readonly #startedMs: number;
  /** The batch that failed last, and how often so that it may be its own fault. */
  #suspect = { sequence: -1, attempts: 0 };
  #isDraining = false;
  #isUp = false;
  #lastSuccessMs: number | undefined;

  constructor(options: SendLoopOptions, parts: SendLoopParts) {
    this.#options = options;
    this.#parts = parts;
    this.#startedMs = parts.nowMs();
    this.#work = new Pause(parts.schedule);
    this.#backoff = new Pause(parts.schedule);
  }

  /** Whether the last request was accepted. */
  get isUp(): boolean {
    return this.#isUp;
  }

  get lastSuccessMs(): number | undefined {
    return this.#lastSuccessMs;
  }

  /** There is a new batch. */
  wake(): void {
    this.#work.interrupt();
  }

  /** Ends run() when all is sent, or, with a spool, at the first failure. A wait is over at once. */
  drain(): void {
    this.#isDraining = true;
    this.#work.interrupt();
    this.#backoff.interrupt();
  }

  /** Breaks off what is being sent, and ends run(); what becomes of that batch changes nothing any more. */
  stop(): void {
    this.#stop.abort();
    this.drain();
  }

  /** Never rejects, and resolves after drain() or stop(). */
  async run(): Promise<void> {
    const { backlog } = this.#parts;
    while (!this.#stop.signal.aborted) {
      const head = backlog.peek();
      if (head === undefined) {
        if (this.#isDraining) return;
        await this.#work.wait();
        continue;
      }
      if (this.#ageMs(head) > this.#options.maxAgeMs) {
        await this.#drop(head, 'too_old');
        continue;
      }
      const failure = await this.#send(head);
      if (failure !== undefined) await this.#afterFailure(head, failure);
    }
  }

  /**
   * A wall clock that is set must not drop what waits. So how long a former run has had a batch is not
   * known, and its age counts from our start.
   */
  #ageMs({ bornMs = this.#startedMs }: BatchSummary): number {
    return this.#parts.nowMs() - bornMs;
  }

  /** undefined: the batch is done with, delivered or not. */
  async #send(summary: BatchSummary): Promise<Failed | undefined> {
    const { backlog, delivery, counters, schedule } = this.#parts;
    const { sequence } = summary;
    const cancelSlow = schedule(() => backlog.keepOnDisk(true), SLOW_MS);
    try {
      const taken = await backlog.take(sequence);
      switch (taken.kind) {
        case 'gone':
          return undefined;
        case 'unreadable':
          return failedFor(`a file of the spool cannot be read: ${taken.sentence}`);
        case 'damaged':
          counters.spoolDamagedFiles++;
          await this.#drop(summary, 'damaged', taken.sentence);
          return undefined;
        case 'stranger':
          await this.#drop(summary, 'set_aside', taken.sentence);
          return undefined;
      }
      if (this.#suspect.sequence === sequence) counters.retries++;
      const outcome = await delivery.deliver(taken.batch, this.#stop.signal);
      if (this.#stop.signal.aborted && outcome.kind === 'failed') return undefined;
      if (outcome.kind === 'failed') return outcome;
      await this.#settle(summary, outcome, taken.isReplay);
      return undefined;
    } catch (error) {
      // A fault of ours must not end pushing; the age limit ends it where it is bound to this batch.
      return failedFor(`unexpected: ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      cancelSlow();
      backlog.release();
    }
  }

  async #settle(summary: BatchSummary, outcome: Exclude<Outcome, Failed>, isReplay: boolean): Promise<void> {
    const { backlog, backoff, counters, delivery, onDropped, pushLog, wallMs } = this.#parts;
    if (outcome.kind === 'unsendable') {
      await this.#drop(summary, 'unsendable', outcome.sentence);
      return;
    }
    // It answers, be it with a no: it is there.
    backoff.reset();
    backlog.keepOnDisk(false);
    this.#isUp = outcome.kind === 'accepted';
    counters.samplesSent += outcome.written;
    if (isReplay) counters.samplesReplayed += outcome.written;
    if (outcome.kind === 'accepted') this.#lastSuccessMs = wallMs();
    const lost = summary.samples - outcome.written;
    if (lost > 0) {
      const sentence = outcome.kind === 'refused' ? outcome.sentence : 'it says that it has written fewer';
      onDropped('refused', lost, sentence);
    }
    await backlog.finish(summary.sequence);
    if (outcome.kind === 'accepted') {
      const { format, encoding } = delivery.dialect;
      pushLog.accepted(`${format} in ${encoding}`, backlog.queue.samples + backlog.spool.samples);
    }
  }

  async #afterFailure(head: BatchSummary, failure: Failed): Promise<void> {
    const { backlog, backoff } = this.#parts;
    this.#noteFailure(head, failure);
    if (this.#isDraining && this.#options.hasSpool) {
      this.stop();
      return;
    }
    if (this.#suspect.attempts >= POISON_ATTEMPTS && (await this.#takesNext(head))) {
      if (backlog.peek()?.sequence === head.sequence) await this.#drop(head, 'poison', failure.sentence);
      return;
    }
    if (!this.#stop.signal.aborted) await this.#backoff.wait(backoff.next(failure.retryAfterMs));
  }

  #noteFailure({ sequence }: BatchSummary, { sentence, mayBeBatch }: Failed): void {
    const { backlog, pushLog } = this.#parts;
    this.#isUp = false;
    const attempts = this.#suspect.sequence === sequence ? this.#suspect.attempts : 0;
    this.#suspect = { sequence, attempts: mayBeBatch ? attempts + 1 : 0 };
    backlog.keepOnDisk(true);
    pushLog.failed(sentence, this.#options.hasSpool ? 'spool' : 'memory');
  }

  /**
   * Whether the receiver accepts the batch after this one, which it has just failed over. Only then
   * is this one at fault: a receiver that is ill fails over both.
   */
  async #takesNext(head: BatchSummary): Promise<boolean> {
    const next = this.#parts.backlog.peek(head.sequence);
    if (next === undefined || this.#stop.signal.aborted) return false;
    const failure = await this.#send(next);
    return failure === undefined && this.#isUp;
  }

  async #drop(summary: BatchSummary, reason: DropReason, sentence?: string): Promise<void> {
    this.#parts.onDropped(reason, summary.samples, sentence);
    await this.#parts.backlog.finish(summary.sequence);
  }
}

function failedFor(sentence: string): Failed {
  return { kind: 'failed', sentence, retryAfterMs: undefined, mayBeBatch: false };
}
