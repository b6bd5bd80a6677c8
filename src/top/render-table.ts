// SPDX-License-Identifier: Apache-2.0
// Rows in columns, as many as the terminal has room for, and a bar. Pure.

import type { TrafficRow } from './answers.js';
import type { Column } from './columns.js';
import { barText, type Paint, type Symbols } from './paint.js';
import type { SortOrder } from './state.js';
import { cutText, padEnd, padStart, textWidth } from './text-width.js';

export interface TableOptions<Row> {
  readonly columns: readonly Column<Row>[];
  /** Of which the rows below are some: columns do not move when one scrolls. */
  readonly allRows: readonly Row[];
  readonly rows: readonly Row[];
  readonly sort: SortOrder;
  /** Of the windows of rates, as in the titles. */
  readonly windowTitles: readonly string[];
  readonly selectedId: string | undefined;
  readonly width: number;
  readonly paint: Paint;
  readonly symbols: Symbols;
  /** A character before a row that is not well. */
  mark(row: Row): string;
}

interface LaidColumn<Row> {
  readonly column: Column<Row>;
  readonly title: string;
  readonly width: number;
}

interface Layout<Row> {
  readonly laid: readonly LaidColumn<Row>[];
  readonly barColumns: number;
}

const BAR_MIN = 6;
const BAR_MAX = 40;
/** Of an end of a flow, where nothing else can go. */
const CUT_MIN = 5;

/** The line of titles, and one for each row. */
export function renderTable<Row extends TrafficRow>(options: TableOptions<Row>): string[] {
  const { paint, rows, width, symbols } = options;
  const layout = layOut(options);
  const barColumn = layout.laid.find(({ column }) => column.key === options.sort.key) ?? layout.laid[0];
  const value = (row: Row): number => barColumn?.column.sort?.value(row) ?? 0;
  const highest = options.allRows.reduce((most, row) => Math.max(most, value(row)), 0);
  const titles = layout.laid.map(({ column, title, width: columns }) =>
    column.align === 'left' ? padEnd(title, columns, '') : padStart(title, columns, ''),
  );
  return [
    paint('heading', padEnd(` ${titles.join(' ')}`, width, '')),
    ...rows.map((row) => {
      const mark = options.mark(row);
      const cells = layout.laid.map(({ column, width: columns }) =>
        column.align === 'left'
          ? padEnd(cutMiddle(column.text(row), columns, symbols), columns, symbols.ellipsis)
          : padStart(column.text(row), columns, symbols.ellipsis),
      );
      const text = padEnd(cells.join(' '), Math.max(0, Math.min(width - 1, usedColumns(layout) - 1)), '');
      const share = highest > 0 ? value(row) / highest : 0;
      const bar = layout.barColumns > 0 ? barText(share, layout.barColumns, symbols) : '';
      const gap = bar === '' ? '' : ' ';
      if (row.id === options.selectedId) {
        return paint('selected', padEnd(`${mark === ' ' ? '>' : mark}${text}${gap}${bar}`, width, ''));
      }
      return `${mark === ' ' ? mark : paint('problem', mark)}${text}${gap}${paint('bar', bar)}`;
    }),
  ];
}

/** The mark, the columns, and a blank between them. */
function usedColumns<Row>({ laid }: Pick<Layout<Row>, 'laid'>): number {
  return laid.reduce((sum, { width }) => sum + width + 1, 0);
}

function layOut<Row extends TrafficRow>(options: TableOptions<Row>): Layout<Row> {
  const { columns, allRows, width, sort, symbols } = options;
  const natural = columns.map((column) => {
    const text =
      typeof column.title === 'string' ? column.title : (options.windowTitles[column.title.window] ?? '');
    const arrow = sort.isReversed ? symbols.sortedUp : symbols.sortedDown;
    const title = column.key === sort.key ? `${arrow}${text}` : text;
    const least = column.align === 'right' ? 6 : 0; // numbers that change their length do not move the rest
    const widest = allRows.reduce((most, row) => Math.max(most, textWidth(column.text(row))), least);
    return { column, title, width: Math.max(widest, textWidth(title)) };
  });
  const wanted = ({ column, width: all }: LaidColumn<Row>): number =>
    column.align === 'left' ? Math.min(all, Math.max(column.columnsWanted, 0)) : all;
  const sumWanted = (laid: readonly LaidColumn<Row>[]): number =>
    laid.reduce((sum, one) => sum + wanted(one) + 1, 0);
  let kept: readonly LaidColumn<Row>[] = natural;
  while (sumWanted(kept) + 1 + BAR_MIN > width && kept.some(({ column }) => mayGo(column, sort))) {
    const [first] = kept
      .filter(({ column }) => mayGo(column, sort))
      .sort((a, b) => b.column.goesAt - a.column.goesAt);
    kept = kept.filter((one) => one !== first);
  }
  const barMin = sumWanted(kept) + 1 + BAR_MIN > width ? 0 : BAR_MIN + 1;
  let spare = width - barMin - sumWanted(kept);
  const laid = kept.map((one) => {
    const columnsGiven =
      spare < 0 ? cutWidth(one, wanted(one), spare, kept) : Math.min(one.width, wanted(one) + spare);
    if (spare > 0) spare -= columnsGiven - wanted(one);
    return { ...one, width: columnsGiven };
  });
  const left = width - usedColumns({ laid }) - 1;
  return { laid, barColumns: barMin === 0 ? 0 : Math.min(BAR_MAX, left) };
}

/** The column that rows are sorted by stays. */
function mayGo<Row>({ goesAt, key }: Column<Row>, sort: SortOrder): boolean {
  return goesAt > 0 && key !== sort.key;
}

/** Each left column gives its part of what is missing. */
function cutWidth<Row>(
  { column }: LaidColumn<Row>,
  wanted: number,
  spare: number,
  kept: readonly LaidColumn<Row>[],
): number {
  if (column.align === 'right') return wanted;
  const givers = kept.filter((one) => one.column.align === 'left').length;
  return Math.max(CUT_MIN, wanted + Math.floor(spare / Math.max(1, givers)));
}

/** Networks stand at the beginning, hosts and ports at the end, and both tell flows apart: the middle goes. */
function cutMiddle(text: string, columns: number, { ellipsis }: Symbols): string {
  if (textWidth(text) <= columns || columns < 8) return text;
  const tail = Math.floor(columns / 2);
  const end = [...text].slice(-tail).join('');
  const head = cutText(text, Math.max(0, columns - 1 - textWidth(end)));
  return `${head}${ellipsis}${end}`;
}
