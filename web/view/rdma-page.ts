// SPDX-License-Identifier: Apache-2.0
// RDMA ports: their rate against the link's, the counters that grow, and the rest folded away.

import type { Rdma, RdmaCounter, RdmaPort } from '../model/answers.js';
import { bitRateText, countText, percentText, siText, spanText, withFullStop } from '../model/quantity.js';
import { keepChildren, make, panel, setAttributes, setShare, setText } from './elements.js';
import { fetchAnswer } from './exporter-link.js';
import type { PageView } from './page-view.js';

export class RdmaPage implements PageView {
  readonly title = 'RDMA';
  readonly element: HTMLElement;
  readonly #note = make('p', { class: 'empty', role: 'status', hidden: true });
  readonly #ports = make('div', { class: 'ports' });
  readonly #cards = new Map<string, PortCard>();

  constructor() {
    this.element = make(
      'div',
      { class: 'page rdma' },
      make('div', { class: 'page-head' }, make('h1', {}, 'RDMA ports'), this.#note),
      this.#ports,
    );
  }

  async ask(signal: AbortSignal): Promise<void> {
    const rdma = await fetchAnswer<Rdma>('rdma', {}, signal);
    setText(this.#note, rdma.empty === null ? '' : withFullStop(rdma.empty));
    setAttributes(this.#note, { hidden: rdma.empty === null });
    const named = rdma.ports.map((port): [string, RdmaPort] => [`${port.device} port ${port.port}`, port]);
    const names = new Set(named.map(([name]) => name));
    for (const [name, card] of this.#cards) {
      if (names.has(name)) continue;
      card.element.remove();
      this.#cards.delete(name);
    }
    for (const [name, port] of named) {
      let card = this.#cards.get(name);
      if (card === undefined) {
        card = new PortCard(port.port === 0 ? `${port.device}, whole device` : name);
        this.#cards.set(name, card);
        this.#ports.append(card.element);
      }
      card.show(port, rdma);
    }
  }

  onMessage(): void {
    // All of it is asked for.
  }

  close(): void {
    this.#cards.clear();
  }
}

class PortCard {
  readonly element: HTMLElement;
  readonly #facts = make('p', { class: 'note' });
  readonly #received = createMeter('Received');
  readonly #transmitted = createMeter('Transmitted');
  readonly #growing = make('tbody', {});
  readonly #growingTitle = make('h3', {});
  readonly #still = make('tbody', {});
  readonly #stillCount = make('summary', {});
  readonly #folded: HTMLElement;

  constructor(name: string) {
    this.#folded = make(
      'details',
      {},
      this.#stillCount,
      make('table', {}, head(['Counter', 'Value']), this.#still),
    );
    this.element = panel(
      name,
      { class: 'panel port' },
      this.#facts,
      this.#received,
      this.#transmitted,
      this.#growingTitle,
      make(
        'div',
        { class: 'scroll' },
        make('table', {}, head(['Counter', 'Now', 'Grown', 'Value']), this.#growing),
      ),
      this.#folded,
    );
  }

  show(port: RdmaPort, { recent_seconds: recentSeconds }: Rdma): void {
    const link = port.link_bits_per_second;
    const facts = [
      port.answered ? '' : 'the card did not answer the last reading',
      port.netdevs.length > 0 ? `carries ${port.netdevs.join(', ')}` : '',
      port.driver,
      port.link_layer,
      [port.state, port.physical_state].filter((word) => word !== '').join(', '),
      link === null || link === 0 ? 'link speed unknown' : `link ${bitRateText(link)}`,
    ];
    setText(this.#facts, facts.filter((fact) => fact !== '' && fact !== null).join(' · '));
    showMeter(this.#received, port.received_bits_per_second, port.received_share);
    showMeter(this.#transmitted, port.transmitted_bits_per_second, port.transmitted_share);
    const growing = port.counters.filter(({ grown_recently: grown }) => (grown ?? 0) > 0);
    const still = port.counters.filter((one) => !growing.includes(one));
    const span = recentSeconds === null ? '' : ` in the last ${spanText(recentSeconds * 1000)}`;
    setText(
      this.#growingTitle,
      growing.length === 0 ? `No counter has grown${span}` : `Counters that have grown${span}`,
    );
    setAttributes(this.#growing.parentElement ?? this.#growing, { hidden: growing.length === 0 });
    fillRows(this.#growing, growing, (one) => [
      one.name,
      one.grown === null || !port.seconds ? '–' : siText(one.grown / port.seconds, '/s'),
      countText(one.grown_recently),
      countText(one.value),
    ]);
    setAttributes(this.#folded, { hidden: still.length === 0 });
    setText(this.#stillCount, `${countText(still.length)} counters that have not grown`);
    fillRows(this.#still, still, (one) => [one.name, countText(one.value)]);
  }
}

function head(titles: readonly string[]): HTMLElement {
  const cells = titles.map((title, i) => make('th', { scope: 'col', class: i === 0 ? '' : 'number' }, title));
  return make('thead', {}, make('tr', {}, ...cells));
}

function fillRows(
  body: Element,
  counters: readonly RdmaCounter[],
  textsOf: (counter: RdmaCounter) => readonly string[],
): void {
  const rows = keepChildren(body, counters.length, () => make('tr', {}, make('th', { scope: 'row' })));
  for (const [i, row] of rows.entries()) {
    const counter = counters[i];
    const texts = counter === undefined ? [] : textsOf(counter);
    const cells = keepChildren(row, texts.length, () => make('td', { class: 'number' }));
    for (const [column, cell] of cells.entries()) setText(cell, texts[column] ?? '');
  }
}

function createMeter(name: string): HTMLElement {
  return make(
    'div',
    { class: 'meter' },
    make('span', {}, name),
    make('span', { class: 'track', 'aria-hidden': 'true' }, make('i', {})),
    make('b', {}),
  );
}

function showMeter(meter: HTMLElement, rate: number | null, share: number | null): void {
  const [, track, text] = meter.children;
  const bar = track?.firstElementChild;
  if (bar instanceof HTMLElement) setShare(bar, share ?? 0);
  if (text) {
    setText(
      text,
      share === null ? bitRateText(rate) : `${bitRateText(rate)}, ${percentText(share)} of the link`,
    );
  }
}
