// SPDX-License-Identifier: Apache-2.0
// All that waits to be sent: a queue in memory and, where there is one, the spool on disk, as one
// line in the order of sequence numbers.
//
// Memory is for a receiver that works. When it is away or slow, when the queue is half full, while
// the spool is not empty, and at a stop, everything moves to the spool at once, the batch that is
// being sent included: so kill -9 loses no more than what is being compressed or written then. A
// receiver that works costs no write at all.

import type { Batch, BatchSummary } from './batch.js';
import { MemoryQueue } from './memory-queue.js';
import type { DropReason } from './push-stats.js';
import type { AppendEvents, Spool } from './spool.js';
import type { SpoolTotals } from './spool-index.js';

export interface BacklogOptions {
  readonly queueMaxBytes: number;
}

export interface BacklogParts {
  /** undefined: everything waits in memory. */
  readonly spool: Spool | undefined;
  nowMs(): number;
  onDropped(reason: DropReason, samples: number): void;
  onSpooled(samples: number): void;
  /** undefined: it works again. Told at each change, and at each failure. */
  onSpoolState(error: unknown): void;
  /** Something that is no batch stood in the spool, and no sample was lost over it. */
  onSetAside(sentence: string): void;
}

export type Taken =
  | { readonly kind: 'batch'; readonly batch: Batch; readonly isReplay: boolean }
  /** Its file is not what was written; it is to be finished. */
  | { readonly kind: 'damaged'; readonly sentence: string }
  /** What stood under its name was no file of ours, and is set aside; it is to be finished. */
  | { readonly kind: 'stranger'; readonly sentence: string }
  /** Its file cannot be read for now. */
  | { readonly kind: 'unreadable'; readonly sentence: string }
  /** It had to make room. */
  | { readonly kind: 'gone' };

/** A spool that failed is left alone for so long; batches wait in memory meanwhile. */
const SPOOL_PAUSE_MS = 10_000;
const NO_SPOOL: SpoolTotals = { batches: 0, samples: 0, bytes: 0 };

export class Backlog {
  readonly #queue: MemoryQueue;
  readonly #parts: BacklogParts;
  readonly #spool: Spool | undefined;
  /** Being sent: neither half of the backlog may drop it meanwhile. */
  #held: number | undefined;
  /** Being written to the spool. */
  #moving: { readonly sequence: number; isFinished: boolean } | undefined;
  #moves: Promise<void> | undefined;
  #movesAll = false;
  #spoolPausedUntilMs = Number.NEGATIVE_INFINITY;

  constructor(options: BacklogOptions, parts: BacklogParts) {
    this.#queue = new MemoryQueue(options.queueMaxBytes);
    this.#parts = parts;
    this.#spool = parts.spool;
  }

  get queue(): { readonly bytes: number; readonly samples: number; readonly maxBytes: number } {
    return this.#queue;
  }

  get spool(): SpoolTotals {
    return this.#spool?.totals ?? NO_SPOOL;
  }

  /** Room for a payload that is about to be compressed; the oldest batches go for it. */
  reserve(bytes: number, samples: number): boolean {
    const stays = ({ sequence }: Batch): boolean =>
      sequence === this.#held || sequence === this.#moving?.sequence;
    const victims = this.#queue.reserve(bytes, samples, stays);
    for (const victim of victims ?? []) this.#parts.onDropped('queue_full', victim.samples);
    return victims !== undefined;
  }

  /** The payload is compressed, or given up where there is no batch. Its sequence number is the highest. */
  settle(reserved: { readonly bytes: number; readonly samples: number }, batch: Batch | undefined): void {
    this.#queue.release(reserved.bytes, reserved.samples);
    if (batch === undefined) return;
    this.#queue.push(batch);
    this.#move();
  }

  /** Whether everything is to go to the spool from now on; false where the receiver works. */
  keepOnDisk(movesAll: boolean): void {
    this.#movesAll = movesAll;
    if (movesAll) this.#move();
  }

  /** Resolves when nothing is being written, and nothing that should be is left. */
  async moved(): Promise<void> {
    while (this.#moves !== undefined) await this.#moves;
  }

  /** The oldest batch, or the oldest after this sequence number. */
  peek(after?: number): BatchSummary | undefined {
    const inMemory = this.#queue.oldest(after);
    const onDisk = this.#spool?.oldest(after);
    if (inMemory === undefined || onDisk === undefined) return inMemory ?? onDisk;
    return inMemory.sequence <= onDisk.sequence ? inMemory : onDisk;
  }

  /** The batch whole, to be sent; it stays until release() or finish(). Never rejects. */
  async take(sequence: number): Promise<Taken> {
    this.#held = sequence;
    const inMemory = this.#queue.get(sequence);
    if (inMemory !== undefined) return { kind: 'batch', batch: inMemory, isReplay: false };
    const entry = this.#spool?.oldest(sequence - 1);
    if (this.#spool === undefined || entry?.sequence !== sequence) return { kind: 'gone' };
    try {
      const read = await this.#spool.read(entry);
      if (typeof read === 'string') return { kind: 'damaged', sentence: `${entry.name}: ${read}` };
      if ('isStranger' in read) return { kind: 'stranger', sentence: read.sentence };
      return { kind: 'batch', batch: read, isReplay: true };
    } catch (error) {
      return { kind: 'unreadable', sentence: error instanceof Error ? error.message : String(error) };
    }
  }

  /** It is not being sent any more, and stays. */
  release(): void {
    this.#held = undefined;
  }

  /** It is delivered or dropped: it goes. */
  async finish(sequence: number): Promise<void> {
    this.#held = undefined;
    this.#queue.remove(sequence);
    if (this.#moving?.sequence === sequence) this.#moving.isFinished = true;
    await this.#removeFromSpool(sequence);
  }

  /** Takes out what is left in memory, oldest first. */
  takeQueue(): Batch[] {
    const taken: Batch[] = [];
    for (let batch = this.#queue.oldest(); batch !== undefined; batch = this.#queue.oldest()) {
      this.#queue.remove(batch.sequence);
      taken.push(batch);
    }
    return taken;
  }

  /** Drops what is left in memory. */
  dropQueue(reason: DropReason): void {
    for (let batch = this.#queue.oldest(); batch !== undefined; batch = this.#queue.oldest()) {
      this.#queue.remove(batch.sequence);
      this.#parts.onDropped(reason, batch.samples);
    }
  }

  #shouldMove(spool: Spool): boolean {
    if (this.#queue.length === 0 || this.#parts.nowMs() < this.#spoolPausedUntilMs) return false;
    return this.#movesAll || spool.totals.batches > 0 || this.#queue.bytes > this.#queue.maxBytes / 2;
  }

  /** Starts moving, if there is something to move and nobody does so yet. One write at a time. */
  #move(): void {
    const spool = this.#spool;
    if (spool === undefined || this.#moves !== undefined || !this.#shouldMove(spool)) return;
    this.#moves = this.#moveAll(spool).finally(() => {
      this.#moves = undefined;
    });
  }

  async #moveAll(spool: Spool): Promise<void> {
    while (this.#shouldMove(spool)) {
      const batch = this.#queue.oldest();
      if (batch === undefined) return;
      const moving = { sequence: batch.sequence, isFinished: false };
      this.#moving = moving;
      const isBeingSent = (sequence: number): boolean => sequence === this.#held;
      const result = await spool.append(batch, this.#eventsOf(batch, moving), isBeingSent);
      this.#moving = undefined;
      if (!result.stored) {
        this.#spoolPausedUntilMs = this.#parts.nowMs() + SPOOL_PAUSE_MS;
        this.#parts.onSpoolState(result.error);
        return;
      }
      this.#parts.onSpoolState(undefined);
    }
  }

  #eventsOf(batch: Batch, moving: { readonly isFinished: boolean }): AppendEvents {
    return {
      onStored: () => {
        if (moving.isFinished) {
          void this.#removeFromSpool(batch.sequence); // it never rejects
        } else {
          this.#queue.remove(batch.sequence);
          this.#parts.onSpooled(batch.samples);
        }
      },
      onRemoved: (entry, reason) => this.#parts.onDropped(reason, entry.samples),
      onSetAside: (sentence) => this.#parts.onSetAside(sentence),
    };
  }

  async #removeFromSpool(sequence: number): Promise<void> {
    try {
      const setAside = await this.#spool?.remove(sequence);
      if (setAside !== undefined) this.#parts.onSetAside(setAside);
    } catch (error) {
      // The index has forgotten it; the file may be sent again after a restart, which does no harm.
      this.#parts.onSpoolState(error);
    }
  }
}
