// SPDX-License-Identifier: Apache-2.0
// The first page: rates over ten minutes, interfaces, the largest flows, and who talks to whom.

import type { Flows, HistoryAnswer, Overview, Pairs, RefreshMessage } from '../model/answers.js';
import { isNetwork } from '../model/flow-filter.js';
import { hashOfPair } from '../model/hash-route.js';
import { type MatrixCell, matrixOfFlows, matrixOfPairs } from '../model/matrix.js';
import { bitRateText, withFullStop } from '../model/quantity.js';
import { RateCurves } from '../model/rate-curves.js';
import { make, panel, setAttributes, setText } from './elements.js';
import { fetchAnswer } from './exporter-link.js';
import { FlowTable } from './flow-table.js';
import { InterfaceTable } from './interface-table.js';
import type { PageView } from './page-view.js';
import { RatePlot } from './rate-plot.js';
import { TalkMatrix } from './talk-matrix.js';

const PAIRS_ASKED = '300';
const FLOWS_OF_MATRIX = '100';
const HOSTS_SHOWN = 16;

export class LivePage implements PageView {
  readonly title = 'Live';
  readonly element: HTMLElement;
  readonly #curves = new RateCurves();
  readonly #plot = new RatePlot({
    title: 'Bits per second by interface and traffic type over the last ten minutes',
    valueText: bitRateText,
    isStacked: true,
    height: 172,
  });
  readonly #empty = make('p', { class: 'empty', role: 'status', hidden: true });
  readonly #interfaces: InterfaceTable;
  readonly #flows: FlowTable;
  readonly #matrix = new TalkMatrix((cell) => this.#openCell(cell));

  /** onChange: something else is to be asked for at once. */
  constructor(onChange: () => void) {
    this.#flows = new FlowTable(onChange);
    this.#interfaces = new InterfaceTable((name) => this.#flows.setFilter(`interface:${name}`));
    const rates = panel(
      'Rate by interface and traffic type, last 10 minutes',
      { class: 'panel rates' },
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
      this.#askMatrix(signal),
      this.#askHistory(signal, overview),
    ]);
  }

  onMessage(message: RefreshMessage): void {
    if (this.#curves.append(message)) this.#showCurves();
  }

  close(): void {
    this.#plot.close();
  }

  /** Once; the messages carry it on. And again, where one of them is missing. */
  async #askHistory(signal: AbortSignal, overview: Overview): Promise<void> {
    const { refresh } = this.#curves;
    if (refresh >= 0 && overview.refresh >= refresh && overview.refresh <= refresh + 1) return;
    this.#curves.begin(await fetchAnswer<HistoryAnswer>('history', {}, signal));
    this.#showCurves();
  }

  #showCurves(): void {
    const { ends, curves } = this.#curves.read();
    this.#plot.show(ends, curves);
  }

  async #askMatrix(signal: AbortSignal): Promise<void> {
    const pairs = await fetchAnswer<Pairs>('pairs', { top: PAIRS_ASKED }, signal);
    if (pairs.pairs.length > 0) {
      this.#matrix.show(matrixOfPairs(pairs.pairs, HOSTS_SHOWN), 'pairs', '');
      return;
    }
    const flows = await fetchAnswer<Flows>('flows', { top: FLOWS_OF_MATRIX }, signal);
    const why = withFullStop(flows.empty ?? pairs.empty ?? 'Nobody talks');
    this.#matrix.show(matrixOfFlows(flows.flows, HOSTS_SHOWN), 'flows', why);
  }

  #openCell(cell: MatrixCell): void {
    if (cell.pairId !== undefined) location.hash = hashOfPair(cell.pairId);
    else if (isNetwork(cell.src) && isNetwork(cell.dst)) {
      this.#flows.setFilter(`src:${cell.src} dst:${cell.dst}`);
    } else this.#flows.setFilter(`${cell.src} ${cell.dst}`);
  }
}
