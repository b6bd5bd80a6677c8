// SPDX-License-Identifier: Apache-2.0
// What each interface carried by traffic type in the last refresh, and over ten minutes: differences of the
// books. Always kept, as it costs next to nothing.

import type { BookRow } from '../flows/views.js';
import { RateHistory, type TimedRefresh } from './rate-history.js';

/** Rows of interface and type with a history of their own; what others carried is together in one more. */
export const HISTORY_ROWS_MAX = 128;
const COLUMNS = 2;

export class InterfaceRates {
  readonly history = new RateHistory(COLUMNS);
  /** By place among the rows of the books: what the last refresh brought. */
  bytes = new Float64Array(0);
  packets = new Float64Array(0);

  readonly #rows: () => readonly BookRow[];
  #bytesBefore = new Float64Array(0);
  #packetsBefore = new Float64Array(0);
  /** By place among the rows of the books, its row of the history plus 1; 0: it has carried nothing. */
  #historyRow = new Uint8Array(0);
  /** Places among the rows of the books, by row of the history. */
  readonly #places: number[] = [];
  #values = new Float64Array(0);
  #hasOthers = false;

  /** rows: of the books; they are never taken away or moved. What they have counted by now is the past. */
  constructor(rows: () => readonly BookRow[]) {
    this.#rows = rows;
    this.#reserve(rows().length);
    rows().forEach(({ bytes, packets }, place) => {
      this.#bytesBefore[place] = bytes;
      this.#packetsBefore[place] = packets;
    });
  }

  /** Places of the rows that have a history; it has one more row where hasOthers. */
  get places(): readonly number[] {
    return this.#places;
  }

  get hasOthers(): boolean {
    return this.#hasOthers;
  }

  /** Whether the row of the books at the place has carried something since; alone, or together with others. */
  hasHistory(place: number): boolean {
    return (this.#historyRow[place] ?? 0) > 0;
  }

  /** The books begin anew, at 0. */
  beginAnew(): void {
    this.#bytesBefore.fill(0);
    this.#packetsBefore.fill(0);
  }

  /** A refresh is over. Returns whether anything has come. */
  note(refresh: TimedRefresh): boolean {
    let hasCome = false;
    const rows = this.#rows();
    this.#reserve(rows.length);
    this.#values.fill(0);
    for (let place = 0; place < rows.length; place++) {
      const { bytes = 0, packets = 0 } = rows[place] ?? {};
      // Totals only fall with beginAnew(): a half of one that failed is no negative rate.
      const newBytes = Math.max(0, bytes - (this.#bytesBefore[place] ?? 0));
      const newPackets = Math.max(0, packets - (this.#packetsBefore[place] ?? 0));
      this.bytes[place] = newBytes;
      this.packets[place] = newPackets;
      this.#bytesBefore[place] = bytes;
      this.#packetsBefore[place] = packets;
      if (newBytes === 0 && newPackets === 0) continue;
      hasCome = true;
      if (refresh.time !== 'unknown') this.#addToHistory(place, newBytes, newPackets);
    }
    const used = this.#hasOthers ? HISTORY_ROWS_MAX + 1 : this.#places.length;
    this.history.note(refresh, this.#values.subarray(0, used * COLUMNS));
    return hasCome;
  }

  #addToHistory(place: number, bytes: number, packets: number): void {
    let row = (this.#historyRow[place] ?? 0) - 1;
    if (row < 0) {
      row = this.#places.length < HISTORY_ROWS_MAX ? this.#places.push(place) - 1 : HISTORY_ROWS_MAX;
      this.#historyRow[place] = row + 1;
      if (row === HISTORY_ROWS_MAX) this.#hasOthers = true;
    }
    const at = row * COLUMNS;
    this.#values[at] = (this.#values[at] ?? 0) + bytes;
    this.#values[at + 1] = (this.#values[at + 1] ?? 0) + packets;
  }

  #reserve(count: number): void {
    if (this.#values.length === 0) this.#values = new Float64Array((HISTORY_ROWS_MAX + 1) * COLUMNS);
    if (count <= this.bytes.length) return;
    const room = Math.max(count, 2 * this.bytes.length);
    const grown = (column: Float64Array): Float64Array<ArrayBuffer> => {
      const wider = new Float64Array(room);
      wider.set(column);
      return wider;
    };
    this.bytes = grown(this.bytes);
    this.packets = grown(this.packets);
    this.#bytesBefore = grown(this.#bytesBefore);
    this.#packetsBefore = grown(this.#packetsBefore);
    const rows = new Uint8Array(room);
    rows.set(this.#historyRow);
    this.#historyRow = rows;
  }
}
