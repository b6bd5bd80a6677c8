// SPDX-License-Identifier: Apache-2.0
// Reads one quiet half of the kernel's maps into rows. Knows what lies where, and nothing of when: which
// half is quiet, and what becomes of one that was read, is told by drain.ts and kept-drain.ts.

import { FlowRowBuffer, numberFromU64 } from '../abi/flow-row-buffer.js';
import { FLOW_COUNT, FLOW_KEY4, FLOW_KEY6 } from '../abi/layout.js';
import type { FlowRows, OverflowRow } from '../abi/records.js';
import type { RoceOverflowRow, RoceRows } from '../abi/roce-records.js';
import { RoceRowBuffer } from '../abi/roce-row-buffer.js';
import type {
  BatchSink,
  DrainedMap,
  Half,
  IpVersion,
  KernelMaps,
  OverflowMap,
} from '../kernel/kernel-maps.js';
import { drainRoceSlots } from './drain-roce-slots.js';
import { drainSlots } from './drain-slots.js';
import type { Taking } from './marked-blocks.js';
import { createOverflowReader, type OverflowReader } from './overflow-deltas.js';
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

/** What a drain has found so far, beside its rows. */
export interface Found {
  readonly entries: DrainEntries;
  readonly overflow: OverflowRow[];
  readonly roceOverflow: RoceOverflowRow[];
  /** Different flows that are in no row, as the kernel's map had no room: an estimate, see unseen-flows.ts. */
  unseenFlows: number;
}

export function nothingFound(): Found {
  return {
    entries: { flows4: 0, flows6: 0, slots4: 0, slots6: 0, roce: 0, roceSlots: 0 },
    overflow: [],
    roceOverflow: [],
    unseenFlows: 0,
  };
}

export class HalfReader {
  readonly rows: FlowRows;
  readonly roceRows: RoceRows;
  readonly #parts: DrainParts;
  readonly #taking: Taking;
  readonly #flows = new FlowRowBuffer();
  readonly #streams: RoceRowBuffer;
  readonly #psns: PsnStreams;
  readonly #unseen: UnseenFlows;
  #overflow: OverflowReader;
  #roceOverflow: OverflowReader;

  constructor(taking: Taking, parts: DrainParts) {
    const { maps } = parts;
    this.#parts = parts;
    this.#taking = taking;
    this.#streams = new RoceRowBuffer(maps.roceDerivation.opcodeFacts);
    this.rows = this.#flows;
    this.roceRows = this.#streams;
    this.#psns = new PsnStreams(maps.psn, () => parts.yieldToLoop());
    this.#unseen = new UnseenFlows({ ...parts, hashSeed: maps.hashSeed });
    this.#overflow = this.#overflowReader('overflow');
    this.#roceOverflow = this.#overflowReader('roce_overflow');
  }

  /** Forgets the rows. */
  begin(): void {
    this.#flows.clear();
    this.#streams.clear();
  }

  /** Reads a quiet half. Rejects with KernelError; what was read until then is in rows. */
  async read(half: Half, found: Found): Promise<void> {
    const { maps, interfaceIdOf } = this.#parts;
    const { entries, overflow, roceOverflow } = found;
    const parts = { ...this.#parts, derivation: maps.roceDerivation, taking: this.#taking };
    entries.slots4 += await drainSlots(4, maps.slots('slots4', half), this.#flows, parts);
    entries.slots6 += await drainSlots(6, maps.slots('slots6', half), this.#flows, parts);
    const roceTo = { flows: this.#flows, streams: this.#streams };
    for (const ipVersion of [4, 6] as const) {
      const memory = maps.slots(`roce_slots${ipVersion}`, half);
      entries.roceSlots += await drainRoceSlots(ipVersion, memory, roceTo, parts);
    }
    entries.flows4 += await this.#takeFlows(4, half);
    entries.flows6 += await this.#takeFlows(6, half);
    await this.#take('roce', half, (keys, counts, count) => {
      this.#streams.append(keys, counts, count, interfaceIdOf);
      entries.roce += count;
    });
    await this.#take('roce_ports', half, (keys, spreads, count) => {
      this.#streams.appendSpreads(keys, spreads, count, interfaceIdOf);
    });
    const refused = maps.refused(half);
    found.unseenFlows += await this.#unseen.count(this.rows, refused);
    if (this.#taking === 'emptying') refused.fill(0);
    else {
      // What is copied is cleared, too, so that its totals begin at 0.
      this.#overflow = this.#overflowReader('overflow');
      this.#roceOverflow = this.#overflowReader('roce_overflow');
    }
    overflow.push(...(await this.#overflow.read(half)));
    for (const { kind, interfaceId, packets, bytes } of await this.#roceOverflow.read(half)) {
      roceOverflow.push({ interfaceId, version: kind, packets, bytes });
    }
  }

  /** What the rows say of lost packets, told apart; silent streams get their holes counted. */
  async lookAtOrder(): Promise<void> {
    await this.#psns.findCaptureLoss(this.#streams);
    await this.#psns.sweep();
  }

  #overflowReader(map: OverflowMap): OverflowReader {
    const { maps, interfaceIdOf } = this.#parts;
    return createOverflowReader((sink) => maps.readOverflow(map, sink), interfaceIdOf);
  }

  #take(map: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    const { maps } = this.#parts;
    return this.#taking === 'emptying' ? maps.drain(map, half, sink) : maps.copy(map, half, sink);
  }

  async #takeFlows(ipVersion: IpVersion, half: Half): Promise<number> {
    const rows = this.#flows;
    const keyWords = (ipVersion === 4 ? FLOW_KEY4.size : FLOW_KEY6.size) / WORD_BYTES;
    const ifindexWord = (ipVersion === 4 ? FLOW_KEY4.ifindex : FLOW_KEY6.ifindex) / WORD_BYTES;
    let entries = 0;
    await this.#take(`flows${ipVersion}`, half, (keyBytes, countBytes, count) => {
      const keys = new Uint32Array(keyBytes.buffer, keyBytes.byteOffset, count * keyWords);
      const counts = new Uint32Array(countBytes.buffer, countBytes.byteOffset, count * COUNT_WORDS);
      rows.reserve(count);
      for (let i = 0; i < count; i++) {
        const key = i * keyWords;
        const interfaceId = this.#parts.interfaceIdOf(keys[key + ifindexWord] ?? 0);
        const packets = numberFromU64(counts, i * COUNT_WORDS + PACKETS_WORD);
        const bytes = numberFromU64(counts, i * COUNT_WORDS + BYTES_WORD);
        if (ipVersion === 4) rows.append4(keys, key, interfaceId, packets, bytes);
        else rows.append6(keys, key, interfaceId, packets, bytes);
      }
      entries += count;
    });
    return entries;
  }
}
