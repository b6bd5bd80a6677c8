// SPDX-License-Identifier: Apache-2.0
// Reloads by itself when the configuration file has other contents. A file that is wrong is tried again when it
// has changed once more; what is wrong with it has been told.

import { createHash } from 'node:crypto';
import type { Clock } from '../clock.js';

export interface AutoReloadParts {
  /** Of the configuration file. */
  readContents(): Promise<Uint8Array>;
  reload(): Promise<unknown>;
  readonly clock: Pick<Clock, 'schedule'>;
  readonly log: { warn(message: string): void };
}

export class AutoReload {
  readonly #parts: AutoReloadParts;
  readonly #intervalMs: number;
  #checksum: string | undefined;
  #problem = '';
  #cancel = (): void => undefined;
  #isStopped = false;

  /** contents: what the exporter began with, as far as it is known. */
  constructor(intervalMs: number, contents: Uint8Array | undefined, parts: AutoReloadParts) {
    this.#intervalMs = intervalMs;
    this.#parts = parts;
    this.#checksum = contents === undefined ? undefined : checksumOf(contents);
    this.#schedule();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  #schedule(): void {
    if (this.#isStopped) return;
    this.#cancel = this.#parts.clock.schedule(
      () => void this.#look().finally(() => this.#schedule()),
      this.#intervalMs,
    );
  }

  /** Never rejects. */
  async #look(): Promise<void> {
    const { readContents, reload, log } = this.#parts;
    let checksum: string;
    try {
      checksum = checksumOf(await readContents());
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error);
      if (problem !== this.#problem) log.warn(`the configuration file cannot be looked at: ${problem}`);
      this.#problem = problem;
      return;
    }
    this.#problem = '';
    const isKnown = checksum === this.#checksum;
    this.#checksum = checksum;
    if (!isKnown && !this.#isStopped) await reload();
  }
}

function checksumOf(contents: Uint8Array): string {
  return createHash('sha256').update(contents).digest('hex');
}
