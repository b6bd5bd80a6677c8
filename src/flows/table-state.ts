// SPDX-License-Identifier: Apache-2.0
// The series of the flow table as columns of a state, and back, row by row. Labels are no part of it: they are
// rendered anew from the key. Numbers of interfaces and networks become places among the state's names.

import { FLOW_ROW_WORDS } from '../abi/records.js';
import {
  ANY_INTERFACE,
  destinationNetworkOf,
  interfaceIdOf,
  ipVersionOf,
  setInterface,
  setNetworks,
  sourceNetworkOf,
} from '../abi/row-key.js';
import type { Pacer } from '../pacer.js';
import { ColumnReader, type NumberedNames, type StateColumns } from '../state-columns.js';
import { interfaceIndex } from './books-state.js';
import { type FlowTable, NOT_HELD } from './flow-table.js';

/** Price of a series, nanoseconds: measured with 100,000 of them (bench/state.ts). */
const EXPORT_NS = 150;

/** Names of a state, which its numbers are places among. */
export interface StateNameTables {
  readonly interfaces: NumberedNames;
  readonly networks: NumberedNames;
}

/** nowMs: on the clock of table.lastSeenMs. */
export async function exportTable(
  table: FlowTable,
  nowMs: number,
  { interfaces, networks }: StateNameTables,
  pacer: Pacer,
): Promise<StateColumns> {
  const { count } = table;
  const keys = new Uint32Array(FLOW_ROW_WORDS * count);
  const columns = {
    packets: new Float64Array(count),
    bytes: new Float64Array(count),
    startedMs: new Float64Array(count),
    idleMs: new Float64Array(count),
    recentBytes: new Float64Array(count),
    /** NOT_HELD where it shows what it counted. */
    holdLeftMs: new Float64Array(count),
  };
  /** 0 is no network; the others count from 1. */
  const networkIndex = (number: number): number => (number === 0 ? 0 : 1 + networks.indexOf(number));
  await pacer.run(count, EXPORT_NS, (from, to) => {
    for (let i = from; i < to; i++) {
      const series = table.inUse[i] ?? 0;
      const source = series * FLOW_ROW_WORDS;
      const key = i * FLOW_ROW_WORDS;
      for (let word = 0; word < FLOW_ROW_WORDS; word++) keys[key + word] = table.keys[source + word] ?? 0;
      setInterface(keys, key, interfaceIndex(interfaces, interfaceIdOf(keys, key)), ipVersionOf(keys, key));
      const [src, dst] = [sourceNetworkOf(keys, key), destinationNetworkOf(keys, key)];
      if (src !== 0 || dst !== 0) setNetworks(keys, key, networkIndex(src), networkIndex(dst));
      columns.packets[i] = table.totalPackets[series] ?? 0;
      columns.bytes[i] = table.totalBytes[series] ?? 0;
      columns.startedMs[i] = table.startedMs[series] ?? 0;
      columns.idleMs[i] = Math.max(0, nowMs - (table.lastSeenMs[series] ?? 0));
      columns.recentBytes[i] = table.recentBytes[series] ?? 0;
      const holdEndsMs = table.holdEndsMs[series] ?? NOT_HELD;
      columns.holdLeftMs[i] = holdEndsMs === NOT_HELD ? NOT_HELD : Math.max(0, holdEndsMs - nowMs);
    }
  });
  const named = Object.entries(columns).map(([name, column]) => [`flows.${name}`, column] as const);
  return { 'flows.keys': keys, ...Object.fromEntries(named) };
}

/** What readTable() found; keys have numbers of the state. */
export interface TableState {
  readonly count: number;
  readonly keys: Uint32Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
  readonly startedMs: Float64Array;
  readonly idleMs: Float64Array;
  readonly recentBytes: Float64Array;
  readonly holdLeftMs: Float64Array;
  readonly problem: string | undefined;
}

/** How many names the state has of each. */
export interface NameCounts {
  readonly interfaces: number;
  readonly networks: number;
}

export function readTable(columns: StateColumns, names: NameCounts): TableState {
  const reader = new ColumnReader(columns, 'flows.');
  const keys = reader.words('keys', FLOW_ROW_WORDS);
  const count = keys.length / FLOW_ROW_WORDS;
  for (let key = 0; key < keys.length; key += FLOW_ROW_WORDS) {
    const index = interfaceIdOf(keys, key);
    if (index !== ANY_INTERFACE && index >= names.interfaces)
      reader.fail('its flows.keys names no interface');
    if (Math.max(sourceNetworkOf(keys, key), destinationNetworkOf(keys, key)) > names.networks) {
      reader.fail('its flows.keys names no network');
    }
  }
  const column = (name: string, least = 0): Float64Array => reader.doubles(name, 1, count, least);
  return {
    count,
    keys,
    packets: column('packets'),
    bytes: column('bytes'),
    startedMs: column('startedMs'),
    idleMs: column('idleMs'),
    recentBytes: column('recentBytes'),
    holdLeftMs: column('holdLeftMs', NOT_HELD),
    problem: reader.problem,
  };
}

/** The key of a row with this process's numbers, by place among the state's names. */
export function copyStateKey(
  state: TableState,
  row: number,
  numbers: { readonly interfaceIds: readonly number[]; readonly networkNumbers: readonly number[] },
  key: Uint32Array,
): void {
  key.set(state.keys.subarray(row * FLOW_ROW_WORDS, (row + 1) * FLOW_ROW_WORDS));
  const index = interfaceIdOf(key, 0);
  const id = index === ANY_INTERFACE ? ANY_INTERFACE : (numbers.interfaceIds[index] ?? 0);
  setInterface(key, 0, id, ipVersionOf(key, 0));
  const number = (place: number): number => (place === 0 ? 0 : (numbers.networkNumbers[place - 1] ?? 0));
  setNetworks(key, 0, number(sourceNetworkOf(key, 0)), number(destinationNetworkOf(key, 0)));
}
