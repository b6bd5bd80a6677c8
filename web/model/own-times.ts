// SPDX-License-Identifier: Apache-2.0
// How long refreshes took and how long the exporter's event loop was held up, as the messages have told since the
// page was opened; ten minutes at most. Pure.

import type { RefreshMessage } from './answers.js';
import type { Curve } from './rate-curves.js';

const KEPT_MS = 600_000;
/** Of refreshes of 100 ms nobody sees each: the longest of a second stands. */
const POINT_MS = 1000;

export class OwnTimes {
  #points: { atMs: number; refreshMs: number; stallMs: number }[] = [];

  note(message: RefreshMessage): void {
    const atMs = message.at_ms;
    const refreshMs = message.refresh_ms ?? 0;
    const stallMs = message.stall_ms ?? 0;
    const last = this.#points.at(-1);
    if (last !== undefined && Math.floor(last.atMs / POINT_MS) === Math.floor(atMs / POINT_MS)) {
      last.refreshMs = Math.max(last.refreshMs, refreshMs);
      last.stallMs = Math.max(last.stallMs, stallMs);
      return;
    }
    this.#points.push({ atMs, refreshMs, stallMs });
    this.#points = this.#points.filter((point) => point.atMs >= atMs - KEPT_MS && point.atMs <= atMs);
  }

  read(): { readonly ends: readonly number[]; readonly curves: readonly Curve[] } {
    return {
      ends: this.#points.map(({ atMs }) => atMs / 1000),
      curves: [
        { name: 'refresh', values: this.#points.map(({ refreshMs }) => refreshMs) },
        { name: 'stall', values: this.#points.map(({ stallMs }) => stallMs) },
      ],
    };
  }
}
