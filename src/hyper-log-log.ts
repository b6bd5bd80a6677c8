// SPDX-License-Identifier: Apache-2.0
// Counts distinct keys in 16 KiB, however many there are: HyperLogLog (Flajolet et al., 2007) with the
// estimator of Ertl ("New cardinality estimation algorithms for HyperLogLog sketches", 2017, algorithm 6).
// That needs no table of biases and no change of formula between few and many: with few it is linear
// counting. It keeps no key, so nothing can be taken out again.

const INDEX_BITS = 14;
const REGISTERS = 1 << INDEX_BITS;
/** Bits of a hash that do not name its register: 18 of the first word, and the second. */
const RANK_BITS = 64 - INDEX_BITS;
const RANKS = RANK_BITS + 2;
const ALPHA = 1 / (2 * Math.LN2);

/** One standard deviation of estimate(), as a share of the true number: 1.04 / sqrt(registers). */
export const DISTINCT_ERROR = 0.0081;

export class HyperLogLog {
  /** By register: the most leading zeros of a hash, and 1; 0 where none fell into it. */
  readonly #ranks = new Uint8Array(REGISTERS);

  /** Two 32-bit hashes of one key, independent of each other; the same key again changes nothing. */
  add(hashHi: number, hashLo: number): void {
    const register = hashHi >>> (32 - INDEX_BITS);
    const rest = (hashHi << INDEX_BITS) >>> 0;
    const zeros = rest !== 0 ? Math.clz32(rest) : 32 - INDEX_BITS + Math.clz32(hashLo);
    if (zeros >= (this.#ranks[register] ?? 0)) this.#ranks[register] = zeros + 1;
  }

  /** How many different keys were added, more or less: see DISTINCT_ERROR. Not rounded; 0 for none. */
  estimate(): number {
    const counts = new Uint32Array(RANKS);
    for (const rank of this.#ranks) counts[rank] = (counts[rank] ?? 0) + 1;
    let sum = REGISTERS * tau(1 - (counts[RANKS - 1] ?? 0) / REGISTERS);
    for (let rank = RANK_BITS; rank >= 1; rank--) sum = (sum + (counts[rank] ?? 0)) / 2;
    sum += REGISTERS * sigma((counts[0] ?? 0) / REGISTERS);
    return (ALPHA * REGISTERS * REGISTERS) / sum;
  }

  /** From now on this one has also seen whatever the other has. */
  merge(other: HyperLogLog): void {
    this.mergeRanks(other.#ranks);
  }

  /** The same for ranks that were counted elsewhere, by register. */
  mergeRanks(ranks: Uint8Array): void {
    for (let register = 0; register < REGISTERS; register++) {
      const rank = ranks[register] ?? 0;
      if (rank > (this.#ranks[register] ?? 0)) this.#ranks[register] = rank;
    }
  }

  /** Forgets all keys, keeps the memory. */
  clear(): void {
    this.#ranks.fill(0);
  }
}

/** x + sum of x^(2^k) * 2^(k - 1) over k = 1, 2, ...; infinite for 1. The part of empty registers. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let sum = x;
  let power = x;
  let weight = 1;
  for (let before = Number.NaN; sum !== before; ) {
    before = sum;
    power *= power;
    sum += power * weight;
    weight *= 2;
  }
  return sum;
}

/** (1 - x - sum of (1 - x^(2^-k))^2 * 2^-k over k = 1, 2, ...) / 3. The part of full registers. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let sum = 1 - x;
  let root = x;
  let weight = 1;
  for (let before = Number.NaN; sum !== before; ) {
    before = sum;
    root = Math.sqrt(root);
    weight /= 2;
    sum -= (1 - root) ** 2 * weight;
  }
  return sum / 3;
}
