// SPDX-License-Identifier: Apache-2.0
// RDMA packets that the hardware received and XDP did not see, since counting began. Pure but for the
// totals it keeps. Rather says too few than too many: what it says is taken for proof.

/** A port's totals since it was first noted. */
interface PortTotal {
  lastCount: number;
  packets: number;
  /** `packets` as of the noting before the last. */
  earlierPackets: number;
  /** What XDP had seen by interface when the port was first noted. */
  readonly seenAtFirst: ReadonlyMap<string, number>;
}

export interface UnseenPackets {
  /**
   * Takes a round's hardware counts by port. A port that is not in `counts` keeps its total, one that is
   * not in `listed` is forgotten.
   * @param seen RoCE packets XDP had seen, by interface, when the round began.
   */
  note(
    counts: ReadonlyMap<string, number>,
    listed: ReadonlySet<string>,
    seen: ReadonlyMap<string, number>,
  ): void;
  /**
   * Of ports of one device on one interface: their packets less those XDP saw there, at least 0.
   * Undefined where none of the ports counts packets.
   * @param seenNow RoCE packets XDP has seen there; undefined where it cannot see any of the device's.
   */
  of(ports: readonly string[], interfaceName: string, seenNow: number | undefined): number | undefined;
}

export function createUnseenPackets(): UnseenPackets {
  const totals = new Map<string, PortTotal>();

  return {
    note(counts, listed, seen) {
      for (const [key, count] of counts) {
        const total = totals.get(key);
        if (total === undefined) {
          totals.set(key, { lastCount: count, packets: 0, earlierPackets: 0, seenAtFirst: new Map(seen) });
          continue;
        }
        total.earlierPackets = total.packets;
        // A smaller count is one that began again with a reset of the device.
        total.packets += count >= total.lastCount ? count - total.lastCount : count;
        total.lastCount = count;
      }
      for (const key of totals.keys()) if (!listed.has(key)) totals.delete(key);
    },
    of(ports, interfaceName, seenNow) {
      const known = ports.flatMap((key) => totals.get(key) ?? []);
      if (known.length === 0) return undefined;
      // The count of one round earlier: what XDP has seen is of the last drain, which packets of the
      // last round may have missed. All of the earlier round's were drained since.
      const packets = known.reduce((sum, total) => sum + total.earlierPackets, 0);
      if (seenNow === undefined) return packets;
      const seenBefore = Math.min(...known.map((total) => total.seenAtFirst.get(interfaceName) ?? 0));
      return Math.max(0, packets - (seenNow - seenBefore));
    },
  };
}
