// SPDX-License-Identifier: Apache-2.0
// Totals since start: what each interface carried by kind, and what of it is in no series. Rows never go
// and never count down, but for what is pending: in a series that shows 0 as yet. It decides nothing.

import { ANY_KIND, KIND } from '../abi/kinds.js';
import { ANY_INTERFACE } from '../abi/row-key.js';
import type { OtherReason } from './views.js';
import { type BookRow, type BooksView, type FrameReasonRow, OTHER_REASONS, type OtherRow } from './views.js';

type Writable<T> = { -readonly [Field in keyof T]: T[Field] };

/** All rows of one (interface, kind). */
interface Ledger {
  readonly total: Writable<BookRow>;
  readonly pending: Writable<BookRow>;
  /** Index = reason's place in OTHER_REASONS. */
  readonly others: (Writable<OtherRow> | undefined)[];
}

export class Books implements BooksView {
  readonly interfaces: Writable<BookRow>[] = [];
  readonly pending: Writable<BookRow>[] = [];
  readonly others: Writable<OtherRow>[] = [];
  readonly frameReasons: Writable<FrameReasonRow>[] = [];

  readonly #ledgers: Ledger[] = [];
  /** Numbers of those for flows that do not tell interfaces or kinds apart. */
  readonly #merged: number[] = [];
  /** interface id -> kind -> number of the ledger. */
  readonly #ledgerNumbers = new Map<number, number[]>();
  /** interface id -> reason -> row. */
  readonly #reasonRows = new Map<number, Writable<FrameReasonRow>[]>();

  /** The number of an (interface, kind), for the two methods below; opens its ledger at need. */
  ledgerNumber(interfaceId: number, kind: number): number {
    let byKind = this.#ledgerNumbers.get(interfaceId);
    if (byKind === undefined) {
      byKind = [];
      this.#ledgerNumbers.set(interfaceId, byKind);
    }
    const known = byKind[kind];
    if (known !== undefined) return known;
    const number = this.#ledgers.length;
    byKind[kind] = number;
    const total = { interfaceId, kind, packets: 0, bytes: 0 };
    const pending = { ...total };
    // What flows do not tell apart is in series, pending and other alone: interfaces have it by what it was.
    if (interfaceId === ANY_INTERFACE || kind === ANY_KIND) this.#merged.push(number);
    else this.interfaces.push(total);
    this.pending.push(pending);
    this.#ledgers.push({ total, pending, others: OTHER_REASONS.map(() => undefined) });
    return number;
  }

  /** The interface carried this much. Whoever calls it also adds to a series or to addOther(). */
  addCarried(ledgerNumber: number, packets: number, bytes: number): void {
    const { total } = this.#ledger(ledgerNumber);
    total.packets += packets;
    total.bytes += bytes;
  }

  /**
   * An interface carried this much in packets of a kind, of flows that do not tell one of the two apart and
   * count under `to`, where addCarried() is still to follow.
   */
  addMerged(from: number, to: number, packets: number, bytes: number): void {
    this.addCarried(from, packets, bytes);
    this.addCarried(to, -packets, -bytes);
  }

  /** Books what addMerged() announced and a fault kept from following. */
  closeMerged(): void {
    for (const number of this.#merged) {
      const { packets, bytes } = this.#ledger(number).total;
      if (packets === 0 && bytes === 0) continue;
      this.addCarried(number, -packets, -bytes);
      this.addOther(number, 'max_series', -packets, -bytes);
    }
  }

  /** This much, already carried, is in a series that shows 0 as yet; negative where it does so no more. */
  addPending(ledgerNumber: number, packets: number, bytes: number): void {
    const { pending } = this.#ledger(ledgerNumber);
    pending.packets += packets;
    pending.bytes += bytes;
  }

  /** This much, already carried, is in no series. */
  addOther(ledgerNumber: number, reason: OtherReason, packets: number, bytes: number): void {
    const { total, others } = this.#ledger(ledgerNumber);
    const reasonNumber = OTHER_REASONS.indexOf(reason);
    let row = others[reasonNumber];
    if (row === undefined) {
      row = { interfaceId: total.interfaceId, kind: total.kind, reason, packets: 0, bytes: 0 };
      others[reasonNumber] = row;
      this.others.push(row);
    }
    row.packets += packets;
    row.bytes += bytes;
  }

  /** This much was carried and is in no series: addCarried() and addOther() in one. */
  addUnshown(interfaceId: number, kind: number, reason: OtherReason, packets: number, bytes: number): void {
    const ledgerNumber = this.ledgerNumber(interfaceId, kind);
    this.addCarried(ledgerNumber, packets, bytes);
    this.addOther(ledgerNumber, reason, packets, bytes);
  }

  /** This much was carried in frames of a kind without a flow, for `reason` of enum frame_reason. */
  addWithoutFlow(interfaceId: number, kind: number, reason: number, packets: number, bytes: number): void {
    this.addUnshown(interfaceId, kind, kind === KIND.nonIp ? 'non_ip' : 'malformed', packets, bytes);
    this.addFrameReason(interfaceId, reason, packets, bytes);
  }

  /** The second half of addWithoutFlow(), for what is booked by kind already. */
  addFrameReason(interfaceId: number, reason: number, packets: number, bytes: number): void {
    let byReason = this.#reasonRows.get(interfaceId);
    if (byReason === undefined) {
      byReason = [];
      this.#reasonRows.set(interfaceId, byReason);
    }
    let row = byReason[reason];
    if (row === undefined) {
      row = { interfaceId, reason, packets: 0, bytes: 0 };
      byReason[reason] = row;
      this.frameReasons.push(row);
    }
    row.packets += packets;
    row.bytes += bytes;
  }

  /** Their rows stay, at 0. Reasons of frames do not: nobody shows them by the address of the host. */
  beginAnew(): void {
    for (const row of [...this.#ledgers.map(({ total }) => total), ...this.pending, ...this.others]) {
      row.packets = 0;
      row.bytes = 0;
    }
  }

  #ledger(ledgerNumber: number): Ledger {
    const ledger = this.#ledgers[ledgerNumber];
    if (ledger === undefined) throw new RangeError(`books: there is no ledger ${ledgerNumber}`);
    return ledger;
  }
}
