// SPDX-License-Identifier: Apache-2.0
// What flow accounts hand over to the next process, and how they go on from what a former one had counted.
// Series that would have other labels, or that nobody wants any more, end: their counts stay in the books.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import { interfaceIdOf, kindOf } from '../abi/row-key.js';
import type { Pacer } from '../pacer.js';
import {
  ColumnReader,
  jsonColumn,
  NumberedNames,
  type StateColumns,
  type StateNames,
  type StateNumbers,
  type StateProblem,
} from '../state-columns.js';
import { exportBooks, importBooks, readBooks } from './books-state.js';
import type { FlowFilter } from './filter.js';
import type { KeyHash } from './key-hash.js';
import type { SeriesKeeper } from './series-keeper.js';
import { copyStateKey, exportTable, readTable, type TableState } from './table-state.js';
import { OTHER_REASONS, type OtherReason, type SeriesEndReason } from './views.js';

/** What series of another process must have in common with ours to go on. */
export interface AccountsIdentity {
  /** Stands for all that labels show beside the key, and for what keys tell apart. */
  readonly labels: string;
  /** Stands for which flows are wanted. */
  readonly filter: string;
}

export interface AccountsExport {
  readonly identity: AccountsIdentity;
  /** Since when the books count: wall clock, milliseconds. */
  readonly startedMs: number;
  readonly names: StateNames;
}

export interface AccountsImport {
  readonly identity: AccountsIdentity;
  readonly numbers: StateNumbers;
}

/** What went on. */
export interface AccountsTaken {
  readonly startedMs: number;
  readonly series: number;
  /** Series that did not go on. */
  readonly ended: number;
}

/** On the accounts' clocks. */
export interface AccountsTimes {
  readonly elapsedMs: number;
  /** Wall clock; undefined before the first refresh. */
  readonly refreshedMs: number | undefined;
}

export async function exportAccounts(
  keeper: SeriesKeeper,
  { elapsedMs, refreshedMs }: AccountsTimes,
  { identity, startedMs, names }: AccountsExport,
  pacer: Pacer,
): Promise<StateColumns> {
  const interfaces = new NumberedNames((id) => names.interfaceName(id));
  const networks = new NumberedNames((number) => names.networkName(number));
  const columns = {
    ...(await exportTable(keeper.table, elapsedMs, { interfaces, networks }, pacer)),
    ...exportBooks(keeper.books, interfaces),
  };
  const facts = {
    ...identity,
    startedMs,
    ...(refreshedMs === undefined ? {} : { refreshedMs }),
    interfaces: interfaces.names,
    networks: networks.names,
    reasons: OTHER_REASONS,
  };
  return { 'flows.facts': jsonColumn(facts), ...columns };
}

/** Prices of a step, nanoseconds (bench/state.ts). */
const IMPORT_NS = 1000;

export interface AccountsImportParts {
  /** That has counted nothing. */
  readonly keeper: SeriesKeeper;
  readonly keep: FlowFilter;
  /** Whether keys have lost what the filter goes by. */
  readonly isMerged: boolean;
  readonly hash: KeyHash;
  readonly pacer: Pacer;
}

/** Takes over all, or nothing where there is a problem. */
export async function importAccounts(
  columns: StateColumns,
  { identity, numbers }: AccountsImport,
  parts: AccountsImportParts,
): Promise<(AccountsTaken & { readonly refreshedMs: number | undefined }) | StateProblem> {
  const reader = new ColumnReader(columns, 'flows.');
  const facts = reader.json('facts');
  const startedMs = reader.number(facts['startedMs'], 'startedMs');
  const refreshedMs =
    facts['refreshedMs'] === undefined ? undefined : reader.number(facts['refreshedMs'], 'refreshedMs');
  const interfaces = reader.texts(facts['interfaces'], 'interfaces');
  const networks = reader.texts(facts['networks'], 'networks');
  const reasons = reader
    .texts(facts['reasons'], 'reasons')
    .map((name) => OTHER_REASONS.find((one) => one === name));
  if (reasons.includes(undefined)) reader.fail('it has a reason that this version does not know');
  const table = readTable(columns, { interfaces: interfaces.length, networks: networks.length });
  const books = readBooks(columns, interfaces.length, reasons.length);
  const problem = reader.problem ?? table.problem ?? books.problem;
  if (problem !== undefined) return { problem };

  const interfaceIds = interfaces.map((name) => numbers.interfaceId(name));
  const networkNumbers = networks.map((name) => numbers.networkNumber(name));
  importBooks(books, parts.keeper.books, interfaceIds, reasons as OtherReason[]); // none is undefined
  const wants = whatGoesOn(identity, facts, parts);
  const ended = await importSeries(table, { interfaceIds, networkNumbers }, wants, parts);
  return { startedMs, refreshedMs, series: table.count - ended, ended };
}

function whatGoesOn(
  identity: AccountsIdentity,
  facts: Readonly<Record<string, unknown>>,
  { keep, isMerged }: AccountsImportParts,
): FlowFilter {
  if (facts['labels'] !== identity.labels) return () => false;
  if (facts['filter'] === identity.filter) return () => true;
  return isMerged ? () => false : keep;
}

/** Returns how many did not go on. */
async function importSeries(
  state: TableState,
  numbers: Parameters<typeof copyStateKey>[2],
  wants: FlowFilter,
  { keeper, hash, pacer }: AccountsImportParts,
): Promise<number> {
  const { table, books } = keeper;
  const hasRoom = largest(state.recentBytes, table.maxSeries);
  await table.reserve(Math.min(state.count, table.maxSeries), pacer);
  const key = new Uint32Array(FLOW_ROW_WORDS);
  let ended = 0;
  const importOne = (row: number): void => {
    copyStateKey(state, row, numbers, key);
    const [packets, bytes] = [state.packets[row] ?? 0, state.bytes[row] ?? 0];
    const ledger = books.ledgerNumber(interfaceIdOf(key, 0), kindOf(key, 0));
    let reason: SeriesEndReason | undefined;
    // Two names of interfaces or networks may have come to be one number.
    if (!wants(key, 0) || table.find(key, 0, hash(key, 0)) >= 0) reason = 'expired';
    else if (!hasRoom(row)) reason = 'max_series';
    if (reason !== undefined) {
      books.addOther(ledger, reason, packets, bytes);
      ended++;
      return;
    }
    keeper.restore(key, {
      packets,
      bytes,
      ledger,
      startedMs: state.startedMs[row] ?? 0,
      idleMs: state.idleMs[row] ?? 0,
      recentBytes: state.recentBytes[row] ?? 0,
      holdLeftMs: state.holdLeftMs[row] ?? 0,
    });
  };
  for (let from = 0; from < state.count; ) {
    const to = Math.min(state.count, from + pacer.stepsLeft(IMPORT_NS));
    await table.labels.reserve(to - from, table, pacer);
    for (let row = from; row < to; row++) importOne(row);
    await pacer.spend((to - from) * IMPORT_NS);
    from = to;
  }
  return ended;
}

/** Asked once for each place: whether its value is among the `most` largest; of equal ones the first are. */
function largest(values: Float64Array, most: number): (place: number) => boolean {
  if (values.length <= most) return () => true;
  const sorted = values.slice().sort();
  const least = sorted[values.length - most] ?? 0;
  let ties = 0;
  for (let i = values.length - most; i < sorted.length && sorted[i] === least; i++) ties++;
  return (place) => {
    const value = values[place] ?? 0;
    if (value !== least) return value > least;
    ties--;
    return ties >= 0;
  };
}
