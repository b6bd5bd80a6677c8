// SPDX-License-Identifier: Apache-2.0
// Which counters tell of priority flow control. Pure.

import type { NicCounter } from './meanings.js';

/** What PFC is counted by, and the packets that it should not keep from moving. */
const PFC = ['pfc_frames', 'pfc_pause_seconds'];
const PACKETS = ['priority_packets', 'port_packets'];

/** Counters of priorities that PFC has ever stopped, and packets of the whole port; none where it has stopped none. */
export function pauseMeanings(counters: readonly NicCounter[]): readonly NicCounter[] {
  const priorities = new Set(
    counters
      .filter(({ meaning, value }) => PFC.includes(meaning) && value > 0)
      .map(({ labels }) => labels[0]),
  );
  if (priorities.size === 0) return [];
  return counters.filter(({ meaning, labels }) =>
    meaning === 'port_packets'
      ? true
      : (PFC.includes(meaning) || PACKETS.includes(meaning)) && priorities.has(labels[0]),
  );
}
