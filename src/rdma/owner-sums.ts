// SPDX-License-Identifier: Apache-2.0
// What XDP counts of RoCE, added up by who has the queue pair that it went to. A drain's counts wait for the reading
// of queue pairs that follows it: only that one knows those that were made meanwhile. Whatever is noted is in a sum, or
// waits and is shown as such.

import { ENDED_OWNER, type OwnerLabels, UNKNOWN_OWNER } from './owner-register.js';

/** Since the first was noted. */
export interface OwnedCounts {
  bytes: number;
  cePackets: number;
  naks: number;
  rnrNaks: number;
  retransmittedPackets: number;
}

export interface OwnedRow {
  readonly interfaceName: string;
  readonly owner: OwnerLabels;
  readonly counts: Readonly<OwnedCounts>;
}

export interface OwnerSumsView {
  readonly rows: readonly OwnedRow[];
  /** Bytes that are in no row as yet, by interface. */
  readonly waitingBytes: ReadonlyMap<string, number>;
}

/** Who has a queue pair of an interface's devices. */
export type FindOwner = (interfaceName: string, queuePair: number) => OwnerLabels;

/** Queue pairs of which counts wait, of one interface; the rest is nobody's. */
const MOST_WAITING = 65_536;
/** Of those beyond. */
const NO_QUEUE_PAIR = -1;

type Waiting = Map<string, Map<number, OwnedCounts>>;

export class OwnerSums {
  #open: Waiting = new Map();
  #sealed: Waiting = new Map();
  /** What a new row shows only after it has shown 0. */
  #held: { row: OwnedCounts; counts: OwnedCounts; interfaceName: string }[] = [];
  /** By interface. */
  readonly #rows = new Map<string, Map<OwnerLabels, OwnedCounts>>();
  /** Those of them that nobody has seen as yet. */
  readonly #begun = new Set<OwnedCounts>();

  /** Of a drain. */
  note(interfaceName: string, queuePair: number, counts: Readonly<OwnedCounts>): void {
    const ofInterface = rowsOf(this.#open, interfaceName);
    const isFull = ofInterface.size >= MOST_WAITING && !ofInterface.has(queuePair);
    const key = isFull ? NO_QUEUE_PAIR : queuePair;
    const known = ofInterface.get(key);
    if (known === undefined) ofInterface.set(key, { ...counts });
    else add(known, counts);
  }

  /** What was noted until now belongs to the reading that begins now. */
  seal(): void {
    for (const [interfaceName, queuePairs] of this.#open) {
      const sealed = rowsOf(this.#sealed, interfaceName);
      for (const [queuePair, counts] of queuePairs) {
        const known = sealed.get(queuePair);
        if (known === undefined) sealed.set(queuePair, counts);
        else add(known, counts);
      }
    }
    this.#open = new Map();
  }

  /** That reading is over. */
  settle(findOwner: FindOwner): void {
    for (const { row, counts } of this.#held) add(row, counts);
    this.#held = [];
    this.#begun.clear();
    for (const [interfaceName, queuePairs] of this.#sealed) {
      for (const [queuePair, counts] of queuePairs) {
        const owner = queuePair === NO_QUEUE_PAIR ? UNKNOWN_OWNER : findOwner(interfaceName, queuePair);
        this.#book(interfaceName, owner, counts);
      }
    }
    this.#sealed = new Map();
  }

  /** What other interfaces have, and what waits of them, goes: they have no device, or nobody watches them any more. */
  retain(interfaceNames: ReadonlySet<string>): void {
    for (const all of [this.#open, this.#sealed, this.#rows]) {
      for (const name of all.keys()) if (!interfaceNames.has(name)) all.delete(name);
    }
    this.#held = this.#held.filter(({ interfaceName }) => interfaceNames.has(interfaceName));
  }

  /** An owner has no place any more: what it has goes to ENDED_OWNER, where a sum's leap is nobody's rate. */
  end(owner: OwnerLabels): void {
    for (const [interfaceName, rows] of this.#rows) {
      const counts = rows.get(owner);
      if (counts === undefined) continue;
      rows.delete(owner);
      this.#book(interfaceName, ENDED_OWNER, counts);
      const ended = this.#rowOf(interfaceName, ENDED_OWNER);
      for (const held of this.#held) if (held.row === counts) held.row = ended;
    }
  }

  #book(interfaceName: string, owner: OwnerLabels, counts: OwnedCounts): void {
    const row = this.#rowOf(interfaceName, owner);
    if (this.#begun.has(row)) this.#held.push({ row, counts, interfaceName });
    else add(row, counts);
  }

  #rowOf(interfaceName: string, owner: OwnerLabels): OwnedCounts {
    const rows = rowsOf(this.#rows, interfaceName);
    // From the beginning, so that what ends is never kept waiting for a 0.
    for (const one of [ENDED_OWNER, owner]) {
      if (rows.has(one)) continue;
      const row = noCounts();
      rows.set(one, row);
      this.#begun.add(row);
    }
    return rows.get(owner) ?? noCounts();
  }

  view(): OwnerSumsView {
    const rows = [...this.#rows].flatMap(([interfaceName, ofInterface]) =>
      [...ofInterface].map(([owner, counts]) => ({ interfaceName, owner, counts })),
    );
    const waitingBytes = new Map([...this.#rows.keys()].map((interfaceName) => [interfaceName, 0]));
    const addWaiting = (interfaceName: string, { bytes }: OwnedCounts): void => {
      waitingBytes.set(interfaceName, (waitingBytes.get(interfaceName) ?? 0) + bytes);
    };
    for (const waiting of [this.#open, this.#sealed]) {
      for (const [interfaceName, queuePairs] of waiting) {
        for (const counts of queuePairs.values()) addWaiting(interfaceName, counts);
      }
    }
    for (const { interfaceName, counts } of this.#held) addWaiting(interfaceName, counts);
    return { rows, waitingBytes };
  }
}

function rowsOf<Key>(all: Map<string, Map<Key, OwnedCounts>>, interfaceName: string): Map<Key, OwnedCounts> {
  const rows = all.get(interfaceName) ?? new Map<Key, OwnedCounts>();
  all.set(interfaceName, rows);
  return rows;
}

function noCounts(): OwnedCounts {
  return { bytes: 0, cePackets: 0, naks: 0, rnrNaks: 0, retransmittedPackets: 0 };
}

function add(sum: OwnedCounts, counts: Readonly<OwnedCounts>): void {
  sum.bytes += counts.bytes;
  sum.cePackets += counts.cePackets;
  sum.naks += counts.naks;
  sum.rnrNaks += counts.rnrNaks;
  sum.retransmittedPackets += counts.retransmittedPackets;
}
