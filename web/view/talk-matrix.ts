// SPDX-License-Identifier: Apache-2.0
// Who talks to whom, as a grid that arrow keys walk: a cell's colour is its rate, a dot is trouble. Enter or a
// click opens the cell.

import { hashOfPair } from '../model/hash-route.js';
import {
  cellKey,
  type Matrix,
  type MatrixCell,
  type MatrixRoom,
  moveInGrid,
  RATE_STEPS,
} from '../model/matrix.js';
import { bitRateText, countText, percentText, withFullStop } from '../model/quantity.js';
import { keepChildren, make, panel, setAttributes, setText } from './elements.js';

export type MatrixKind = 'pairs' | 'flows';

export interface MatrixCaption {
  readonly kind: MatrixKind;
  /** Why there is nothing to show, where that is so. */
  readonly empty: string;
  /** The pairs are those that match a filter. */
  readonly isFiltered: boolean;
}

/** Pixels of a cell at most and at least, and between two. */
const CELL_MAX_PX = 40;
const CELL_MIN_PX = 20;
const CELL_GAP_PX = 2;
/** Pixels of all cells together, where that is what makes them large. */
const GRID_PX = 400;
const HOSTS_MIN = 4;
const HOSTS_MAX = 16;
/** Of names before rows and above columns, as long as nothing stands there. */
const NAMES_PX = 110;
/** Of trouble in words beside the cells, with the gap. */
const WORDS_PX = 200;
/** Where the panel is as high as the screen has room for, not as its content. */
const FITTED = '(min-width: 1100px) and (min-height: 720px)';
/** In words below the grid; each dot has them as well. */
const TROUBLES_SHOWN = 6;

const WORDS: Readonly<Record<MatrixKind, string>> = {
  pairs: 'RoCE payload from row to column',
  flows: 'All traffic of the largest flows from row to column (no RoCE pairs)',
};

export class TalkMatrix {
  readonly element: HTMLElement;
  readonly #onOpen: (cell: MatrixCell) => void;
  readonly #table = make('table', { role: 'grid', 'aria-label': 'Who talks to whom' });
  readonly #head = make('thead', {});
  readonly #body = make('tbody', {});
  readonly #caption = make('p', { class: 'note' });
  readonly #from = make('span', {});
  readonly #to = make('span', {});
  readonly #scale: HTMLElement;
  readonly #troubles = make('ul', { class: 'troubles', 'aria-label': 'Trouble in words' });
  readonly #region: HTMLElement;
  readonly #resizes = new ResizeObserver(() => this.#measure());
  /** What there is for cells. */
  #gridPx = { width: GRID_PX, height: GRID_PX };
  #headPx = NAMES_PX;
  #namesPx = NAMES_PX;
  #matrix: Matrix | undefined;
  #at = { row: 0, column: 0 };

  constructor(onOpen: (cell: MatrixCell) => void) {
    this.#onOpen = onOpen;
    this.#table.append(this.#head, this.#body);
    const steps = Array.from({ length: RATE_STEPS }, (_, i) => make('i', { class: `step step-${i + 1}` }));
    this.#scale = make(
      'div',
      { class: 'scale' },
      this.#from,
      make('span', { class: 'steps', 'aria-hidden': 'true' }, ...steps),
      this.#to,
      make(
        'span',
        { class: 'dot-key' },
        make('i', { class: 'dot', 'aria-hidden': 'true' }),
        'trouble: marks, CNP, NAK, RNR, gaps',
      ),
    );
    this.#region = make(
      'div',
      { class: 'talk' },
      make('div', { class: 'scroll matrix' }, this.#table),
      this.#troubles,
    );
    this.element = panel(
      'Who talks to whom',
      { class: 'panel matrix-panel' },
      this.#caption,
      this.#region,
      this.#scale,
    );
    for (const one of [this.#region, this.#table]) this.#resizes.observe(one);
    this.#table.addEventListener('click', (event) => this.#open(event));
    this.#table.addEventListener('keydown', (event) => this.#onKey(event));
    this.#table.addEventListener('focusin', (event) => this.#onFocus(event));
  }

  /** Hosts that can be shown without scrolling, as far as that is known. */
  get room(): MatrixRoom {
    const fitting = (px: number): number =>
      Math.max(HOSTS_MIN, Math.min(HOSTS_MAX, Math.floor(px / (CELL_MIN_PX + CELL_GAP_PX))));
    return { rows: fitting(this.#gridPx.height), columns: fitting(this.#gridPx.width) };
  }

  /** What stands there now, of this kind. */
  shown(kind: MatrixKind): Matrix | undefined {
    return this.#table.dataset['kind'] === kind ? this.#matrix : undefined;
  }

  close(): void {
    this.#resizes.disconnect();
  }

  /** Names may be longer than those before: what they need is never taken back, so that the room does not swing. */
  #measure(): void {
    if (!this.#table.hidden) {
      this.#headPx = Math.max(this.#matrix === undefined ? 0 : this.#headPx, this.#head.offsetHeight);
      const name = this.#body.querySelector('th');
      this.#namesPx = Math.max(this.#matrix === undefined ? 0 : this.#namesPx, name?.offsetWidth ?? 0);
    }
    const { clientWidth, clientHeight } = this.#region;
    // Before the first cell and after the last.
    const edgesPx = 2 * CELL_GAP_PX;
    const isFitted = matchMedia(FITTED).matches;
    this.#gridPx = {
      width: clientWidth - edgesPx - this.#namesPx - (isFitted ? WORDS_PX : 0),
      height: isFitted ? clientHeight - edgesPx - this.#headPx : HOSTS_MAX * (CELL_MIN_PX + CELL_GAP_PX),
    };
  }

  show(matrix: Matrix, { kind, empty, isFiltered }: MatrixCaption): void {
    this.#matrix = matrix;
    const { sources, destinations, from, to } = matrix;
    const isEmpty = sources.length === 0;
    setText(this.#caption, isEmpty ? empty : captionOf(matrix, kind, isFiltered));
    setAttributes(this.#table, { hidden: isEmpty, 'data-kind': kind });
    setAttributes(this.#scale, { hidden: isEmpty });
    setText(this.#from, bitRateText(from));
    setText(this.#to, bitRateText(to));
    this.#at = {
      row: this.#at.row % (sources.length || 1),
      column: this.#at.column % (destinations.length || 1),
    };
    const hosts = Math.max(sources.length, destinations.length, 1);
    const sides = [
      GRID_PX / hosts,
      this.#gridPx.height / Math.max(sources.length, 1),
      this.#gridPx.width / Math.max(destinations.length, 1),
    ];
    const cellPx = Math.max(CELL_MIN_PX, Math.min(CELL_MAX_PX, Math.floor(Math.min(...sides)) - CELL_GAP_PX));
    this.#table.style.setProperty('--cell', `${cellPx}px`);
    this.#table.style.setProperty('--hosts', String(hosts));
    this.#showTroubles(matrix);
    this.#showHead(destinations);
    const rows = keepChildren(this.#body, sources.length, () => make('tr', {}, make('th', { scope: 'row' })));
    for (const [i, row] of rows.entries()) this.#showRow(row, i, matrix);
  }

  #showTroubles({ cells }: Matrix): void {
    const all = [...cells.values()].filter(({ trouble }) => trouble.length > 0);
    const shown = all.sort((a, b) => b.bitsPerSecond - a.bitsPerSecond).slice(0, TROUBLES_SHOWN);
    const more = all.length - shown.length;
    const count = shown.length + Number(more > 0);
    const rows = keepChildren(this.#troubles, count, () => make('li', {}, make('a', {})));
    for (const [i, row] of rows.entries()) {
      const cell = shown[i];
      const link = row.firstElementChild;
      if (link === null) continue;
      const words = cell?.trouble.map(withFullStop).join(' ') ?? `${more} more: each dot has its own words.`;
      setText(link, words);
      setAttributes(link, { href: cell?.pairId === undefined ? undefined : hashOfPair(cell.pairId) });
    }
    setAttributes(this.#troubles, { hidden: shown.length === 0 });
  }

  #showHead(destinations: readonly string[]): void {
    const [row] = keepChildren(this.#head, 1, () => make('tr', {}));
    if (row === undefined) return;
    const cells = keepChildren(row, destinations.length + 1, () =>
      row.children.length === 0 ? make('td', {}) : make('th', { scope: 'col' }, make('span', {})),
    );
    for (const [i, name] of destinations.entries()) {
      const label = cells[i + 1]?.firstElementChild;
      if (label) setText(label, name);
    }
  }

  #showRow(row: Element, index: number, { sources, destinations, cells }: Matrix): void {
    const src = sources[index] ?? '';
    const all = keepChildren(row, destinations.length + 1, () => make('td', { role: 'gridcell' }));
    if (all[0]) setText(all[0], src);
    for (const [column, dst] of destinations.entries()) {
      const element = all[column + 1];
      if (element === undefined) continue;
      const cell = cells.get(cellKey(src, dst));
      const isHere = index === this.#at.row && column === this.#at.column;
      const hasTrouble = (cell?.trouble.length ?? 0) > 0;
      const words = cellText(src, dst, cell);
      setAttributes(element, {
        class: cell === undefined ? 'cell' : `cell step-${cell.step}${hasTrouble ? ' trouble' : ''}`,
        tabindex: isHere ? '0' : '-1',
        'aria-label': words,
        title: words,
        'data-pair': cell?.pairId,
      });
      const dots = keepChildren(element, hasTrouble ? 1 : 0, () => make('i', { class: 'dot' }));
      for (const dot of dots) setAttributes(dot, { 'aria-hidden': 'true' });
    }
  }

  #cellElement(row: number, column: number): HTMLElement | undefined {
    const element = this.#body.children[row]?.children[column + 1];
    return element instanceof HTMLElement ? element : undefined;
  }

  #placeOf(target: EventTarget | null): { row: number; column: number } | undefined {
    const element = target instanceof Element ? target.closest('[role="gridcell"]') : null;
    const row = element?.parentElement;
    if (!element || !row) return undefined;
    return {
      row: [...this.#body.children].indexOf(row),
      column: [...row.children].indexOf(element) - 1,
    };
  }

  #onFocus(event: FocusEvent): void {
    const place = this.#placeOf(event.target);
    if (place === undefined) return;
    setAttributes(this.#cellElement(this.#at.row, this.#at.column) ?? this.#table, { tabindex: '-1' });
    this.#at = place;
    setAttributes(this.#cellElement(place.row, place.column) ?? this.#table, { tabindex: '0' });
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      this.#open(event);
      return;
    }
    const size = {
      rows: this.#matrix?.sources.length ?? 0,
      columns: this.#matrix?.destinations.length ?? 0,
    };
    const to = moveInGrid(this.#at, event.key, size);
    if (to === undefined) return;
    event.preventDefault();
    this.#cellElement(to.row, to.column)?.focus();
  }

  #open(event: Event): void {
    const place = this.#placeOf(event.target);
    if (place === undefined || this.#matrix === undefined) return;
    const { sources, destinations, cells } = this.#matrix;
    const cell = cells.get(cellKey(sources[place.row] ?? '', destinations[place.column] ?? ''));
    if (cell !== undefined) this.#onOpen(cell);
  }
}

/** Of pairs: which are shown, and what the others carry. */
function captionOf(
  { shownPairs, allPairs, shownShare }: Matrix,
  kind: MatrixKind,
  isFiltered: boolean,
): string {
  const those = `${allPairs === 1 ? 'pair' : 'pairs'}${isFiltered ? ' that match the filter' : ''}`;
  if (shownPairs >= allPairs) return `${WORDS[kind]}; all of ${countText(allPairs)} ${those}`;
  const rest = percentText(1 - shownShare);
  const first = kind === 'pairs' ? 'those with trouble first, then the largest' : 'the largest first';
  return `${WORDS[kind]}; ${countText(shownPairs)} of ${countText(allPairs)} ${those}, ${first}; the others carry ${rest}`;
}

function cellText(src: string, dst: string, cell: MatrixCell | undefined): string {
  if (cell === undefined) return `${src} to ${dst}: nothing`;
  const trouble = cell.trouble.length === 0 ? '' : `. Trouble: ${cell.trouble.join('. ')}`;
  return `${src} to ${dst}: ${bitRateText(cell.bitsPerSecond)}${trouble}`;
}
