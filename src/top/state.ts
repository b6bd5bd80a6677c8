// SPDX-License-Identifier: Apache-2.0
// What `top` knows at a moment: what is shown, and what the exporter said last. Values alone; what changes them
// is in advance.ts.

import type { FlowRate, Overview, PairRate, RowHistory, TopFlows, TopPairs, TrafficRow } from './answers.js';
import { type Column, FLOW_COLUMNS_SHOWN, PAIR_COLUMNS_SHOWN, USUAL_SORT } from './columns.js';
import { isLocalFilter, matchesRow, NO_FILTER, type RowFilter } from './row-filter.js';

export type RowKind = 'flows' | 'pairs';
export type Overlay = 'none' | 'help' | 'findings' | 'details';

export interface SortOrder {
  readonly key: string;
  readonly isReversed: boolean;
}

export interface TopState {
  readonly size: { readonly columns: number; readonly lines: number };
  readonly kind: RowKind;
  readonly overlay: Overlay;
  /** Lines of the overlay that are above the screen. */
  readonly overlayScroll: number;
  readonly sort: Readonly<Record<RowKind, SortOrder>>;
  readonly filter: RowFilter;
  /** What is being typed behind `/`; undefined while nothing is. */
  readonly prompt: { readonly text: string; readonly problem: string } | undefined;
  /** As the exporter has it; undefined: all. */
  readonly interfaceName: string | undefined;
  readonly isPaused: boolean;
  readonly selectedId: string | undefined;
  /** Where the selected row stood last. */
  readonly selectedIndex: number;
  readonly overview: Overview | undefined;
  readonly flows: TopFlows | undefined;
  readonly pairs: TopPairs | undefined;
  readonly history: RowHistory | undefined;
  /** Why no rows came for what was asked. */
  readonly refusal: string | undefined;
  /** By name: the highest rate seen of an interface, for its bar. */
  readonly peaks: ReadonlyMap<string, number>;
  /** The exporter does not answer; since when, by the wall clock here. */
  readonly gone: { readonly sinceMs: number; readonly sentence: string } | undefined;
  readonly isDone: boolean;
}

export function firstState(size: TopState['size'], interfaceName: string | undefined): TopState {
  return {
    size,
    kind: 'flows',
    overlay: 'none',
    overlayScroll: 0,
    sort: {
      flows: { key: USUAL_SORT, isReversed: false },
      pairs: { key: USUAL_SORT, isReversed: false },
    },
    filter: NO_FILTER,
    prompt: undefined,
    interfaceName,
    isPaused: false,
    selectedId: undefined,
    selectedIndex: 0,
    overview: undefined,
    flows: undefined,
    pairs: undefined,
    history: undefined,
    refusal: undefined,
    peaks: new Map(),
    gone: undefined,
    isDone: false,
  };
}

/** What is to be asked for, beside the overview. */
export interface WantedRows {
  readonly kind: RowKind;
  /** Of the answer; see docs/api.md. */
  readonly query: Readonly<Record<string, string>>;
  /** The row whose history is shown. */
  readonly historyId: string | undefined;
}

/** Rows that fit no screen are only of use where a filter picks among them. */
const ROWS_USUAL = 200;
const ROWS_MOST = 1000;

export function wantedRows(state: TopState): WantedRows {
  const { kind, filter } = state;
  const by = columnsOf(kind).find(({ key }) => key === state.sort[kind].key)?.sort?.by ?? 'bytes';
  return {
    kind,
    query: {
      top: String(isLocalFilter(filter) ? ROWS_MOST : ROWS_USUAL),
      by,
      ...(state.interfaceName === undefined ? {} : { interface: state.interfaceName }),
      ...(filter.src === undefined ? {} : { src: filter.src }),
      ...(filter.dst === undefined ? {} : { dst: filter.dst }),
      ...(filter.type === undefined || kind === 'pairs' ? {} : { type: filter.type }),
    },
    historyId: state.overlay === 'details' ? state.selectedId : undefined,
  };
}

/** Both kinds of columns are read by what rows have alike, and by their own. */
export function columnsOf(kind: RowKind): readonly Column<never>[] {
  return kind === 'flows' ? FLOW_COLUMNS_SHOWN : PAIR_COLUMNS_SHOWN;
}

export function visibleFlows({ flows, filter, sort }: TopState): readonly FlowRate[] {
  const rows = (flows?.rows ?? []).filter((row) => matchesRow(filter, row, moreTexts(row)));
  return sortRows(rows, FLOW_COLUMNS_SHOWN, sort.flows);
}

export function visiblePairs({ pairs, filter, sort }: TopState): readonly PairRate[] {
  const rows = (pairs?.rows ?? []).filter((row) => matchesRow(filter, row, []));
  return sortRows(rows, PAIR_COLUMNS_SHOWN, sort.pairs);
}

export function visibleRows(state: TopState): readonly TrafficRow[] {
  return state.kind === 'flows' ? visibleFlows(state) : visiblePairs(state);
}

function moreTexts({ trafficType, labels }: FlowRate): string[] {
  return [trafficType, ...labels.map(([, value]) => value)];
}

/** What is not known stands last either way; equals stay in the exporter's order. */
function sortRows<Row extends TrafficRow>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  { key, isReversed }: SortOrder,
): readonly Row[] {
  const sort = columns.find((column) => column.key === key)?.sort;
  if (sort === undefined) return rows;
  const sign = isReversed ? -1 : 1;
  return rows
    .map((row) => ({ row, value: sort.value(row) }))
    .sort((a, b) => {
      if (a.value === undefined || b.value === undefined) {
        return Number(a.value === undefined) - Number(b.value === undefined);
      }
      return sign * (b.value - a.value);
    })
    .map(({ row }) => row);
}

/** -1 where there is no row. */
export function selectedIndexOf(state: TopState, rows: readonly TrafficRow[]): number {
  const index = rows.findIndex(({ id }) => id === state.selectedId);
  return index >= 0 ? index : Math.min(state.selectedIndex, rows.length - 1);
}
