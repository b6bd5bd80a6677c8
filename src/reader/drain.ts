// SPDX-License-Identifier: Apache-2.0
// One drain: flip the epoch, wait until nobody writes the old half, empty it. Knows the order and
// nothing of FFI; knows no table and no metric.
//
//        epoch 0                          epoch 1
//   programs write half 0   flip ->  programs write half 1
//                                    fence: an RCU grace period
//                                    half 0 is quiet: slots, RoCE slots, flow maps, RoCE streams are emptied,
//                                    and what had overflowed is read
//
// A step that fails leaves the half where it is. What was read is handed over; the next drain
// finishes that half before it flips again. So nothing is lost and nothing is counted twice.

import { FlowRowBuffer, numberFromU64 } from '../abi/flow-row-buffer.js';
import { FLOW_COUNT, FLOW_KEY4, FLOW_KEY6 } from '../abi/layout.js';
import type { FlowRows, OverflowRow } from '../abi/records.js';
import type { RoceOverflowRow, RoceRows } from '../abi/roce-records.js';
import { RoceRowBuffer } from '../abi/roce-row-buffer.js';
import type { Half, IpVersion, KernelMaps } from '../kernel/kernel-maps.js';
import { drainRoceSlots } from './drain-roce-slots.js';
import { drainSlots } from './drain-slots.js';
import { createOverflowReader } from './overflow-deltas.js';
import { PsnStreams } from './psn-streams.js';
import { UnseenFlows } from './unseen-flows.js';

const WORD_BYTES = 4;
const COUNT_WORDS = FLOW_COUNT.size / WORD_BYTES;
const PACKETS_WORD = FLOW_COUNT.packets / WORD_BYTES;
const BYTES_WORD = FLOW_COUNT.bytes / WORD_BYTES;

export interface DrainParts {
  readonly maps: KernelMaps;
  /** The exporter's own number for an interface; see src/abi/records.ts. */
  interfaceIdOf(ifindex: number): number;
  /** The other way round, as of late. */
  ifindexOf(interfaceId: number): number;
  yieldToLoop(): Promise<void>;
  /** Monotonic milliseconds. */
  nowMs(): number;
}

/** Kernel entries that the drain found. */
export interface DrainEntries {
  flows4: number;
  flows6: number;
  slots4: number;
  slots6: number;
  roce: number;
  roceSlots: number;
}

export interface DrainResult {
  /** Valid until the next drain. */
  readonly rows: FlowRows;
  readonly overflow: readonly OverflowRow[];
  /** Likewise until the next drain. */
  readonly roceRows: RoceRows;
  readonly roceOverflow: readonly RoceOverflowRow[];
  /** Total since load of what even the overflow map could not take; 0 unless something is wrong. */
  readonly unattributedPackets: number;
  readonly entries: DrainEntries;
  /** Different flows that are in no row, as the kernel's map had no room: an estimate, see unseen-flows.ts. */
  readonly unseenFlows: number;
  readonly fenceMs: number;
  readonly readMs: number;
  /** Why this drain is not complete; what is missing comes with the next one. */
  readonly error?: unknown;
}

/** The half that is being emptied, and how far that has come. */
interface Pending {
  readonly half: Half;
  fenced: boolean;
}

/** What a drain has found so far, beside its rows. */
interface Found {
  readonly entries: DrainEntries;
  readonly overflow: OverflowRow[];
  readonly roceOverflow: RoceOverflowRow[];
  unseenFlows: number;
}

interface Times {
  readonly fenceMs: number;
  readonly readMs: number;
}

export interface Drain {
  /** Never rejects. One at a time: a second call while one runs throws. */
  drain(): Promise<DrainResult>;
}

export function createDrain(parts: DrainParts): Drain {
  const { maps, nowMs } = parts;
  const rows = new FlowRowBuffer();
  const derivation = maps.roceDerivation;
  const roceRows = new RoceRowBuffer(derivation.opcodeFacts);
  const psns = new PsnStreams(maps.psn, parts.yieldToLoop);
  const overflowReader = createOverflowReader(
    (sink) => maps.readOverflow('overflow', sink),
    parts.interfaceIdOf,
  );
  const roceOverflowReader = createOverflowReader(
    (sink) => maps.readOverflow('roce_overflow', sink),
    parts.interfaceIdOf,
  );
  const unseen = new UnseenFlows({ ...parts, hashSeed: maps.hashSeed });
  let pending: Pending | undefined;
  let unattributedPackets = 0;
  let running = false;

  async function drainFlows(ipVersion: IpVersion, half: Half): Promise<number> {
    const keyWords = (ipVersion === 4 ? FLOW_KEY4.size : FLOW_KEY6.size) / WORD_BYTES;
    const ifindexWord = (ipVersion === 4 ? FLOW_KEY4.ifindex : FLOW_KEY6.ifindex) / WORD_BYTES;
    let entries = 0;
    await maps.drain(`flows${ipVersion}`, half, (keyBytes, countBytes, count) => {
      const keys = new Uint32Array(keyBytes.buffer, keyBytes.byteOffset, count * keyWords);
      const counts = new Uint32Array(countBytes.buffer, countBytes.byteOffset, count * COUNT_WORDS);
      rows.reserve(count);
      for (let i = 0; i < count; i++) {
        const key = i * keyWords;
        const interfaceId = parts.interfaceIdOf(keys[key + ifindexWord] ?? 0);
        const packets = numberFromU64(counts, i * COUNT_WORDS + PACKETS_WORD);
        const bytes = numberFromU64(counts, i * COUNT_WORDS + BYTES_WORD);
        if (ipVersion === 4) rows.append4(keys, key, interfaceId, packets, bytes);
        else rows.append6(keys, key, interfaceId, packets, bytes);
      }
      entries += count;
    });
    return entries;
  }

  /** Empties the pending half, beginning one if there is none. */
  async function drainHalf(found: Found): Promise<Times> {
    const { entries, overflow, roceOverflow } = found;
    if (pending === undefined) {
      const half = maps.readEpoch();
      maps.writeEpoch(half === 0 ? 1 : 0);
      pending = { half, fenced: false };
    }
    const startedMs = nowMs();
    if (!pending.fenced) {
      await maps.fence();
      pending.fenced = true;
    }
    const fencedMs = nowMs();
    entries.slots4 += await drainSlots(4, maps.slots('slots4', pending.half), rows, parts);
    entries.slots6 += await drainSlots(6, maps.slots('slots6', pending.half), rows, parts);
    const roceTo = { flows: rows, streams: roceRows };
    for (const ipVersion of [4, 6] as const) {
      const memory = maps.slots(`roce_slots${ipVersion}`, pending.half);
      entries.roceSlots += await drainRoceSlots(ipVersion, memory, roceTo, { ...parts, derivation });
    }
    entries.flows4 += await drainFlows(4, pending.half);
    entries.flows6 += await drainFlows(6, pending.half);
    await maps.drain('roce', pending.half, (keys, counts, count) => {
      roceRows.append(keys, counts, count, parts.interfaceIdOf);
      entries.roce += count;
    });
    await maps.drain('roce_ports', pending.half, (keys, spreads, count) => {
      roceRows.appendSpreads(keys, spreads, count, parts.interfaceIdOf);
    });
    const refused = maps.refused(pending.half);
    found.unseenFlows += await unseen.count(rows, refused);
    refused.fill(0);
    overflow.push(...(await overflowReader.read(pending.half)));
    for (const { kind, interfaceId, packets, bytes } of await roceOverflowReader.read(pending.half)) {
      roceOverflow.push({ interfaceId, version: kind, packets, bytes });
    }
    pending = undefined;
    return { fenceMs: fencedMs - startedMs, readMs: nowMs() - fencedMs };
  }

  async function drain(): Promise<DrainResult> {
    const found: Found = {
      entries: { flows4: 0, flows6: 0, slots4: 0, slots6: 0, roce: 0, roceSlots: 0 },
      overflow: [],
      roceOverflow: [],
      unseenFlows: 0,
    };
    let times: Times = { fenceMs: 0, readMs: 0 };
    let error: unknown;
    rows.clear();
    roceRows.clear();
    try {
      if (pending !== undefined) {
        await drainHalf(found); // what the last drain left
      }
      times = await drainHalf(found);
      await psns.findCaptureLoss(roceRows);
      unattributedPackets = (await maps.readUnattributed()).packets;
      await psns.sweep();
    } catch (caught) {
      error = caught;
    }
    const result = { rows, roceRows, ...found, unattributedPackets, ...times };
    return error === undefined ? result : { ...result, error };
  }

  return {
    async drain() {
      if (running) throw new Error('a drain is running already');
      running = true;
      try {
        return await drain();
      } finally {
        running = false;
      }
    },
  };
}
