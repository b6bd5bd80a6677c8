// SPDX-License-Identifier: Apache-2.0
// The first page: rates over ten minutes, interfaces, the largest flows, and who talks to whom.

import type { Flows, HistoryAnswer, Overview, Pairs, RefreshMessage } from '../model/answers.js';
import { isNetwork, pairMatchesTexts, pairQueriesOf, parseFlowFilter } from '../model/flow-filter.js';
import { hashOfPair } from '../model/hash-route.js';
import { type MatrixCell, matrixOfFlows, matrixOfPairs, type UnknownPairs } from '../model/matrix.js';
import { bitRateText, withFullStop } from '../model/quantity.js';
import { type CurveGrouping, RateCurves } from '../model/rate-curves.js';
import { make, setAttributes, setText } from './elements.js';
import { fetchAnswer } from './exporter-link.js';
import { FlowTable } from './flow-table.js';
import { InterfaceTable } from './interface-table.js';
import type { PageView } from './page-view.js';
import { RatePlot } from './rate-plot.js';
import { TalkMatrix } from './talk-matrix.js';

const PAIRS_ASKED = '300';
const FLOWS_OF_MATRIX = '100';

export class LivePage implements PageView {
  readonly title = 'Live';
  readonly element: HTMLElement;
  readonly #curves = new RateCurves();
  readonly #plot = new RatePlot({
    title: 'Bits per second over the last ten minutes',
    valueText: bitRateText,
    isStacked: true,
    height: 172,
  });
  readonly #ratesTitle = make('h2', {}, ratesTitle('interface and traffic type'));
  readonly #empty = make('p', { class: 'empty', role: 'status', hidden: true });
  readonly #interfaces: InterfaceTable;
  readonly #flows: FlowTable;
  readonly #matrix = new TalkMatrix((cell) => this.#openCell(cell));

  /** onChange: something else is to be asked for at once. */
  constructor(onChange: () => void) {
    this.#flows = new FlowTable(onChange);
    this.#interfaces = new InterfaceTable((name) => this.#flows.setFilter(`interface:${name}`));
    const rates = make(
      'section',
      { class: 'panel rates', 'aria-label': 'Rate, last 10 minutes' },
      this.#ratesTitle,
      this.#empty,
      this.#plot.element,
    );
    this.element = make(
      'div',
      { class: 'page live' },
      make('h1', { class: 'unseen' }, 'What arrives now'),
      make('div', { class: 'column' }, rates, this.#flows.element),
      make('div', { class: 'column' }, this.#interfaces.element, this.#matrix.element),
    );
  }

  focusFilter(): void {
    this.#flows.filter.focus();
    this.#flows.filter.select();
  }

  async ask(signal: AbortSignal, overview: Overview): Promise<void> {
    this.#interfaces.show(overview);
    setText(this.#empty, overview.empty === null ? '' : withFullStop(overview.empty));
    setAttributes(this.#empty, { hidden: overview.empty === null });
    await Promise.all([
      this.#flows.ask((params) => fetchAnswer<Flows>('flows', params, signal)),
      this.#askMatrix(signal, overview),
      this.#askHistory(signal, overview),
    ]);
  }

  onMessage(message: RefreshMessage): void {
    if (this.#curves.append(message)) this.#showCurves();
  }

  close(): void {
    this.#plot.close();
    this.#matrix.close();
  }

  /** Once; the messages carry it on. And again, where one of them is missing. */
  async #askHistory(signal: AbortSignal, overview: Overview): Promise<void> {
    const { refresh } = this.#curves;
    if (refresh >= 0 && overview.refresh >= refresh && overview.refresh <= refresh + 1) return;
    this.#curves.begin(await fetchAnswer<HistoryAnswer>('history', {}, signal));
    this.#showCurves();
  }

  #showCurves(): void {
    const { ends, grouping, curves } = this.#curves.read();
    setText(this.#ratesTitle, ratesTitle(grouping));
    this.#plot.show(ends, curves);
  }

  async #askMatrix(signal: AbortSignal, overview: Overview): Promise<void> {
    const filter = parseFlowFilter(this.#flows.filter.value);
    const queries = pairQueriesOf(filter, { top: PAIRS_ASKED });
    const answers = await Promise.all(queries.map((query) => fetchAnswer<Pairs>('pairs', query, signal)));
    const { room } = this.#matrix;
    const found = new Map(answers.flatMap(({ pairs }) => pairs.map((pair) => [pair.id, pair])));
    const pairs = [...found.values()].filter((pair) => pairMatchesTexts(pair, filter.texts));
    const isFiltered = this.#flows.filter.value.trim() !== '';
    if (pairs.length > 0 || (isFiltered && overview.pairs.count > 0)) {
      const matrix = matrixOfPairs(pairs, room, this.#matrix.shown('pairs'), unknownOf(answers));
      this.#matrix.show(matrix, { kind: 'pairs', empty: 'No RoCE pair matches the filter.', isFiltered });
      return;
    }
    const flows = await fetchAnswer<Flows>('flows', { top: FLOWS_OF_MATRIX }, signal);
    const empty = answers[0]?.empty;
    const why = withFullStop(flows.empty ?? empty ?? 'Nobody talks');
    this.#matrix.show(matrixOfFlows(flows.flows, room, this.#matrix.shown('flows')), {
      kind: 'flows',
      empty: why,
      isFiltered: false,
    });
  }

  #openCell(cell: MatrixCell): void {
    if (cell.pairId !== undefined) location.hash = hashOfPair(cell.pairId);
    else if (isNetwork(cell.src) && isNetwork(cell.dst)) {
      this.#flows.setFilter(`src:${cell.src} dst:${cell.dst}`);
    } else this.#flows.setFilter(`${cell.src} ${cell.dst}`);
  }
}

function ratesTitle(grouping: CurveGrouping): string {
  return `Rate by ${grouping}, last 10 minutes`;
}

/** What was not asked for. */
function unknownOf(answers: readonly Pairs[]): UnknownPairs {
  const rates = answers.map(({ rest, seconds }) =>
    seconds > 0 ? ((rest.payload_bytes ?? 0) * 8) / seconds : 0,
  );
  return {
    pairs: answers.reduce((sum, { rest }) => sum + rest.pairs, 0),
    bitsPerSecond: rates.reduce((sum, rate) => sum + rate, 0),
  };
}
