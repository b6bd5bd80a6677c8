// SPDX-License-Identifier: Apache-2.0
// The label bytes of every flow series that was pushed, by its row in the flow table, and of those
// that have ended since the last push. A row is rendered once, and forgotten with its series.
import type { WriteFlowLabelValue } from '../../metrics/flow-label-fields.js';

/** Rows of a page; pages are never moved, so that growing costs no copy. 80 KiB at 320 bytes a row. */
const PAGE_ROWS = 256;
const PAGE_SHIFT = 8;

export interface FlowLabelSource {
  readonly render: WriteFlowLabelValue;
  readonly maxBytes: number;
}

export class FlowLabelsKept {
  readonly #source: FlowLabelSource;
  readonly #pages: (Buffer | undefined)[] = [];
  /** Of row s; -1 where the row holds no series that was pushed. */
  #length = new Int32Array(0);
  /** Labels of series that ended after their last push, by themselves as latin1. */
  readonly #ended = new Map<string, Buffer>();

  constructor(source: FlowLabelSource) {
    this.#source = source;
  }

  has(row: number): boolean {
    return (this.#length[row] ?? -1) >= 0;
  }

  /** Renders the labels of a row whose series is pushed for the first time. */
  keep(row: number, keys: Uint32Array, wordOffset: number): void {
    this.#reserve(row);
    const page = this.#page(row);
    const start = this.start(row);
    const end = this.#source.render(keys, wordOffset, page, start);
    this.#length[row] = end - start;
    // It began anew before its end was told: nobody is to hear of the end after the new samples.
    if (this.#ended.size > 0) this.#ended.delete(page.toString('latin1', start, end));
  }

  /** The series of the row has ended. Nothing happens where it was never pushed. */
  end(row: number): void {
    if (!this.has(row)) return;
    const labels = this.#copy(row);
    this.#length[row] = -1;
    // More have ended than there ever were rows: somebody pushes, but never to the end.
    if (this.#ended.size >= this.#length.length) {
      for (const oldest of this.#ended.keys()) {
        this.#ended.delete(oldest);
        break;
      }
    }
    this.#ended.set(labels.toString('latin1'), labels);
  }

  /** Ends every series. */
  endAll(): void {
    for (let row = 0; row < this.#length.length; row++) this.end(row);
  }

  /** One that has ended and was not told; it is forgotten with that. */
  takeEnded(): Buffer | undefined {
    for (const [key, labels] of this.#ended) {
      this.#ended.delete(key);
      return labels;
    }
    return undefined;
  }

  get endedCount(): number {
    return this.#ended.size;
  }

  /** The bytes of a row that has() are page(row)[start(row) .. + length(row)]. */
  page(row: number): Buffer {
    return this.#page(row);
  }

  start(row: number): number {
    return (row & (PAGE_ROWS - 1)) * this.#source.maxBytes;
  }

  length(row: number): number {
    return this.#length[row] ?? -1;
  }

  #page(row: number): Buffer {
    const number = row >>> PAGE_SHIFT;
    let page = this.#pages[number];
    if (page === undefined) {
      page = Buffer.allocUnsafeSlow(PAGE_ROWS * this.#source.maxBytes);
      this.#pages[number] = page;
    }
    return page;
  }

  #copy(row: number): Buffer {
    const start = this.start(row);
    return Buffer.from(this.#page(row).subarray(start, start + this.length(row)));
  }

  #reserve(row: number): void {
    if (row < this.#length.length) return;
    const grown = new Int32Array(Math.max(2 * this.#length.length, row + 1)).fill(-1);
    grown.set(this.#length);
    this.#length = grown;
  }
}
