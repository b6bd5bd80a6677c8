// SPDX-License-Identifier: Apache-2.0
// All that is known -> the lines of the terminal, each of at most its columns. Pure.

import type { PairRate, TrafficRow } from './answers.js';
import { type Column, FLOW_COLUMNS_SHOWN, PAIR_COLUMNS_SHOWN } from './columns.js';
import {
  type RenderParts,
  renderInterfaces,
  renderTitle,
  renderVerdict,
  windowTitles,
} from './render-header.js';
import { overlayLines } from './render-overlay.js';
import { renderTable } from './render-table.js';
import { selectedIndexOf, type TopState, visibleFlows, visiblePairs } from './state.js';
import { padEnd, textWidth, wrapText } from './text-width.js';

export interface Screen {
  /** As many as the terminal has. */
  readonly lines: readonly string[];
  /** As far as the overlay goes. */
  readonly overlayScroll: number;
}

export function renderScreen(state: TopState, parts: RenderParts): Screen {
  const { columns: width, lines: height } = state.size;
  const interfacesMost = interfaceLinesOf(state, height);
  const head = [
    renderTitle(state, width, parts),
    renderVerdict(state, width, parts),
    ...renderInterfaces(state, width, interfacesMost, parts),
  ].slice(0, Math.max(0, height - 1));
  const room = Math.max(0, height - head.length - 1);
  const { lines: body, overlayScroll } = renderBody(state, width, room, parts);
  const filled = [...head, ...body.slice(0, room)];
  while (filled.length < height - 1) filled.push('');
  return { lines: [...filled, renderFooter(state, width, parts)].slice(0, height), overlayScroll };
}

/** Of the screen's lines a quarter, so that rows have most of it; a third where that leaves no interface out. */
function interfaceLinesOf({ overview, interfaceName }: TopState, height: number): number {
  const third = Math.floor((height - 6) / 3);
  const count = interfaceName === undefined ? (overview?.interfaces.length ?? 0) : 1;
  return Math.max(1, count <= third ? third : Math.floor((height - 6) / 4));
}

function renderBody(state: TopState, width: number, room: number, parts: RenderParts): Screen {
  if (state.overlay === 'none') return { lines: tableLines(state, width, room, parts), overlayScroll: 0 };
  const all = overlayLines(state, width, parts);
  const [heading = '', ...rest] = all;
  const overlayScroll = Math.min(state.overlayScroll, Math.max(0, rest.length - (room - 1)));
  return { lines: [heading, ...rest.slice(overlayScroll)], overlayScroll };
}

function tableLines(state: TopState, width: number, room: number, parts: RenderParts): string[] {
  const { flows, pairs, kind, refusal } = state;
  if (refusal !== undefined) return ['', ...wrapText(refusal, width)];
  if (kind === 'flows') {
    const rows = visibleFlows(state);
    if (flows !== undefined && rows.length === 0) return emptyLines(state, flows.empty, width);
    return windowOfRows(state, FLOW_COLUMNS_SHOWN, rows, { width, room, mark: () => ' ' }, parts);
  }
  const rows = visiblePairs(state);
  if (pairs !== undefined && rows.length === 0) return emptyLines(state, pairs.empty, width);
  const mark = (row: PairRate): string => (row.trouble.length > 0 ? '!' : ' ');
  return windowOfRows<PairRate>(state, PAIR_COLUMNS_SHOWN, rows, { width, room, mark }, parts);
}

function windowOfRows<Row extends TrafficRow>(
  state: TopState,
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, room, mark }: { readonly width: number; readonly room: number; mark(row: Row): string },
  { paint, symbols }: RenderParts,
): string[] {
  const fitting = Math.max(0, room - 1);
  const selected = state.selectedId === undefined ? 0 : Math.max(0, selectedIndexOf(state, rows));
  const first = Math.max(0, Math.min(selected - Math.floor(fitting / 2), rows.length - fitting));
  return renderTable({
    columns: withoutLoneInterface(columns, rows),
    allRows: rows,
    rows: rows.slice(first, first + fitting),
    sort: state.sort[state.kind],
    windowTitles: windowTitles(state.overview),
    selectedId: state.selectedId,
    ...{ width, paint, symbols, mark },
  });
}

/** Where all rows are of one interface, its name is no news. */
export function withoutLoneInterface<Row extends TrafficRow>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
): readonly Column<Row>[] {
  const isLone = rows.every(({ interfaceName }) => interfaceName === rows[0]?.interfaceName);
  return isLone ? columns.filter(({ key }) => key !== 'interface') : columns;
}

function emptyLines(state: TopState, empty: string | undefined, width: number): string[] {
  const what = state.kind === 'flows' ? 'flow' : 'pair';
  const why =
    state.filter.text !== '' || state.interfaceName !== undefined
      ? `No ${what} is as the filter and the interface say (Esc: without the filter, i: another interface).`
      : (empty ?? `There is no ${what}.`);
  return ['', ...wrapText(why, width)];
}

/** Below that, how many rows there are goes. */
const KEYS_MIN = 20;
const GAP = '  ';

function renderFooter(state: TopState, width: number, { paint, symbols }: RenderParts): string {
  const { prompt, kind, filter, interfaceName } = state;
  if (prompt !== undefined) {
    if (prompt.problem !== '') return paint('problem', padEnd(prompt.problem, width, symbols.ellipsis));
    // Its end is where one types.
    const shown = [...`/${prompt.text}_`].slice(-width).join('');
    return padEnd(shown, width, symbols.ellipsis);
  }
  const shownName =
    state.overview?.interfaces.find(({ rawName }) => rawName === interfaceName)?.name ?? 'all';
  const all = kind === 'flows' ? state.flows?.allCount : state.pairs?.allCount;
  const rows = kind === 'flows' ? visibleFlows(state).length : visiblePairs(state).length;
  const keys = [
    'h help',
    'q end',
    `t ${kind === 'flows' ? 'pairs' : 'flows'}`,
    's sort',
    `/ ${filter.text === '' ? 'filter' : filter.text}`,
    `i ${shownName}`,
    'p pause',
    'Enter details',
  ];
  const count = `${rows} of ${all ?? 0} ${kind}`;
  const room = width - count.length - 1;
  if (room < KEYS_MIN) return paint('key', keysText(keys, width, symbols.ellipsis));
  return paint('key', `${keysText(keys, room, symbols.ellipsis)} ${count}`);
}

/** What says how rows are chosen is cut only when nothing else is left to leave out. */
const STATE_KEYS = /^[/i] /;

/** Keys that have no room go whole, the last first: `h` tells all of them. */
function keysText(keys: readonly string[], columns: number, ellipsis: string): string {
  const kept = [...keys];
  while (textWidth(kept.join(GAP)) > columns) {
    const last = kept.findLastIndex((key, i) => i > 0 && !STATE_KEYS.test(key));
    if (last < 0) break;
    kept.splice(last, 1);
  }
  return padEnd(kept.join(GAP), columns, ellipsis);
}
