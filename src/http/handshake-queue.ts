// SPDX-License-Identifier: Apache-2.0
// When handshakes begin: one at a time, each in a turn of the event loop of its own, as it takes a
// millisecond of it (a signature of RSA, 2048 bits). And how many are under way: what is left of them may
// come from all of these clients at once.

import type { TurnQueue } from './turn-queue.js';

/** A client on the other side of the world takes part in one for 0.3 s; beyond, the oldest one ends. */
export const MAX_HANDSHAKES = 64;

export class HandshakeQueue {
  readonly #turns: TurnQueue;
  readonly #waiting = new Set<() => void>();
  /** Begun, oldest first. */
  readonly #underWay = new Set<{ destroy(): void }>();
  #isTurnTaken = false;

  /** turns: of requests, which hold while a refresh is under way. */
  constructor(turns: TurnQueue) {
    this.#turns = turns;
  }

  /** Calls `begin` when its turn has come; the returned function calls that off. */
  enter(begin: () => void): () => void {
    const turn = (): void => begin();
    this.#waiting.add(turn);
    this.#schedule();
    return () => this.#waiting.delete(turn);
  }

  /** It has begun. Returns what was begun first, to be given up, where there are too many. */
  begun(handshake: { destroy(): void }): { destroy(): void } | undefined {
    this.#underWay.add(handshake);
    if (this.#underWay.size <= MAX_HANDSHAKES) return undefined;
    const [oldest] = this.#underWay;
    return oldest;
  }

  over(handshake: { destroy(): void }): void {
    this.#underWay.delete(handshake);
  }

  #schedule(): void {
    if (this.#isTurnTaken || this.#waiting.size === 0) return;
    this.#isTurnTaken = true;
    this.#turns.enter(() => {
      const [turn] = this.#waiting;
      if (turn !== undefined) {
        this.#waiting.delete(turn);
        turn();
      }
      // What it began is done before the next turn: node:tls reads the first message in the next tick.
      setImmediate(() => {
        this.#isTurnTaken = false;
        this.#schedule();
      });
    });
  }
}
