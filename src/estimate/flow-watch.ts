// SPDX-License-Identifier: Apache-2.0
// What comes in while an estimate watches: every packet in the totals, and the different flows of each choice
// of labels in sketches. However many flows there are, it takes the same memory.

import { hasFlow, KIND } from '../abi/kinds.js';
import { FLOW_ROW_WORDS, type FlowRows, type OverflowRow } from '../abi/records.js';
import { kindOf } from '../abi/row-key.js';
import type { FlowFilter } from '../flows/filter.js';
import { createKeyHash, type KeyHash } from '../flows/key-hash.js';
import { Pacer } from '../pacer.js';
import { DistinctTimeline } from './distinct-timeline.js';
import { KeySample } from './key-sample.js';
import type { Projection } from './projection.js';

/** Measured: 0.25 us for each choice of a row. */
const PROJECT_NS = 250;

export interface FlowWatchOptions {
  /** One for each choice, in their order. */
  readonly projections: readonly Projection[];
  /** What tells pairs of RoCE apart. */
  readonly rocePairs: Projection;
  /** After so many a flow that does not come again has no series. */
  readonly idleIntervals: number;
  /** Two seeds of 32 random bits each: senders cannot choose flows that look like one. */
  readonly hashSeeds: readonly [number, number];
}

export interface FlowWatchParts {
  /** Flows that would get series; asked with the whole key. */
  readonly keep: FlowFilter;
  yieldToLoop(): Promise<void>;
}

export interface WatchTotals {
  /** All that came in. */
  packets: number;
  bytes: number;
  /** Of these: frames without a flow (non-IP, malformed). */
  packetsWithoutFlow: number;
  /** Of these: of flows that the configuration's filters leave out. */
  packetsFiltered: number;
  /** Of these: of flows that found no place in the kernel's map, and so are in no count of flows. */
  packetsUnnamed: number;
}

/** Flows of one choice. */
export interface FlowCount {
  readonly timeline: DistinctTimeline;
  readonly sample: KeySample;
}

export class FlowWatch {
  readonly totals: WatchTotals = {
    packets: 0,
    bytes: 0,
    packetsWithoutFlow: 0,
    packetsFiltered: 0,
    packetsUnnamed: 0,
  };
  /** In the order of the choices. */
  readonly choices: readonly FlowCount[];
  readonly rocePairs: FlowCount;

  readonly #parts: FlowWatchParts;
  readonly #counters: readonly Counter[];
  readonly #roceCounter: Counter;
  readonly #pacer: Pacer;

  constructor(options: FlowWatchOptions, parts: FlowWatchParts) {
    this.#parts = parts;
    this.#pacer = new Pacer(() => parts.yieldToLoop());
    const [hi, lo] = [createKeyHash(options.hashSeeds[0]), createKeyHash(options.hashSeeds[1])];
    const counterOf = (project: Projection): Counter => new Counter(project, options.idleIntervals, hi, lo);
    this.#counters = options.projections.map(counterOf);
    this.#roceCounter = counterOf(options.rocePairs);
    this.choices = this.#counters;
    this.rocePairs = this.#roceCounter;
  }

  /** Adds up the rows of one interval; they must stay as they are until it settles. One at a time. */
  async apply(rows: FlowRows, overflow: readonly OverflowRow[]): Promise<void> {
    const all = [...this.#counters, this.#roceCounter];
    for (const counter of all) counter.timeline.beginInterval();
    for (const { kind, packets, bytes } of overflow) {
      this.#carry(kind, packets, bytes);
      if (hasFlow(kind)) this.totals.packetsUnnamed += packets;
    }
    await this.#pacer.run(rows.length, PROJECT_NS * this.#counters.length, (from, to) => {
      for (let row = from; row < to; row++) this.#addRow(rows, row);
    });
    for (const counter of all) counter.timeline.endInterval();
  }

  #addRow({ keys, packets, bytes }: FlowRows, row: number): void {
    const at = row * FLOW_ROW_WORDS;
    const kind = kindOf(keys, at);
    const rowPackets = packets[row] ?? 0;
    this.#carry(kind, rowPackets, bytes[row] ?? 0);
    if (!hasFlow(kind)) return;
    if (kind === KIND.roceV1 || kind === KIND.roceV2) this.#roceCounter.add(keys, at);
    if (!this.#parts.keep(keys, at)) {
      this.totals.packetsFiltered += rowPackets;
      return;
    }
    for (const counter of this.#counters) counter.add(keys, at);
  }

  #carry(kind: number, packets: number, bytes: number): void {
    this.totals.packets += packets;
    this.totals.bytes += bytes;
    if (!hasFlow(kind)) this.totals.packetsWithoutFlow += packets;
  }
}

class Counter implements FlowCount {
  readonly timeline: DistinctTimeline;
  readonly sample = new KeySample();
  readonly #project: Projection;
  readonly #hashHi: KeyHash;
  readonly #hashLo: KeyHash;
  readonly #key = new Uint32Array(FLOW_ROW_WORDS);

  constructor(project: Projection, idleIntervals: number, hashHi: KeyHash, hashLo: KeyHash) {
    this.timeline = new DistinctTimeline(idleIntervals);
    this.#project = project;
    this.#hashHi = hashHi;
    this.#hashLo = hashLo;
  }

  add(keys: Uint32Array, wordOffset: number): void {
    this.#project(keys, wordOffset, this.#key);
    const hi = this.#hashHi(this.#key, 0);
    this.timeline.add(hi, this.#hashLo(this.#key, 0));
    this.sample.add(hi, this.#key);
  }
}
