// SPDX-License-Identifier: Apache-2.0
// The books as columns of a state, and back. What is pending is not among them: it follows from the series.

import { ANY_INTERFACE } from '../abi/row-key.js';
import { ColumnReader, type NumberedNames, type StateColumns } from '../state-columns.js';
import type { Books } from './books.js';
import { type BooksView, OTHER_REASONS, type OtherReason } from './views.js';

/** An interface's number in a state: its place among the names, or ANY_INTERFACE. */
export function interfaceIndex(interfaces: NumberedNames, interfaceId: number): number {
  return interfaceId === ANY_INTERFACE ? ANY_INTERFACE : interfaces.indexOf(interfaceId);
}

export function exportBooks(books: BooksView, interfaces: NumberedNames): StateColumns {
  // A row of pending for each ledger, those of merged flows among them, whose totals are 0.
  const ledgers = books.pending.map(({ interfaceId, kind }) => `${interfaceId} ${kind}`);
  const ledgerOf = new Map(ledgers.map((name, i) => [name, i]));
  const carried = new Float64Array(2 * ledgers.length);
  for (const { interfaceId, kind, packets, bytes } of books.interfaces) {
    carried.set([packets, bytes], 2 * (ledgerOf.get(`${interfaceId} ${kind}`) ?? 0));
  }
  const counts = (rows: readonly { readonly packets: number; readonly bytes: number }[]): Float64Array =>
    Float64Array.from(rows.flatMap(({ packets, bytes }) => [packets, bytes]));
  return {
    'books.ledgers': Uint32Array.from(
      books.pending.flatMap(({ interfaceId, kind }) => [interfaceIndex(interfaces, interfaceId), kind]),
    ),
    'books.carried': carried,
    'books.others': Uint32Array.from(
      books.others.flatMap(({ interfaceId, kind, reason }) => [
        ledgerOf.get(`${interfaceId} ${kind}`) ?? 0,
        OTHER_REASONS.indexOf(reason),
      ]),
    ),
    'books.otherCounts': counts(books.others),
    'books.frameReasons': Uint32Array.from(
      books.frameReasons.flatMap(({ interfaceId, reason }) => [interfaces.indexOf(interfaceId), reason]),
    ),
    'books.frameReasonCounts': counts(books.frameReasons),
  };
}

/** What readBooks() found. */
export interface BooksState {
  readonly ledgers: Uint32Array;
  readonly carried: Float64Array;
  readonly others: Uint32Array;
  readonly otherCounts: Float64Array;
  readonly frameReasons: Uint32Array;
  readonly frameReasonCounts: Float64Array;
  readonly problem: string | undefined;
}

/** Kinds and frame reasons have a byte in the kernel. */
const BYTE_VALUES = 256;

/** interfaceCount: names that the state has. */
export function readBooks(columns: StateColumns, interfaceCount: number, reasonCount: number): BooksState {
  const reader = new ColumnReader(columns, 'books.');
  const ledgers = reader.words('ledgers', 2);
  const others = reader.words('others', 2);
  const frameReasons = reader.words('frameReasons', 2);
  reader.indexes(
    ledgers.filter((word, i) => i % 2 === 0 && word !== ANY_INTERFACE),
    1,
    0,
    interfaceCount,
    'ledgers',
  );
  reader.indexes(ledgers, 2, 1, BYTE_VALUES, 'ledgers');
  reader.indexes(others, 2, 0, ledgers.length / 2, 'others');
  reader.indexes(others, 2, 1, reasonCount, 'others');
  reader.indexes(frameReasons, 2, 0, interfaceCount, 'frameReasons');
  reader.indexes(frameReasons, 2, 1, BYTE_VALUES, 'frameReasons');
  const carried = reader.doubles('carried', 2, ledgers.length / 2);
  const otherCounts = reader.doubles('otherCounts', 2, others.length / 2);
  const frameReasonCounts = reader.doubles('frameReasonCounts', 2, frameReasons.length / 2);
  const { problem } = reader;
  return { ledgers, carried, others, otherCounts, frameReasons, frameReasonCounts, problem };
}

/** Into books that have counted nothing. interfaceIds: by the state's index. */
export function importBooks(
  state: BooksState,
  books: Books,
  interfaceIds: readonly number[],
  reasons: readonly OtherReason[],
): void {
  const idOf = (index: number): number =>
    index === ANY_INTERFACE ? ANY_INTERFACE : (interfaceIds[index] ?? 0);
  const numbers: number[] = [];
  const { ledgers, carried, others, otherCounts, frameReasons, frameReasonCounts } = state;
  for (let i = 0; i < ledgers.length; i += 2) {
    const number = books.ledgerNumber(idOf(ledgers[i] ?? 0), ledgers[i + 1] ?? 0);
    numbers.push(number);
    books.addCarried(number, carried[i] ?? 0, carried[i + 1] ?? 0);
  }
  for (let i = 0; i < others.length; i += 2) {
    const reason = reasons[others[i + 1] ?? 0] ?? 'expired';
    books.addOther(numbers[others[i] ?? 0] ?? 0, reason, otherCounts[i] ?? 0, otherCounts[i + 1] ?? 0);
  }
  for (let i = 0; i < frameReasons.length; i += 2) {
    const [packets, bytes] = [frameReasonCounts[i] ?? 0, frameReasonCounts[i + 1] ?? 0];
    books.addFrameReason(idOf(frameReasons[i] ?? 0), frameReasons[i + 1] ?? 0, packets, bytes);
  }
}
