// SPDX-License-Identifier: Apache-2.0
// Room for the scrapes that are served at once. A scrape that finds none waits for a while; a place goes
// to the client that has the fewest, so that one with many connections does not keep the others out.

interface Waiting {
  readonly client: string;
  settle(isAdmitted: boolean): void;
}

export class ScrapeRoom {
  /** May change. */
  readonly #places: () => number;
  /** Places taken, by client. */
  readonly #taken = new Map<string, number>();
  #present = 0;
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>();
  /** Are inside, and wait for another to leave. */
  readonly #stuck = new Set<() => void>();

  constructor(places: () => number) {
    this.#places = places;
  }

  /** A scrape waits for one inside to leave. */
  get isWanted(): boolean {
    return this.#waiting.size > 0 || this.#stuck.size > 0;
  }

  /** Scrapes inside. */
  get present(): number {
    return this.#present;
  }

  /** Resolves with whether there was a place in time. After true, leave() must be called once. */
  async enter(client: string, waitMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#present < this.#places()) {
      this.#admit(client);
      return true;
    }
    return new Promise((resolve) => {
      const giveUp = (): void => waiting.settle(false);
      const limit = setTimeout(giveUp, waitMs);
      const waiting: Waiting = {
        client,
        settle: (isAdmitted) => {
          clearTimeout(limit);
          signal.removeEventListener('abort', giveUp);
          this.#waiting.delete(waiting);
          resolve(isAdmitted);
        },
      };
      this.#waiting.add(waiting);
      signal.addEventListener('abort', giveUp, { once: true });
    });
  }

  leave(client: string): void {
    this.#present--;
    const taken = (this.#taken.get(client) ?? 1) - 1;
    if (taken === 0) this.#taken.delete(client);
    else this.#taken.set(client, taken);
    const next = this.#nextWaiting();
    if (next !== undefined) {
      this.#admit(next.client);
      next.settle(true);
    }
    for (const look of this.#stuck) look();
  }

  /** For one inside: resolves when another leaves, after the time, or at the signal. */
  async untilOneLeaves(waitMs: number, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const look = (): void => {
        clearTimeout(limit);
        signal.removeEventListener('abort', look);
        this.#stuck.delete(look);
        resolve();
      };
      const limit = setTimeout(look, waitMs);
      this.#stuck.add(look);
      signal.addEventListener('abort', look, { once: true });
    });
  }

  #admit(client: string): void {
    this.#present++;
    this.#taken.set(client, (this.#taken.get(client) ?? 0) + 1);
  }

  #nextWaiting(): Waiting | undefined {
    let best: Waiting | undefined;
    let fewest = Number.POSITIVE_INFINITY;
    for (const waiting of this.#waiting) {
      const taken = this.#taken.get(waiting.client) ?? 0;
      if (taken >= fewest) continue;
      best = waiting;
      fewest = taken;
    }
    return best;
  }
}
