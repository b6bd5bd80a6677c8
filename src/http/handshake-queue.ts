// SPDX-License-Identifier: Apache-2.0
// When handshakes begin: one at a time, each in a turn of the event loop of its own, as it takes a
// millisecond of it (a signature of RSA, 2048 bits). And how many are under way: what is left of them may
// come from all of these clients at once.

import type { TurnQueue } from './turn-queue.js';

export const MAX_HANDSHAKES = 64;
/** A client on the other side of the world is done within so long; then it may be given up for the next one. */
export const PATIENCE_MS = 300;

export interface Handshake {
  destroy(): void;
}

export interface HandshakeQueueParts {
  /** Of requests, which hold while a refresh is under way. */
  readonly turns: TurnQueue;
  /** Too many are under way: this one ends. */
  onGivenUp(): void;
}

export class HandshakeQueue {
  readonly #parts: HandshakeQueueParts;
  /** What begins each of them. */
  readonly #waiting = new Map<Handshake, () => void>();
  /** Since when, milliseconds; oldest first. */
  readonly #underWay = new Map<Handshake, number>();
  #isTurnTaken = false;
  #patience: NodeJS.Timeout | undefined;

  constructor(parts: HandshakeQueueParts) {
    this.#parts = parts;
  }

  /** Calls `begin` when its turn has come; over() calls that off. */
  enter(handshake: Handshake, begin: () => void): void {
    this.#waiting.set(handshake, begin);
    this.#schedule();
  }

  /** Done, or given up. */
  over(handshake: Handshake): void {
    this.#waiting.delete(handshake);
    if (this.#underWay.delete(handshake)) this.#schedule();
    if (this.#waiting.size === 0) this.#endPatience();
  }

  #schedule(): void {
    if (this.#isTurnTaken || this.#waiting.size === 0 || this.#isToWait()) return;
    this.#isTurnTaken = true;
    this.#parts.turns.enter(() => {
      this.#beginNext();
      // What it began is done before the next turn: node:tls reads the first message in the next tick.
      setImmediate(() => {
        this.#isTurnTaken = false;
        this.#schedule();
      });
    });
  }

  /** As many are under way as may be, and none of them for long. */
  #isToWait(): boolean {
    this.#endPatience();
    const [oldestMs] = this.#underWay.values();
    if (oldestMs === undefined || this.#underWay.size < MAX_HANDSHAKES) return false;
    const leftMs = oldestMs + PATIENCE_MS - performance.now();
    if (leftMs <= 0) return false;
    this.#patience = setTimeout(() => this.#schedule(), leftMs);
    return true;
  }

  #endPatience(): void {
    clearTimeout(this.#patience);
    this.#patience = undefined;
  }

  #beginNext(): void {
    const [next] = this.#waiting;
    if (next === undefined) return;
    const [handshake, begin] = next;
    const [oldest] = this.#underWay.keys();
    this.#waiting.delete(handshake);
    this.#underWay.set(handshake, performance.now());
    if (oldest !== undefined && this.#underWay.size > MAX_HANDSHAKES) {
      this.#parts.onGivenUp();
      oldest.destroy();
    }
    begin();
  }
}
