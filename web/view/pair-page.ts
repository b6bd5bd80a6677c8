// SPDX-License-Identifier: Apache-2.0
// One RoCE pair: what is not well in words, its numbers, and both over ten minutes.

import type { HistoryAnswer, Pairs, RocePair } from '../model/answers.js';
import { endsOfPair, hashOfPair } from '../model/hash-route.js';
import {
  curvesOf,
  curvesWithAnything,
  pairNumbers,
  RATE_COLUMNS,
  TROUBLE_COLUMNS,
} from '../model/pair-numbers.js';
import { bitRateText, siText, withFullStop } from '../model/quantity.js';
import { keepChildren, make, panel, setAttributes, setText } from './elements.js';
import { fetchAnswer } from './exporter-link.js';
import type { PageView } from './page-view.js';
import { RatePlot } from './rate-plot.js';

export class PairPage implements PageView {
  readonly title: string;
  readonly element: HTMLElement;
  readonly #pairId: string;
  readonly #words = make('ul', { class: 'words' });
  readonly #numbers = make('tbody', {});
  readonly #back = make('a', { href: '#/', hidden: true });
  readonly #rates = new RatePlot({
    title: 'Bits per second of the pair over the last ten minutes',
    valueText: bitRateText,
    isStacked: false,
    height: 210,
  });
  readonly #troubles = new RatePlot({
    title: 'Trouble of the pair, each per second, over the last ten minutes',
    valueText: (value) => siText(value, '/s'),
    isStacked: false,
    height: 210,
  });

  constructor(pairId: string) {
    this.#pairId = pairId;
    const ends = endsOfPair(pairId);
    this.title = ends === undefined ? 'RoCE pair' : `${ends.src} to ${ends.dst}`;
    const where = ends === undefined ? '' : ` through ${ends.interface}`;
    const head = ['', 'Now', 'Since it began'].map((title, i) =>
      i === 0 ? make('td', {}) : make('th', { scope: 'col', class: 'number' }, title),
    );
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), this.#numbers);
    this.element = make(
      'div',
      { class: 'page pair' },
      make(
        'div',
        { class: 'page-head' },
        make('h1', {}, `RoCE: ${this.title}${where}`),
        make('p', {}, make('a', { href: '#/' }, 'All pairs'), ' ', this.#back),
        make('div', { role: 'status' }, this.#words),
      ),
      make(
        'div',
        { class: 'column' },
        panel('Rate, last 10 minutes', { class: 'panel' }, this.#rates.element),
        panel('Trouble, last 10 minutes', { class: 'panel' }, this.#troubles.element),
      ),
      make('div', { class: 'column' }, panel('Numbers', { class: 'panel numbers' }, table)),
    );
  }

  async ask(signal: AbortSignal): Promise<void> {
    const ends = endsOfPair(this.#pairId);
    if (ends === undefined) {
      this.#showWords(['This address names no pair; the matrix on the first page leads to them.'], false);
      return;
    }
    const asked = { interface: ends.interface, src: ends.src, dst: ends.dst };
    const turned = { interface: ends.interface, src: ends.dst, dst: ends.src };
    const [pairs, back, history] = await Promise.all([
      fetchAnswer<Pairs>('pairs', asked, signal),
      fetchAnswer<Pairs>('pairs', turned, signal),
      fetchAnswer<HistoryAnswer>('history', { pair: this.#pairId }, signal),
    ]);
    this.#showBack(back.pairs[0]);
    const pair = pairs.pairs.find(({ id }) => id === this.#pairId);
    if (pair === undefined) {
      this.#showWords(
        [`This pair has no series now. ${withFullStop(pairs.empty ?? 'It fell silent')}`],
        false,
      );
    } else {
      // What the other end asks for and refuses comes the other way.
      this.#showPair(pair, back.pairs[0], pairs.seconds);
    }
    this.#rates.show(
      history.ends_ms.map((ms) => ms / 1000),
      curvesOf(history, RATE_COLUMNS),
    );
    this.#troubles.show(
      history.ends_ms.map((ms) => ms / 1000),
      curvesWithAnything(curvesOf(history, TROUBLE_COLUMNS)),
    );
  }

  onMessage(): void {
    // All of it is asked for.
  }

  close(): void {
    this.#rates.close();
    this.#troubles.close();
  }

  #showPair(pair: RocePair, back: RocePair | undefined, seconds: number): void {
    const said = [...pair.trouble, ...(back?.trouble ?? [])].map(({ sentence }) => withFullStop(sentence));
    const isKnown = pair.payload_bits_per_second !== null;
    const well = isKnown
      ? `No trouble in the last ${seconds.toFixed(1)} s.`
      : 'What happens now is known from the next refresh on.';
    this.#showWords(said.length > 0 ? said : [well], said.length > 0);
    const numbers = pairNumbers(pair, seconds);
    const rows = keepChildren(this.#numbers, numbers.length, () =>
      make(
        'tr',
        {},
        make('th', { scope: 'row' }),
        make('td', { class: 'number' }),
        make('td', { class: 'number' }),
      ),
    );
    for (const [i, row] of rows.entries()) {
      const number = numbers[i];
      const [name, now, total] = row.children;
      setAttributes(row, { class: number?.isTrouble ? 'trouble' : '' });
      if (name) setText(name, number?.name ?? '');
      if (now) setText(now, number?.now ?? '');
      if (total) setText(total, number?.total ?? '');
    }
  }

  #showWords(sentences: readonly string[], isTrouble: boolean): void {
    setAttributes(this.#words, { class: isTrouble ? 'words trouble' : 'words' });
    const rows = keepChildren(this.#words, sentences.length, () => make('li', {}));
    for (const [i, row] of rows.entries()) setText(row, sentences[i] ?? '');
  }

  #showBack(pair: RocePair | undefined): void {
    setAttributes(this.#back, { hidden: pair === undefined });
    if (pair === undefined) return;
    setAttributes(this.#back, { href: hashOfPair(pair.id) });
    setText(this.#back, `The other way: ${pair.src_ip} to ${pair.dst_ip}`);
  }
}
