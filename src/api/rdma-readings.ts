// SPDX-License-Identifier: Apache-2.0
// The last two readings of RDMA ports, and one a minute of the last ten: what counters have grown by.

import type { RdmaPortsReading } from '../rdma/rounds.js';

const KEEP_EVERY_MS = 60_000;
const RECENT_MS = 600_000;

export class RdmaReadings {
  #last: RdmaPortsReading | undefined;
  #before: RdmaPortsReading | undefined;
  /** Oldest first. */
  readonly #kept: RdmaPortsReading[] = [];

  get last(): RdmaPortsReading | undefined {
    return this.#last;
  }

  /** The one before the last. */
  get before(): RdmaPortsReading | undefined {
    return this.#before;
  }

  /** The oldest that is kept: at most ten minutes older than the last. */
  get oldest(): RdmaPortsReading | undefined {
    return this.#kept[0];
  }

  /** What there is now; of the same reading as at the last call, or of another one. */
  note(view: RdmaPortsReading | undefined): void {
    if (view === undefined) {
      this.#last = undefined;
      this.#before = undefined;
      this.#kept.length = 0;
      return;
    }
    if (this.#last?.readAtMs === view.readAtMs) {
      this.#last = view;
      return;
    }
    this.#before = this.#last;
    this.#last = view;
    const newest = this.#kept.at(-1);
    if (newest === undefined || view.readAtMs - newest.readAtMs >= KEEP_EVERY_MS) this.#kept.push(view);
    while (view.readAtMs - (this.#kept[0]?.readAtMs ?? view.readAtMs) > RECENT_MS) this.#kept.shift();
  }
}
