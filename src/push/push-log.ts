// SPDX-License-Identifier: Apache-2.0
// What push tells the log: one line when something changes, however often it fails meanwhile.

import type { Logger } from '../log.js';
import type { DropReason } from './push-stats.js';

export interface PushLogParts {
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
  nowMs(): number;
}

/** The same trouble is told again after so long; and it is over when it has not come for so long. */
const QUIET_MS = 60_000;

const DROP_SENTENCES: Readonly<Record<DropReason, string>> = {
  queue_full: 'the queue (push.queue_max_bytes) is full: the oldest samples are dropped',
  spool_full: 'the spool (push.spool_max_bytes) is full: the oldest samples are dropped',
  disk_full: 'the disk of the spool (push.spool_path) is full: the oldest samples are dropped',
  too_old: 'samples could not be sent within push.max_age_ms and are dropped',
  refused: 'the receiver refuses samples, which are dropped',
  poison: 'a batch makes the receiver fail, but the next is accepted: the samples of the first are dropped',
  damaged: 'a file of the spool is damaged: its samples are dropped',
  set_aside: 'a spool entry is not a batch: it is set aside, and the samples its name states are dropped',
  unsendable: 'samples cannot be sent in a form the receiver takes and are dropped',
  shutdown: 'samples could not be sent before the stop and are dropped',
};

export class PushLog {
  readonly #parts: PushLogParts;
  #awaySinceMs: number | undefined;
  #droppedSinceAway = 0;
  #hasWorked = false;
  #spoolFails = false;
  #lastSetAsideMs: number | undefined;
  #trouble = '';
  readonly #lastDropMs = new Map<DropReason, number>();
  readonly #droppedSince = new Map<DropReason, number>();

  constructor(parts: PushLogParts) {
    this.#parts = parts;
  }

  /** Why the last request was not accepted, as the log says it; '' where it was, and before the first. */
  get trouble(): string {
    return this.#trouble;
  }

  accepted(form: string, waitingSamples: number): void {
    this.#trouble = '';
    const { log, nowMs } = this.#parts;
    if (this.#awaySinceMs !== undefined) {
      const seconds = Math.round((nowMs() - this.#awaySinceMs) / 1000);
      const fields = { waiting_samples: waitingSamples, dropped_samples: this.#droppedSinceAway };
      log.info(fields, `push works${this.#hasWorked ? ' again' : ''} after ${seconds} s`);
    } else if (!this.#hasWorked) {
      log.info(`push works: the receiver takes ${form}`);
    }
    this.#awaySinceMs = undefined;
    this.#hasWorked = true;
    this.#endDrops();
  }

  /** A request failed and will be tried again; where batches wait meanwhile is told along. */
  failed(sentence: string, waitIn: 'memory' | 'spool'): void {
    const keeping = waitIn === 'memory' ? 'batches wait in memory' : 'batches wait in the spool';
    const line = `push fails, trying again; ${keeping}`;
    this.#trouble = `${line}: ${sentence}`;
    if (this.#awaySinceMs !== undefined) return;
    this.#awaySinceMs = this.#parts.nowMs();
    this.#droppedSinceAway = 0;
    this.#parts.log.warn({ reason: sentence }, line);
  }

  dropped(reason: DropReason, samples: number, sentence?: string): void {
    if (samples <= 0 && reason !== 'damaged' && reason !== 'set_aside') return;
    if (reason === 'refused') this.#trouble = [DROP_SENTENCES.refused, sentence].filter(Boolean).join(': ');
    this.#droppedSinceAway += samples;
    this.#droppedSince.set(reason, (this.#droppedSince.get(reason) ?? 0) + samples);
    const now = this.#parts.nowMs();
    const last = this.#lastDropMs.get(reason);
    this.#lastDropMs.set(reason, now);
    if (last !== undefined && now - last < QUIET_MS) return;
    const fields = { samples, ...(sentence === undefined ? {} : { reason: sentence }) };
    this.#parts.log.error(fields, DROP_SENTENCES[reason]);
  }

  /** undefined: it works. */
  spool(error: unknown): void {
    const { log } = this.#parts;
    const fails = error !== undefined;
    if (fails && !this.#spoolFails) {
      log.error({ err: error }, 'the spool (push.spool_path) cannot be written; batches wait in memory');
    }
    if (!fails && this.#spoolFails) log.info('the spool works again');
    this.#spoolFails = fails;
  }

  /** So many things, one of which is told of. */
  setAside(files: number, example: string): void {
    const now = this.#parts.nowMs();
    const last = this.#lastSetAsideMs;
    this.#lastSetAsideMs = now;
    if (last !== undefined && now - last < QUIET_MS) return;
    this.#parts.log.warn(
      { files, reason: example },
      'the spool (push.spool_path) holds entries that are not batches: they are set aside, not sent',
    );
  }

  #endDrops(): void {
    const { log, nowMs } = this.#parts;
    for (const [reason, lastMs] of this.#lastDropMs) {
      if (nowMs() - lastMs < QUIET_MS) continue;
      log.info({ reason, samples: this.#droppedSince.get(reason) }, 'no more samples are dropped');
      this.#lastDropMs.delete(reason);
      this.#droppedSince.delete(reason);
    }
  }
}
