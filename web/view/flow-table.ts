// SPDX-License-Identifier: Apache-2.0
// The largest flows: bars, columns that sort, and a filter that works as one types.

import type { Flow, Flows } from '../model/answers.js';
import { matchesTexts, parseFlowFilter, queriesOf } from '../model/flow-filter.js';
import {
  endParts,
  type FlowColumn,
  type FlowOrder,
  flowName,
  isExportersOrder,
  isNumberColumn,
  LARGEST_FIRST,
  mergeFlows,
  pressColumn,
  sortedBy,
  sortFlows,
} from '../model/flow-order.js';
import {
  bitRateText,
  bytesText,
  countText,
  packetRateText,
  percentText,
  withFullStop,
} from '../model/quantity.js';
import { keepChildren, make, setAttributes, setShare, setText } from './elements.js';

const ROWS_SHOWN = 20;
/** What the page itself filters or sorts, it does among so many of the largest. */
const SEARCHED_MAX = 1000;
const FILTER_HINT = 'Filter: text, 10.0.0.0/8, src:, dst:, interface:, type:';

const COLUMNS: readonly (readonly [FlowColumn, title: string])[] = [
  ['rate', 'Rate'],
  ['source', 'Source'],
  ['destination', 'Destination'],
  ['type', 'Type'],
  ['interface', 'Interface'],
  ['packets', 'Packets'],
  ['total', 'Total'],
];

export class FlowTable {
  readonly element: HTMLElement;
  readonly filter: HTMLInputElement;
  readonly #onChange: () => void;
  readonly #head: ReadonlyMap<FlowColumn, HTMLElement>;
  readonly #body = make('tbody', {});
  readonly #note = make('p', { class: 'note', role: 'status' });
  #order: FlowOrder = LARGEST_FIRST;
  #seconds = 0;
  #all = 0;

  /** onChange: another filter or order, so that other flows are to be asked for. */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
    this.filter = make('input', {
      type: 'search',
      'aria-label': 'Filter the flows',
      'aria-keyshortcuts': '/',
      placeholder: FILTER_HINT,
      spellcheck: 'false',
      autocomplete: 'off',
    });
    this.filter.addEventListener('input', onChange);
    this.filter.addEventListener('keydown', (event) => {
      if (event.key === 'Escape') this.setFilter('');
    });
    this.#head = new Map(COLUMNS.map(([column, title]) => [column, this.#heading(column, title)]));
    const table = make(
      'table',
      { class: 'flows' },
      make('thead', {}, make('tr', {}, ...this.#head.values())),
      this.#body,
    );
    this.element = make(
      'section',
      { class: 'panel flow-panel', 'aria-label': 'Largest flows' },
      make('div', { class: 'tools' }, make('h2', {}, 'Largest flows'), this.filter, this.#note),
      make('div', { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Flows, table' }, table),
    );
    this.#showOrder();
  }

  setFilter(text: string): void {
    if (this.filter.value === text) return;
    this.filter.value = text;
    this.#onChange();
  }

  /** Asks by `fetchFlows`, once for each end that an address may be. */
  async ask(fetchFlows: (params: Readonly<Record<string, string>>) => Promise<Flows>): Promise<void> {
    const filter = parseFlowFilter(this.filter.value);
    const order = this.#order;
    const isExact = filter.texts.length === 0 && isExportersOrder(order);
    const top = String(isExact ? ROWS_SHOWN : SEARCHED_MAX);
    const queries = queriesOf(filter, { top, by: sortedBy(order) });
    const answers = await Promise.all(queries.map(fetchFlows));
    const found = mergeFlows(answers.map(({ flows }) => flows));
    const matching = found.filter((flow) => matchesTexts(flow, filter.texts));
    const rows = sortFlows(matching, order).slice(0, ROWS_SHOWN);
    const unseen = answers.reduce((sum, { rest }) => sum + rest.flows, 0);
    const [first] = answers;
    this.#seconds = first?.seconds ?? 0;
    this.#all = first?.all.bytes ?? 0;
    this.#show(rows);
    const empty = answers.map((one) => one.empty).find((sentence) => sentence !== null) ?? undefined;
    setText(
      this.#note,
      filter.problem || noteOf({ rows, matching, unseen, isExact, empty, filter: this.filter.value }),
    );
  }

  #heading(column: FlowColumn, title: string): HTMLElement {
    const button = make('button', { type: 'button', class: 'plain' }, title);
    button.addEventListener('click', () => {
      this.#order = pressColumn(this.#order, column);
      this.#showOrder();
      this.#onChange();
    });
    const kind = isNumberColumn(column) ? `number ${column}` : column;
    return make('th', { scope: 'col', class: kind, 'data-column': column }, button);
  }

  #showOrder(): void {
    const { column, isDescending } = this.#order;
    for (const [name, head] of this.#head) {
      const sorted = isDescending ? 'descending' : 'ascending';
      setAttributes(head, { 'aria-sort': name === column ? sorted : 'none' });
    }
  }

  #show(flows: readonly Flow[]): void {
    const most = flows.reduce((top, flow) => Math.max(top, flow.bits_per_second), 0);
    const rows = keepChildren(this.#body, flows.length, () =>
      make(
        'tr',
        {},
        ...COLUMNS.map(([column]) =>
          make('td', {
            class: isNumberColumn(column) ? `number ${column}${column === 'rate' ? ' bar' : ''}` : column,
          }),
        ),
      ),
    );
    for (const [i, row] of rows.entries()) {
      const flow = flows[i];
      if (flow !== undefined) this.#fill(row, flow, most);
    }
  }

  #fill(row: Element, flow: Flow, most: number): void {
    setAttributes(row, { 'data-flow': flow.id });
    for (const [i, [column]] of COLUMNS.entries()) {
      const cell = row.children[i];
      if (!(cell instanceof HTMLElement)) continue;
      const text = this.#text(flow, column);
      if (column === 'source' || column === 'destination') fillEnd(cell, flow, column);
      else setText(cell, text);
      if (column === 'rate') {
        setShare(cell, most > 0 ? flow.bits_per_second / most : 0);
        setAttributes(cell, {
          title: `${percentText(this.#all > 0 ? flow.bytes / this.#all : null)} of what came in ${this.#seconds.toFixed(1)} s`,
        });
      } else if (!isNumberColumn(column)) setAttributes(cell, { title: text });
    }
  }

  #text(flow: Flow, column: FlowColumn): string {
    if (column === 'rate') return bitRateText(flow.bits_per_second);
    if (column === 'packets') return packetRateText(flow.packets_per_second);
    return column === 'total' ? bytesText(flow.total_bytes) : flowName(flow, column);
  }
}

/** On a narrow screen the port goes to a line of its own, whole. */
function fillEnd(cell: Element, flow: Flow, column: 'source' | 'destination'): void {
  const parts = endParts(flow, column);
  const spans = keepChildren(cell, parts.length, () => make('span', {}));
  for (const [i, span] of spans.entries()) setText(span, parts[i] ?? '');
}

interface Found {
  readonly rows: readonly Flow[];
  readonly matching: readonly Flow[];
  /** Flows that were not looked at. */
  readonly unseen: number;
  readonly isExact: boolean;
  /** Why there is none, as the exporter says it. */
  readonly empty: string | undefined;
  readonly filter: string;
}

/** How much of it is shown, or why there is nothing. */
function noteOf({ rows, matching, unseen, isExact, empty, filter }: Found): string {
  if (rows.length === 0) {
    if (empty !== undefined) return withFullStop(empty);
    const among = unseen > 0 ? ` among the ${countText(SEARCHED_MAX)} largest` : '';
    return filter.trim() === '' ? 'No flow yet.' : `No flow${among} matches the filter; Esc clears it.`;
  }
  if (isExact) return `${countText(rows.length)} of ${countText(matching.length + unseen)}`;
  const among = unseen > 0 ? `, among the ${countText(SEARCHED_MAX)} largest` : '';
  return `${countText(rows.length)} of ${countText(matching.length)}${among}`;
}
