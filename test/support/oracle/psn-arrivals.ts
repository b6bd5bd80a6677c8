// SPDX-License-Identifier: Apache-2.0
// What became of a sender's packets, judged with hindsight: from all PSNs of one stream in the order in
// which they arrived, as a capture has them. Knows no window and no clock. For tests only.

const RING = 2 ** 24;

export interface PsnArrivals {
  readonly packets: number;
  /** Arrived for the first time, below the highest that had arrived. */
  readonly late: number;
  /** Arrived before. */
  readonly duplicates: number;
  /** Between the first and the highest, and never arrived. */
  readonly missing: number;
  /** How far below the highest the latest packet came, in PSNs. */
  readonly behindMax: number;
}

/**
 * @param psns of one stream, which may come round; neighbours less than half the ring apart
 * @throws RangeError where a packet came that was sent before the first one: nobody can tell how many
 * others were
 */
export function judgePsnArrivals(psns: readonly number[]): PsnArrivals {
  const arrived = new Set<number>();
  const first = psns[0] ?? 0;
  // Counted on past the end of the ring.
  let highest = first;
  let late = 0;
  let behindMax = 0;
  for (const psn of psns) {
    const position = highest + signedDistance(highest % RING, psn);
    if (position < first) throw new RangeError(`PSN ${psn} was sent before the first to arrive, ${first}`);
    if (position < highest && !arrived.has(position)) {
      late++;
      behindMax = Math.max(behindMax, highest - position);
    }
    arrived.add(position);
    highest = Math.max(highest, position);
  }
  return {
    packets: psns.length,
    late,
    duplicates: psns.length - arrived.size,
    missing: psns.length === 0 ? 0 : highest - first + 1 - arrived.size,
    behindMax,
  };
}

/** From one PSN to another the shorter way round. */
function signedDistance(from: number, to: number): number {
  const ahead = (to - from + RING) % RING;
  return ahead < RING / 2 ? ahead : ahead - RING;
}
