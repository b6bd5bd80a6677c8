// SPDX-License-Identifier: Apache-2.0
// Rows of flows, the largest of the last interval first, in short turns of the event loop.

import { setImmediate } from 'node:timers/promises';
import type { SeriesView } from '../flows/views.js';
import { Pacer } from '../pacer.js';

/** Rows that are sorted at once: 40 us, measured. What follows merges them, step by step. */
const RUN_ROWS = 256;
const RUN_NS = 40_000;
/** Of a row that is merged, likewise. */
const MERGE_NS = 30;
/** Of a row that is looked at. */
const LOOK_NS = 10;

/** The view's rows that had packets; those with equal bytes in the view's order. */
export async function rowsByBytes(view: SeriesView): Promise<Uint32Array> {
  const { intervalBytes } = view;
  const pacer = new Pacer(() => setImmediate());
  const active = new Uint32Array(view.count);
  let count = 0;
  await pacer.run(view.count, LOOK_NS, (from, to) => {
    count = gather(view, { from, to }, active, count);
  });
  return sortRuns(active.subarray(0, count), intervalBytes, pacer);
}

async function sortRuns(
  active: Uint32Array,
  intervalBytes: SeriesView['intervalBytes'],
  pacer: Pacer,
): Promise<Uint32Array> {
  for (let from = 0; from < active.length; from += RUN_ROWS) {
    const run = active.subarray(from, from + RUN_ROWS);
    run.sort((a, b) => (intervalBytes[b] ?? 0) - (intervalBytes[a] ?? 0));
    await pacer.spend(RUN_NS);
  }
  let source = active;
  let target: Uint32Array = new Uint32Array(active.length);
  for (let width = RUN_ROWS; width < active.length; width *= 2) {
    for (let from = 0; from < active.length; from += 2 * width) {
      const middle = Math.min(from + width, active.length);
      const end = Math.min(from + 2 * width, active.length);
      let left = from;
      let right = middle;
      for (let to = from; to < end; to++) {
        const isLeft =
          right >= end ||
          (left < middle &&
            (intervalBytes[source[left] ?? 0] ?? 0) >= (intervalBytes[source[right] ?? 0] ?? 0));
        target[to] = source[isLeft ? left++ : right++] ?? 0;
        if (pacer.note(MERGE_NS)) await pacer.turn();
      }
    }
    [source, target] = [target, source];
  }
  return source;
}

/** In the view's order. */
export function activeRows(view: SeriesView): Uint32Array {
  const rows = new Uint32Array(view.count);
  return rows.subarray(0, gather(view, { from: 0, to: view.count }, rows, 0));
}

/** Puts the active ones of these places behind the first `count`; how many there are then. */
function gather(
  view: SeriesView,
  { from, to }: { readonly from: number; readonly to: number },
  rows: Uint32Array,
  count: number,
): number {
  let next = count;
  for (let index = from; index < to; index++) {
    const row = view.inUse[index] ?? 0;
    if ((view.intervalPackets[row] ?? 0) > 0) rows[next++] = row;
  }
  return next;
}
