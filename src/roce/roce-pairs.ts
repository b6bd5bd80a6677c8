// SPDX-License-Identifier: Apache-2.0
// One refresh: the streams of one drain become pairs of addresses, bounded in number, and whatever
// stands in no pair is summed by its reason. Each row is booked whole in one step, so sums stay exact
// even if a part fails between two. No clock, no names, no text.

import {
  PORT_KNOWN,
  type PortSpread,
  ROCE_CELL,
  ROCE_KEY_WORDS,
  ROCE_TRANSPORT,
  ROCE_UNBOOKED,
  type RoceOverflowRow,
  type RoceRows,
} from '../abi/roce-records.js';
import { roceVersionOf, streamInterfaceIdOf, streamQueuePairOf, transportOf } from '../abi/roce-row-key.js';
import type { BoundBudgets } from '../flows/budgets.js';
import { createKeyHash, type KeyHash } from '../flows/key-hash.js';
import { Pacer } from '../pacer.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import { ADDRESS_WORDS, type CopyAddress, createAddressCopy } from './address-masks.js';
import { OtherCounts } from './other-counts.js';
import { PairList } from './pair-list.js';
import { PairRoom } from './pair-room.js';
import {
  exportPairs,
  importPairs,
  type PairsExport,
  type PairsImport,
  type PairsTaken,
} from './pair-state.js';
import type { RocePairs, RocePairsOptions, RocePairsParts } from './pairs-contract.js';
import { PATH_KEY_WORDS } from './path-index.js';
import { RocePair } from './roce-pair.js';
import { MANAGEMENT_QUEUE_PAIR_MAX, RocePath } from './roce-path.js';
import type { RocePairsView } from './views.js';

export type { RocePairs, RocePairsOptions, RocePairsParts } from './pairs-contract.js';

/**
 * Prices of a step for the slices, nanoseconds. Measured with 16,384 streams over 1,000 pairs: 0.4 us a
 * row, 7 ms a refresh in 40 turns, none above 1.1 ms; with a pair for each stream (per queue pair) 0.7 us
 * and 11 ms. The first refresh of a process, where code is cold and all pairs are new: 70-110 ms in 305
 * turns, the longest 7 ms: a garbage collection.
 */
const ROW_NS = 600;
const PATH_NS = 100;
const PAIR_NS = 20;
const NEWCOMER_NS = 4000;

export function createRocePairs(options: RocePairsOptions, parts: RocePairsParts): RocePairs {
  return new PairTable(options, parts);
}

class PairTable implements RocePairs {
  readonly #options: RocePairsOptions;
  readonly #pacer: Pacer;
  readonly #hash: KeyHash;
  #copyAddress: CopyAddress;
  readonly #mayEnd: NonNullable<RocePairsParts['mayEnd']>;
  readonly #room: PairRoom | undefined;
  readonly #bound: BoundBudgets | undefined;

  readonly #others = new OtherCounts();
  readonly #list: PairList;
  readonly view: RocePairsView;

  /** Key of the row being looked at, shortened. */
  readonly #key = new Uint32Array(PATH_KEY_WORDS);
  #keyHash = 0;
  /** Rows of this drain that no pair was found for. */
  #newcomers = new Uint32Array(0);
  #newcomerCount = 0;

  #pending = false;
  #refresh = 0;
  /** Of pairs that begin in this refresh. */
  #startedMs = 0;
  #refreshedMs: number | undefined;
  /** Sum of the clock's steps forward: what idle times are measured by. */
  #elapsedMs = 0;

  constructor(options: RocePairsOptions, parts: RocePairsParts) {
    this.#options = options;
    this.#pacer = new Pacer(parts.yieldToLoop);
    this.#hash = parts.hash ?? createKeyHash(options.hashSeed, PATH_KEY_WORDS);
    this.#copyAddress = createAddressCopy(options);
    this.#mayEnd = parts.mayEnd ?? (() => true);
    this.#room = parts.room === undefined ? undefined : new PairRoom(parts.room);
    this.#bound = parts.room?.budget.bound;
    this.#list = new PairList({ others: this.#others, room: this.#room });
    const others = this.#others;
    this.view = {
      pairs: this.#list.pairs,
      paths: this.#list.paths,
      others: others.rows,
      get unbookedPackets() {
        return others.unbookedPackets;
      },
      get maxPairs() {
        return options.maxPairs;
      },
      get perQueuePair() {
        return options.perQueuePair;
      },
    };
  }

  apply(
    rows: RoceRows,
    overflow: readonly RoceOverflowRow[],
    nowMs: number,
    refresh = this.#refresh + 1,
  ): Promise<void> {
    return this.#alone('apply', () => {
      this.#refresh = refresh;
      return this.#add(rows, overflow, nowMs);
    });
  }

  fit(): Promise<number> {
    return this.#alone('fit', () => this.#list.endSmallest(this.#pacer));
  }

  reconfigure(endsAll: boolean): Promise<void> {
    return this.#alone('reconfigure', async () => {
      this.#copyAddress = createAddressCopy(this.#options);
      if (endsAll) await this.#list.endAll('reloaded', this.#pacer);
    });
  }

  beginAnew(): Promise<void> {
    return this.#alone('beginAnew', () => this.#list.beginAnew(this.#pacer));
  }

  exportState(options: PairsExport): Promise<StateColumns> {
    const times = { elapsedMs: this.#elapsedMs, refreshedMs: this.#refreshedMs };
    const tables = { list: this.#list, others: this.#others };
    return this.#alone('exportState', () => exportPairs(tables, times, options, this.#pacer));
  }

  importState(columns: StateColumns, options: PairsImport): Promise<PairsTaken | StateProblem> {
    return this.#alone('importState', async () => {
      const { maxPairs, perQueuePair } = this.#options;
      const taken = await importPairs(columns, options, {
        ...{ list: this.#list, others: this.#others, room: this.#room },
        ...{ hash: this.#hash, maxPairs, perQueuePair, pacer: this.#pacer },
      });
      if ('problem' in taken) return taken;
      const { refreshedMs, ...rest } = taken;
      this.#refreshedMs = refreshedMs;
      return rest;
    });
  }

  async #alone<T>(name: string, task: () => Promise<T>): Promise<T> {
    if (this.#pending) throw new Error(`RoCE pairs: ${name}() was called while the former call is pending`);
    this.#pending = true;
    try {
      return await task();
    } finally {
      this.#pending = false;
    }
  }

  async #add(rows: RoceRows, overflow: readonly RoceOverflowRow[], nowMs: number): Promise<void> {
    const lastMs = this.#refreshedMs ?? nowMs - this.#options.intervalMs;
    if (this.#refreshedMs !== undefined) this.#elapsedMs += Math.max(0, nowMs - lastMs);
    this.#refreshedMs = nowMs;
    // The first packets of a new pair came after the last refresh.
    this.#startedMs = Math.min(lastMs, nowMs);
    for (const { interfaceId, version, packets, bytes } of overflow) {
      if (version === ROCE_UNBOOKED) this.#others.unbookedPackets += packets;
      else this.#others.add(interfaceId, version, 'map_full', packets, bytes);
    }
    const { pairs, paths } = this.#list;
    await this.#slices(paths.length, PATH_NS, (i) => paths[i]?.beginInterval());

    this.#newcomerCount = 0;
    if (this.#newcomers.length < rows.length) this.#newcomers = new Uint32Array(rows.length);
    await this.#slices(rows.length, ROW_NS, (i) => this.#bookKnown(rows, i));
    // From the end: a pair that ends is replaced in the list by one that was looked at before.
    const { length } = pairs;
    await this.#slices(length, PAIR_NS, (i) => this.#endIfIdle(length - 1 - i));
    // Only now: newcomers may have the places of those that ended.
    await this.#slices(this.#newcomerCount, NEWCOMER_NS, (i) =>
      this.#bookNewcomer(rows, this.#newcomers[i] ?? 0),
    );
    const { spreads } = rows;
    await this.#slices(spreads.length, ROW_NS, (i) => this.#bookSpread(spreads[i] as PortSpread)); // i < length
  }

  async #slices(count: number, stepNs: number, step: (i: number) => void): Promise<void> {
    await this.#pacer.run(count, stepNs, (from, to) => {
      for (let i = from; i < to; i++) step(i);
    });
  }

  #bookKnown(rows: RoceRows, row: number): void {
    if (rows.cellsOf(row).every((count, cell) => count === 0 || cell === ROCE_CELL.port)) return;
    const path = this.#findPath(rows.keys, row * ROCE_KEY_WORDS);
    const pair = path?.pairs.get(this.#queuePairOf(rows.keys, row * ROCE_KEY_WORDS));
    if (pair === undefined) this.#newcomers[this.#newcomerCount++] = row;
    else this.#book(rows, row, pair.path, pair);
  }

  #bookNewcomer(rows: RoceRows, row: number): void {
    const wordOffset = row * ROCE_KEY_WORDS;
    const path = this.#findPath(rows.keys, wordOffset);
    const queuePair = this.#queuePairOf(rows.keys, wordOffset);
    const pair = path?.pairs.get(queuePair) ?? this.#beginPair(rows, row, path, queuePair);
    this.#book(rows, row, pair?.path ?? path, pair);
  }

  /** To its pair, or to the others; and to the interval of its path, if that is shown. */
  #book(rows: RoceRows, row: number, path: RocePath<RocePair> | undefined, pair: RocePair | undefined): void {
    const { keys } = rows;
    const cells = rows.cellsOf(row);
    const wordOffset = row * ROCE_KEY_WORDS;
    const version = roceVersionOf(keys, wordOffset);
    const transport = transportOf(keys, wordOffset);
    const bytes = cells[ROCE_CELL.bytes] ?? 0;
    const room = this.#room;
    const fits = pair === undefined || room?.fitsRow(pair, keys, wordOffset, cells) !== false;
    if (fits && pair?.add(keys, wordOffset, cells)) {
      room?.takeRow(pair);
      pair.lastSeenMs = this.#elapsedMs;
      pair.changedIn = this.#refresh;
    } else {
      const bookVersion = transport === ROCE_TRANSPORT.malformed ? 0 : version;
      const interfaceId = streamInterfaceIdOf(keys, wordOffset);
      const packets = cells[ROCE_CELL.packets] ?? 0;
      this.#others.add(interfaceId, bookVersion, 'max_pairs', packets, bytes);
    }
    const queuePair = streamQueuePairOf(keys, wordOffset);
    if (
      path !== undefined &&
      (bytes > 0 || cells[ROCE_CELL.packets] !== 0) && // else the order alone of what was counted before
      queuePair > MANAGEMENT_QUEUE_PAIR_MAX &&
      transport !== ROCE_TRANSPORT.cnp &&
      transport !== ROCE_TRANSPORT.malformed
    ) {
      const port = cells[ROCE_CELL.port] ?? 0;
      const known = (port & PORT_KNOWN) === 0 ? undefined : port ^ PORT_KNOWN;
      path.addToInterval(queuePair, bytes, known, bytes - (cells[ROCE_CELL.strayedBytes] ?? 0));
    }
  }

  /** To the interval of its path, if that is shown. */
  #bookSpread({ key, bytes }: PortSpread): void {
    if (streamQueuePairOf(key, 0) > MANAGEMENT_QUEUE_PAIR_MAX) this.#findPath(key, 0)?.addSpread(bytes);
  }

  #queuePairOf(keys: Uint32Array, wordOffset: number): number {
    return this.#options.perQueuePair ? streamQueuePairOf(keys, wordOffset) : 0;
  }

  /** Leaves the row's key and hash for #beginPair(). */
  #findPath(keys: Uint32Array, wordOffset: number): RocePath<RocePair> | undefined {
    const key = this.#key;
    this.#copyAddress(keys, wordOffset, key, 0);
    this.#copyAddress(keys, wordOffset + ADDRESS_WORDS, key, ADDRESS_WORDS);
    key[2 * ADDRESS_WORDS] = streamInterfaceIdOf(keys, wordOffset);
    this.#keyHash = this.#hash(key, 0);
    return this.#list.findPath(this.#keyHash, key);
  }

  /** undefined where there is no room for it. */
  #beginPair(
    rows: RoceRows,
    row: number,
    known: RocePath<RocePair> | undefined,
    queuePair: number,
  ): RocePair | undefined {
    if (this.#list.pairs.length >= this.#options.maxPairs) {
      this.#bound?.note('max_pairs');
      return undefined;
    }
    const [key, hash] = [this.#key, this.#keyHash];
    const path = known ?? new RocePath(key[2 * ADDRESS_WORDS] ?? 0, key.slice(0, 2 * ADDRESS_WORDS), hash);
    const pair = new RocePair(path, queuePair, this.#startedMs);
    const { perQueuePair } = this.#options;
    if (
      this.#room?.takePair(
        pair,
        known === undefined,
        perQueuePair,
        rows.keys,
        row * ROCE_KEY_WORDS,
        rows.cellsOf(row),
      ) === false
    )
      return undefined;
    this.#list.add(pair, known === undefined);
    return pair;
  }

  #endIfIdle(place: number): void {
    const pair = this.#list.pairs[place];
    if (pair === undefined) return;
    const { idleTimeoutMs, intervalMs } = this.#options;
    const overdueMs = this.#elapsedMs - pair.lastSeenMs - Math.max(idleTimeoutMs, 2 * intervalMs);
    if (overdueMs <= 0 || !this.#mayEnd(pair, pair.changedIn, overdueMs)) return;
    this.#list.end(pair, 'expired');
  }
}
