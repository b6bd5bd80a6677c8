// SPDX-License-Identifier: Apache-2.0
// The 100 largest flows over ten minutes, while somebody looks. What each flow carried in the last refresh
// stands in the table itself.

import type { SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import { FOLLOWED_MAX, FollowedRows } from './followed-rows.js';
import { LargestRows } from './largest-rows.js';
import type { TimedRefresh } from './rate-history.js';

/** Columns of a flow. */
export const FLOW_NUMBER = { bytes: 0, packets: 1 } as const;
export const FLOW_NUMBERS = 2;

/** Price of a flow for the pacer, nanoseconds; measured with 100,000. */
const FLOW_NS = 30;

export class FlowRates {
  /** By series. */
  readonly followed = new FollowedRows<number>(FLOW_NUMBERS);
  readonly #pacer: Pacer;

  constructor(pacer: Pacer) {
    this.#pacer = pacer;
  }

  /** A refresh is over; the view must stay as it is until it resolves. */
  async note(view: SeriesView, refresh: TimedRefresh): Promise<void> {
    const { inUse, intervalBytes, intervalPackets, totalBytes } = view;
    const largest = new LargestRows(FOLLOWED_MAX);
    await this.#pacer.run(view.count, FLOW_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const series = inUse[i] ?? 0;
        const rank = this.followed.rankOf(series, intervalBytes[series] ?? 0);
        largest.offer(series, rank, totalBytes[series] ?? 0);
      }
    });
    this.followed.add(largest.take(), refresh, (series, values, at) => {
      values[at + FLOW_NUMBER.bytes] = intervalBytes[series] ?? 0;
      values[at + FLOW_NUMBER.packets] = intervalPackets[series] ?? 0;
    });
  }

  clear(): void {
    this.followed.clear();
  }
}
