// SPDX-License-Identifier: Apache-2.0
// The overflow map only grows; this turns its totals into what is new since the last look. Totals
// are kept per ifindex and half, so a reading that fails loses nothing: a later one brings the difference.
// Only a quiet half is read, with all else that it counted, so that they stay in step.

import type { OverflowRow } from '../abi/records.js';
import type { Half, OverflowSink } from '../kernel/kernel-maps.js';

interface Seen {
  packets: number;
  bytes: number;
}

interface Total extends Seen {
  readonly ifindex: number;
  readonly kind: number;
  readonly frameReason: number;
}

export interface OverflowReader {
  /** New counts of a quiet half since the last call for it that resolved. Rejects with KernelError. */
  read(quiet: Half): Promise<OverflowRow[]>;
}

/** @param readTotals of a map that only grows: KernelMaps.readOverflow(). */
export function createOverflowReader(
  readTotals: (sink: OverflowSink) => Promise<void>,
  interfaceIdOf: (ifindex: number) => number,
): OverflowReader {
  const seen = new Map<string, Seen>();
  return {
    async read(quiet) {
      const totals: Total[] = [];
      await readTotals((ifindex, kind, frameReason, half, packets, bytes) => {
        if (half === quiet) totals.push({ ifindex, kind, frameReason, packets, bytes });
      });
      const rows: OverflowRow[] = [];
      for (const total of totals) {
        const { kind, frameReason } = total;
        const key = `${total.ifindex} ${kind} ${frameReason} ${quiet}`;
        const before = seen.get(key) ?? { packets: 0, bytes: 0 };
        const packets = total.packets - before.packets;
        const bytes = total.bytes - before.bytes;
        if (packets > 0 || bytes > 0) {
          rows.push({ interfaceId: interfaceIdOf(total.ifindex), kind, frameReason, packets, bytes });
        }
        seen.set(key, { packets: total.packets, bytes: total.bytes });
      }
      return rows;
    },
  };
}
