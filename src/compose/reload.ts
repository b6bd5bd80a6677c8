// SPDX-License-Identifier: Apache-2.0
// Reading the configuration again, by signal, by request or as its file has changed: one at a time, all of it
// checked before any of it counts, and what came of it told in one sentence.

import type { Config } from '../config/config.js';
import { compareConfigs } from '../config/reload-rules.js';
import { ConfigError } from '../errors.js';
import type { Logger } from '../log.js';

export type ReloadOutcome = { readonly ok: true } | { readonly problem: string };

export interface ReloaderParts {
  /** As it is now; rejects with ConfigError, and an Error of one sentence where the file cannot be had. */
  readConfig(): Promise<Config>;
  /** What the exporter runs with. */
  currentConfig(): Config;
  /**
   * Rejects with an Error of one sentence: then nothing has changed. Resolves with a sentence where a part of it is not
   * in force.
   */
  apply(config: Config): Promise<string | undefined>;
  onDone(succeeded: boolean): void;
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** A reload begins; and ends, whatever came of it. */
  readonly systemd?: { reloading(): void; ready(): void } | undefined;
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>;
}

/** Whoever reads more of them reads none. */
const PROBLEMS_SHOWN = 10;

export class Reloader {
  readonly #parts: ReloaderParts;
  #running: Promise<ReloadOutcome> | undefined;
  #next: Promise<ReloadOutcome> | undefined;
  /** The last one left something undone: the next one applies all, also where the file is as before. */
  #isIncomplete = false;

  constructor(parts: ReloaderParts) {
    this.#parts = parts;
  }

  /**
   * Never rejects. However often it is called while one is under way, one more follows: it reads what was written
   * until it begins.
   */
  reload(cause: string): Promise<ReloadOutcome> {
    if (this.#running === undefined) {
      this.#running = this.#once(cause).finally(() => {
        this.#running = undefined;
      });
      return this.#running;
    }
    this.#next ??= this.#running.then(() => {
      this.#next = undefined;
      return this.reload(cause);
    });
    return this.#next;
  }

  async #once(cause: string): Promise<ReloadOutcome> {
    const { systemd, log } = this.#parts;
    systemd?.reloading();
    const outcome = await this.#attempt(cause);
    if ('problem' in outcome) {
      const what = this.#isIncomplete ? 'not all is in force' : 'the configuration stays as it was';
      log.error(`${cause}: ${what}: ${outcome.problem}`);
    }
    this.#parts.onDone('ok' in outcome);
    systemd?.ready();
    return outcome;
  }

  async #attempt(cause: string): Promise<ReloadOutcome> {
    const { log, nowMs } = this.#parts;
    const startedMs = nowMs();
    try {
      const change = compareConfigs(this.#parts.currentConfig(), await this.#parts.readConfig());
      const { live, restart } = change;
      if (live.length > 0 || this.#isIncomplete) {
        const problem = await this.#parts.apply(change.config);
        this.#isIncomplete = problem !== undefined;
        if (problem !== undefined) return { problem };
      }
      const what = live.length === 0 ? 'the configuration is as before' : `in force now: ${live.join(', ')}`;
      log.info({ durationMs: Math.round(nowMs() - startedMs) }, `${cause}: ${what}`);
      if (restart.length > 0) log.warn(`${cause}: only a restart brings ${restart.join(', ')} into force`);
      return { ok: true };
    } catch (error) {
      return { problem: sentenceOf(error) };
    }
  }
}

function sentenceOf(error: unknown): string {
  if (!(error instanceof ConfigError)) return error instanceof Error ? error.message : String(error);
  const { problems } = error;
  const shown = problems.slice(0, PROBLEMS_SHOWN).map(({ path, message }) => `${path}: ${message}`);
  const more = problems.length - shown.length;
  return [...shown, ...(more > 0 ? [`and ${more} more such problems`] : [])].join('; ');
}
