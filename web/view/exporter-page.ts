// SPDX-License-Identifier: Apache-2.0
// The exporter itself: what it takes, and its books, shown to balance.

import type { Books, Overview, RefreshMessage } from '../model/answers.js';
import {
  type BooksUnit,
  type Equation,
  equationOf,
  equationOfRow,
  reasonsText,
} from '../model/books-equation.js';
import type { OwnTimes } from '../model/own-times.js';
import {
  bytesText,
  countText,
  millisecondsText,
  spanText,
  UNKNOWN,
  withFullStop,
} from '../model/quantity.js';
import { keepChildren, make, panel, setAttributes, setText } from './elements.js';
import { fetchAnswer } from './exporter-link.js';
import type { PageView } from './page-view.js';
import { RatePlot } from './rate-plot.js';

const PARTS = ['seen', 'shown', 'pending', 'other'] as const;
const SIGNS: Readonly<Record<(typeof PARTS)[number], string>> = {
  seen: '',
  shown: '=',
  pending: '+',
  other: '+',
};
const MEANINGS: Readonly<Record<(typeof PARTS)[number], string>> = {
  seen: 'seen on the interfaces',
  shown: 'shown as flows',
  pending: 'pending',
  other: 'in other sums',
};

export class ExporterPage implements PageView {
  readonly title = 'Exporter';
  readonly element: HTMLElement;
  readonly #times: OwnTimes;
  readonly #facts = make('dl', { class: 'facts' });
  readonly #verdict = make('p', { class: 'balance', role: 'status' });
  readonly #equations = make('div', { class: 'equations' });
  readonly #rows = make('tbody', {});
  readonly #plot = new RatePlot({
    title:
      'Milliseconds that refreshes took, and that the event loop was held up, since this page was opened',
    valueText: millisecondsText,
    isStacked: false,
    height: 180,
  });

  /** times: as noted while the page is open, whichever part of it is shown. */
  constructor(times: OwnTimes) {
    this.#times = times;
    const titles = ['Interface', 'Type', 'Seen', 'Shown', 'Pending', 'Other', 'Equal', 'Other by reason'];
    const head = titles.map((title, i) =>
      make('th', { scope: 'col', class: i > 1 && i < 6 ? 'number' : '' }, title),
    );
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), this.#rows);
    this.element = make(
      'div',
      { class: 'page exporter' },
      make('div', { class: 'page-head' }, make('h1', {}, 'The exporter itself')),
      make(
        'div',
        { class: 'column' },
        panel('Figures', { class: 'panel' }, this.#facts),
        panel('Refresh and stalls, longest of each second', { class: 'panel' }, this.#plot.element),
      ),
      make(
        'div',
        { class: 'column' },
        panel(
          'Books',
          { class: 'panel books' },
          this.#verdict,
          this.#equations,
          make(
            'div',
            { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Books, table of bytes' },
            table,
          ),
        ),
      ),
    );
  }

  async ask(signal: AbortSignal, overview: Overview): Promise<void> {
    this.#showFacts(overview);
    this.#showTimes();
    this.#showBooks(await fetchAnswer<Books>('books', {}, signal));
  }

  onMessage(_message: RefreshMessage): void {
    this.#showTimes();
  }

  close(): void {
    this.#plot.close();
  }

  #showTimes(): void {
    const { ends, curves } = this.#times.read();
    this.#plot.show(ends, curves);
  }

  #showFacts({
    version,
    started_ms: startedMs,
    at_ms: atMs,
    host_ip: hostIp,
    exporter,
    ...overview
  }: Overview): void {
    const { push, series, pairs } = overview;
    const cpuShare = exporter.cpu_seconds === null ? UNKNOWN : `${exporter.cpu_seconds.toFixed(1)} s`;
    const queued = (push.queue_samples ?? 0) + (push.spool_samples ?? 0);
    const facts: readonly (readonly [name: string, value: string])[] = [
      ['State', withFullStop(exporter.sentence)],
      ['Version', version],
      ['Host', hostIp],
      ['collect_agg', overview.collect_agg],
      ['Running for', spanText(atMs - startedMs)],
      [
        'Refresh took',
        `${millisecondsText(exporter.refresh_ms)}, every ${millisecondsText(exporter.interval_ms)}`,
      ],
      ['Event loop held up', `${millisecondsText(exporter.stall_ms)} at most since the refresh before`],
      ['Memory', bytesText(exporter.resident_memory_bytes)],
      ['CPU since the start', cpuShare],
      [
        'Flow series',
        `${countText(series.count)} of ${countText(series.limit)}; ${countText(series.flows)} flows in the last interval`,
      ],
      ['RoCE pairs', `${countText(pairs.count)} of ${countText(pairs.limit)}`],
      [
        'Push',
        push.enabled ? `${push.up === false ? 'down' : 'up'}, ${countText(queued)} samples wait` : 'off',
      ],
      [
        'Pages that listen',
        `${countText(exporter.event_readers)} of ${countText(exporter.event_readers_limit)}`,
      ],
    ];
    const rows = keepChildren(this.#facts, facts.length, () =>
      make('div', {}, make('dt', {}), make('dd', {})),
    );
    for (const [i, [name, value]] of facts.entries()) {
      const [term, text] = rows[i]?.children ?? [];
      if (term) setText(term, name);
      if (text) setText(text, value);
    }
  }

  #showBooks(books: Books): void {
    const units: readonly BooksUnit[] = ['bytes', 'packets'];
    const equations = units.map((unit) => equationOf(books, unit));
    const isEqual = books.balances && equations.every((one) => one.isEqual);
    setAttributes(this.#verdict, { 'data-balances': String(isEqual) });
    setText(
      this.#verdict,
      isEqual
        ? '✓ The books balance, to the unit: nothing is lost, nothing counted twice.'
        : '✕ The books do not balance: please report it, with this page.',
    );
    const lines = keepChildren(this.#equations, units.length, createEquation);
    for (const [i, line] of lines.entries()) {
      const equation = equations[i];
      if (equation !== undefined) fillEquation(line, equation, units[i] ?? 'bytes');
    }
    const rows = keepChildren(this.#rows, books.rows.length, () =>
      make(
        'tr',
        {},
        ...Array.from({ length: 8 }, (_, i) =>
          i === 0 ? make('th', { scope: 'row' }) : make('td', { class: i > 1 && i < 6 ? 'number' : '' }),
        ),
      ),
    );
    for (const [i, row] of rows.entries()) {
      const of = books.rows[i];
      if (of === undefined) continue;
      const { seen, shown, pending, other, isEqual: isRowEqual } = equationOfRow(of, 'bytes');
      // Where flows tell interfaces or types not apart, only sums balance.
      const verdict = isRowEqual ? '✓' : of.interface === 'any' || isEqual ? 'in the sum' : '✕';
      const texts = [
        of.interface,
        of.traffic_type,
        seen,
        shown,
        pending,
        other,
        verdict,
        reasonsText(of, 'bytes'),
      ];
      for (const [column, cell] of [...row.children].entries()) setText(cell, texts[column] ?? '');
    }
  }
}

function createEquation(): Element {
  const parts = PARTS.map((part) =>
    make(
      'span',
      { class: 'part' },
      make('i', {}, SIGNS[part]),
      make('span', {}, make('b', {}), make('small', {}, MEANINGS[part])),
    ),
  );
  return make('p', { class: 'equation' }, ...parts, make('span', { class: 'unit' }));
}

function fillEquation(line: Element, equation: Equation, unit: BooksUnit): void {
  for (const [i, part] of PARTS.entries()) {
    const number = line.children[i]?.querySelector('b');
    if (number) setText(number, equation[part]);
  }
  const last = line.lastElementChild;
  if (last)
    setText(last, equation.isEqual ? `${unit} ✓` : `${unit} ✕ ${countText(equation.difference)} are missing`);
}
