// SPDX-License-Identifier: Apache-2.0
// What the exporter shows of the order in which RoCE packets came to an interface. For tests only.

import type { Grown } from './rdma-books.js';

/** What is missing is lost after two silent refresh intervals; twice that, and one that has begun already. */
export const SETTLING_REFRESHES = 5;

export interface ShownOrder {
  readonly lost: number;
  readonly late: number;
  readonly duplicates: number;
  readonly captureLost: number;
}

export function shownOrder(grown: Grown, device: string, transport: 'uc' | 'rc'): ShownOrder {
  const sum = (name: string): number =>
    grown.sumAt(device, `xtrace_roce_psn_${name}_packets_total`, { transport });
  return {
    lost: sum('lost'),
    late: sum('late'),
    duplicates: sum('duplicate'),
    captureLost: sum('capture_lost'),
  };
}
