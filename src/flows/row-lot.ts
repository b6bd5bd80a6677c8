// SPDX-License-Identifier: Apache-2.0
// Rows of a drain that are looked at together, and what was found out about each. Used again lot by lot.

/** Rows of a lot: what they touch, some 300 bytes each, stays in the CPU's caches from step to step. */
export const LOT_ROWS = 256;

export class RowLot {
  count = 0;
  /** Numbers of the rows in their drain. */
  readonly rows = new Uint32Array(LOT_ROWS);
  readonly hashes = new Uint32Array(LOT_ROWS);
  /** -1 where the flow has none. */
  readonly series = new Int32Array(LOT_ROWS);
}
