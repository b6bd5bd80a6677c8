// SPDX-License-Identifier: Apache-2.0
// One pair: the totals of the streams between two addresses. It adds up what it is given, whole rows
// only; who is given a pair, and for how long, is for the table to say.

import { ROCE_CELL, ROCE_CELLS, ROCE_TRANSPORT } from '../abi/roce-records.js';
import {
  detailOf,
  dscpOf,
  pkeyOf,
  roceVersionOf,
  streamQueuePairOf,
  transportOf,
} from '../abi/roce-row-key.js';
import type { RocePath } from './roce-path.js';
import type { RocePairView, RocePsnCounts, RoceTraffic } from './views.js';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/**
 * A sender chooses versions, transports and DSCPs, 896 combinations, and P_Keys at will; a pair shows
 * no more than so many. What is beyond finds no room (combinations), or counts together (partitions).
 */
export const PAIR_TRAFFIC_MAX = 128;
export const PAIR_PARTITIONS_MAX = 16;
/** No P_Key, which has 16 bits: the packets of all partitions beyond PAIR_PARTITIONS_MAX. */
export const OTHER_PARTITIONS = -1;

/** Full member of the default partition (IBTA vol. 1, 10.9.1): what RoCE uses unless told otherwise. */
export const DEFAULT_PKEY = 0xffff;
/** QP 1: the general services interface, where connection managers talk (IBTA vol. 1, 13.5.1). */
const CM_QUEUE_PAIR = 1;

/** Whether the order of PSNs is watched: reliable and unreliable connections, and XRC. */
export function hasPsn(transport: number): boolean {
  return (
    transport === ROCE_TRANSPORT.rc || transport === ROCE_TRANSPORT.uc || transport === ROCE_TRANSPORT.xrc
  );
}

export function noPsnCounts(): Writable<RocePsnCounts> {
  return {
    gaps: 0,
    gapPackets: 0,
    rewinds: 0,
    retransmitted: 0,
    resyncs: 0,
    late: 0,
    lost: 0,
    duplicates: 0,
    captureLost: 0,
    unjudged: 0,
  };
}

export class RocePair implements RocePairView {
  readonly path: RocePath<RocePair>;
  readonly queuePair: number;
  readonly startedMs: number;
  readonly cells = new Float64Array(ROCE_CELLS);
  readonly traffic: Writable<RoceTraffic>[] = [];
  readonly psn = new Map<number, Writable<RocePsnCounts>>();
  readonly malformed = new Map<number, number>();
  readonly partitions = new Map<number, number>();
  malformedPackets = 0;
  malformedBytes = 0;
  cnpPackets = 0;
  cmMessages = 0;
  fecnPackets = 0;
  becnPackets = 0;
  /** On the table's clock. */
  lastSeenMs = 0;
  /** Number of the refresh that brought it something last. */
  changedIn = 0;
  /** In the table's list. */
  place = 0;
  /** Of an exposition, as PairRoom has it: labels without host_ip, all lines, and their bytes. */
  labelBytes = 0;
  shownLines = 0;
  shownBytes = 0;

  constructor(path: RocePath<RocePair>, queuePair: number, startedMs: number) {
    this.path = path;
    this.queuePair = queuePair;
    this.startedMs = startedMs;
  }

  /**
   * Adds a row of RoceRows: its key from keys[wordOffset], its ROCE_CELLS counts in `cells`. False,
   * and nothing added, where it would be one combination too many.
   */
  add(keys: Uint32Array, wordOffset: number, cells: Float64Array): boolean {
    const transport = transportOf(keys, wordOffset);
    const packets = cells[ROCE_CELL.packets] ?? 0;
    const bytes = cells[ROCE_CELL.bytes] ?? 0;
    if (transport === ROCE_TRANSPORT.malformed) {
      const reason = detailOf(keys, wordOffset);
      this.malformed.set(reason, (this.malformed.get(reason) ?? 0) + packets);
      this.malformedPackets += packets;
      this.malformedBytes += bytes;
    } else {
      const traffic = this.#trafficOf(roceVersionOf(keys, wordOffset), transport, dscpOf(keys, wordOffset));
      if (traffic === undefined) return false;
      traffic.packets += packets;
      traffic.bytes += bytes;
      traffic.payloadBytes += cells[ROCE_CELL.payloadBytes] ?? 0;
      this.#addHeaders(transport, keys, wordOffset, cells);
    }
    const sums = this.cells;
    for (let cell = 0; cell < ROCE_CELLS; cell++) {
      if (cell !== ROCE_CELL.port) sums[cell] = (sums[cell] ?? 0) + (cells[cell] ?? 0);
    }
    return true;
  }

  hasTraffic(version: number, transport: number, dscp: number): boolean {
    return this.#findTraffic(version, transport, dscp) !== undefined;
  }

  #findTraffic(version: number, transport: number, dscp: number): Writable<RoceTraffic> | undefined {
    for (const one of this.traffic) {
      if (one.dscp === dscp && one.transport === transport && one.version === version) return one;
    }
    return undefined;
  }

  #trafficOf(version: number, transport: number, dscp: number): Writable<RoceTraffic> | undefined {
    const known = this.#findTraffic(version, transport, dscp);
    if (known !== undefined) return known;
    if (this.traffic.length >= PAIR_TRAFFIC_MAX) return undefined;
    const begun = { version, transport, dscp, packets: 0, bytes: 0, payloadBytes: 0 };
    this.traffic.push(begun);
    return begun;
  }

  /** What depends on fields of the key beside the sums. */
  #addHeaders(transport: number, keys: Uint32Array, wordOffset: number, cells: Float64Array): void {
    const packets = cells[ROCE_CELL.packets] ?? 0;
    const pkey = pkeyOf(keys, wordOffset);
    if (pkey !== DEFAULT_PKEY) this.#addToPartition(pkey, packets);
    if (transport === ROCE_TRANSPORT.cnp) {
      this.cnpPackets += packets;
    } else {
      this.fecnPackets += cells[ROCE_CELL.fecn] ?? 0;
      this.becnPackets += cells[ROCE_CELL.becn] ?? 0;
    }
    if (transport === ROCE_TRANSPORT.ud && streamQueuePairOf(keys, wordOffset) === CM_QUEUE_PAIR) {
      this.cmMessages += packets;
    }
    if (hasPsn(transport)) this.#addPsn(transport, cells);
  }

  #addToPartition(pkey: number, packets: number): void {
    const isFull = this.partitions.size >= PAIR_PARTITIONS_MAX && !this.partitions.has(pkey);
    const key = isFull ? OTHER_PARTITIONS : pkey;
    this.partitions.set(key, (this.partitions.get(key) ?? 0) + packets);
  }

  #addPsn(transport: number, cells: Float64Array): void {
    let psn = this.psn.get(transport);
    if (psn === undefined) {
      psn = noPsnCounts();
      this.psn.set(transport, psn);
    }
    psn.gaps += cells[ROCE_CELL.psnGaps] ?? 0;
    psn.gapPackets += cells[ROCE_CELL.psnGapPackets] ?? 0;
    psn.rewinds += cells[ROCE_CELL.psnRewinds] ?? 0;
    psn.retransmitted += cells[ROCE_CELL.psnRetransmitted] ?? 0;
    psn.resyncs += cells[ROCE_CELL.psnResyncs] ?? 0;
    psn.late += cells[ROCE_CELL.psnLate] ?? 0;
    psn.lost += cells[ROCE_CELL.psnLost] ?? 0;
    psn.duplicates += cells[ROCE_CELL.psnDuplicates] ?? 0;
    psn.captureLost += cells[ROCE_CELL.psnCaptureLost] ?? 0;
    psn.unjudged += cells[ROCE_CELL.psnUnjudged] ?? 0;
  }
}
