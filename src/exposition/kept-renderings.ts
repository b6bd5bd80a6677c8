// SPDX-License-Identifier: Apache-2.0
// Renderings that nobody reads now, for the next who asks within the refresh: Prometheus in pairs. Those that cost
// little to make again are not kept: they would tell about the exporter itself what was so before.

/** Of text: about 1,300 flows, 1 ms to render. */
const KEPT_FROM_BYTES = 1024 * 1024;
/** Also where refreshes are rare, what is shown of the exporter itself is no older. */
const KEPT_MS = 5000;
/** Of all together; the last one is kept whatever it has, as its memory waits for the next rendering anyway. */
const MOST_BYTES = 32 * 1024 * 1024;

interface KeptRendering {
  readonly refresh: number | undefined;
  readonly madeMs: number;
}

export class KeptRenderings<T extends KeptRendering> {
  readonly #parts: { currentRefresh(): number; monotonicMs(): number };
  /** With their bytes as they are held; the oldest first. */
  readonly #kept = new Map<T, number>();

  constructor(parts: { currentRefresh(): number; monotonicMs(): number }) {
    this.#parts = parts;
  }

  /** As they are held. */
  get bytes(): number {
    return [...this.#kept.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** textBytes: not compressed. Returns those that are not kept for it, which may be itself. */
  add(rendering: T, textBytes: number, heldBytes: number): T[] {
    if (textBytes < KEPT_FROM_BYTES || !this.#isCurrent(rendering)) return [rendering];
    const removed = this.removeOutdated();
    this.#kept.set(rendering, heldBytes);
    for (const other of this.#kept.keys()) {
      if (other === rendering || this.bytes <= MOST_BYTES) break;
      this.#kept.delete(other);
      removed.push(other);
    }
    return removed;
  }

  /** Takes one that may still be shown out. */
  take(isAsked: (rendering: T) => boolean): T | undefined {
    for (const rendering of this.#kept.keys()) {
      if (!isAsked(rendering) || !this.#isCurrent(rendering)) continue;
      this.#kept.delete(rendering);
      return rendering;
    }
    return undefined;
  }

  removeOutdated(): T[] {
    const outdated = [...this.#kept.keys()].filter((rendering) => !this.#isCurrent(rendering));
    for (const rendering of outdated) this.#kept.delete(rendering);
    return outdated;
  }

  removeAll(): void {
    this.#kept.clear();
  }

  #isCurrent({ refresh, madeMs }: T): boolean {
    return refresh === this.#parts.currentRefresh() && this.#parts.monotonicMs() - madeMs < KEPT_MS;
  }
}
