// SPDX-License-Identifier: Apache-2.0
// Totals since start of what stands in no pair, by interface, version and reason. It decides nothing.

import { ROCE_OTHER_REASONS, type RoceOtherReason, type RoceOtherRow } from './views.js';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** Versions 1 and 2, and 0 for malformed packets; what a broken row might say beyond counts as such. */
const VERSIONS = 3;

export class OtherCounts {
  readonly rows: Writable<RoceOtherRow>[] = [];
  /** ROCE_UNBOOKED of the kernel; packets that stand elsewhere, too. */
  unbookedPackets = 0;
  /** By interface id; index = version and reason. */
  readonly #rowsOf = new Map<number, (Writable<RoceOtherRow> | undefined)[]>();

  /** As if nothing had been added yet. What the kernel did not book is by no interface, and stays. */
  clear(): void {
    this.rows.length = 0;
    this.#rowsOf.clear();
  }

  add(interfaceId: number, version: number, reason: RoceOtherReason, packets: number, bytes: number): void {
    if (packets === 0 && bytes === 0) return;
    let rows = this.#rowsOf.get(interfaceId);
    if (rows === undefined) {
      rows = new Array<undefined>(VERSIONS * ROCE_OTHER_REASONS.length).fill(undefined);
      this.#rowsOf.set(interfaceId, rows);
    }
    const index = ROCE_OTHER_REASONS.indexOf(reason) * VERSIONS + version;
    let row = rows[index];
    if (row === undefined) {
      row = { interfaceId, version, reason, packets: 0, bytes: 0 };
      rows[index] = row;
      this.rows.push(row);
    }
    row.packets += packets;
    row.bytes += bytes;
  }
}
