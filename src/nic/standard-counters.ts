// SPDX-License-Identifier: Apache-2.0
// Statistics that the kernel defines for all drivers -> counters by their meaning. Pure.

import type {
  FecReading,
  PauseReading,
  StandardGroup,
  StandardStats,
} from '../kernel/ethtool/ethtool-messages.js';
import type { Meaning, NicCounter } from './meanings.js';

type StatMeaning = readonly [meaning: Meaning, ...labels: string[]];

/** By number in the enums ETHTOOL_A_STATS_* of include/uapi/linux/ethtool_netlink.h, which say what each counts. */
const STAT_MEANINGS: Readonly<Record<StandardGroup, Readonly<Record<number, StatMeaning>>>> = {
  phy: { 0: ['errors', 'received', 'symbol'] },
  mac: {
    0: ['port_packets', 'sent'],
    3: ['port_packets', 'received'],
    4: ['errors', 'received', 'crc'],
    5: ['errors', 'received', 'alignment'],
    6: ['port_bytes', 'sent'],
    10: ['errors', 'sent', 'internal'],
    12: ['port_bytes', 'received'],
    13: ['errors', 'received', 'internal'],
    19: ['errors', 'received', 'length'],
    20: ['errors', 'received', 'length_field'],
    21: ['errors', 'received', 'oversize'],
  },
  ctrl: { 2: ['errors', 'received', 'control_opcode'] },
  rmon: {
    0: ['errors', 'received', 'undersize'],
    1: ['errors', 'received', 'oversize'],
    2: ['errors', 'received', 'fragment'],
    3: ['errors', 'received', 'jabber'],
  },
};

export function standardCounters(group: StandardGroup, stats: StandardStats): NicCounter[] {
  return [...stats].flatMap(([number, value]) => {
    const [meaning, ...labels] = STAT_MEANINGS[group][number] ?? [];
    return meaning === undefined ? [] : [{ meaning, labels, value }];
  });
}

export function pauseCounters({ receivedFrames, sentFrames }: PauseReading): NicCounter[] {
  return [
    ...told('pause_frames', ['received'], receivedFrames),
    ...told('pause_frames', ['sent'], sentFrames),
  ];
}

export function fecCounters(fec: FecReading): NicCounter[] {
  return [
    ...told('fec_codewords', ['corrected'], fec.correctedBlocks),
    ...told('fec_codewords', ['uncorrectable'], fec.uncorrectableBlocks),
    ...told('fec_corrections', [], fec.correctedBits),
  ];
}

function told(meaning: Meaning, labels: readonly string[], value: number | undefined): NicCounter[] {
  return value === undefined ? [] : [{ meaning, labels, value }];
}
