// SPDX-License-Identifier: Apache-2.0
// Whether all is well, first of all: a sentence, what else is not well, and the figures that one glances at.

import type { Overview } from '../model/answers.js';
import { countText, millisecondsText, UNKNOWN, withFullStop } from '../model/quantity.js';
import { keepChildren, make, setAttributes, setText } from './elements.js';

/** More stand folded below. */
const FINDINGS_SHOWN = 2;
const LEVELS: Readonly<Record<string, { readonly word: string; readonly sign: string }>> = {
  ok: { word: 'All is well', sign: '✓' },
  warning: { word: 'Worth a look', sign: '!' },
  problem: { word: 'Not well', sign: '✕' },
};

export class VerdictBar {
  readonly element: HTMLElement;
  readonly #sign = make('span', { class: 'sign', 'aria-hidden': 'true' });
  readonly #word = make('strong', {});
  readonly #sentence = make('span', { class: 'sentence' });
  readonly #findings = make('ul', { class: 'findings' });
  readonly #moreCount = make('summary', {});
  readonly #moreFindings = make('ul', { class: 'findings' });
  readonly #more: HTMLElement;
  readonly #figures = make('dl', { class: 'figures' });

  constructor() {
    this.#more = make('details', { class: 'more', hidden: true }, this.#moreCount, this.#moreFindings);
    const said = make('div', { role: 'status' }, this.#word, ' ', this.#sentence, this.#findings);
    this.element = make(
      'section',
      { class: 'verdict', 'aria-label': 'Is all well', 'data-level': 'unknown' },
      this.#sign,
      make('div', { class: 'said' }, said, this.#more),
      this.#figures,
    );
  }

  show(overview: Overview): void {
    const { verdict } = overview;
    const level = LEVELS[verdict.level] ?? { word: verdict.level, sign: '?' };
    setAttributes(this.element, { 'data-level': verdict.level, 'data-refresh': String(overview.refresh) });
    setText(this.#sign, level.sign);
    setText(this.#word, `${level.word}:`);
    setText(this.#sentence, withFullStop(verdict.sentence));
    const further = verdict.findings.slice(1).map(({ sentence }) => withFullStop(sentence));
    list(this.#findings, further.slice(0, FINDINGS_SHOWN));
    const folded = further.slice(FINDINGS_SHOWN);
    setAttributes(this.#more, { hidden: folded.length === 0 });
    setText(this.#moreCount, `${folded.length} more`);
    list(this.#moreFindings, folded);
    this.#showFigures(overview);
  }

  #showFigures({ series, pairs, push, exporter }: Overview): void {
    const figures: readonly (readonly [name: string, value: string])[] = [
      ['Flow series', `${countText(series.count)} of ${countText(series.limit)}`],
      ['RoCE pairs', countText(pairs.count)],
      ['Push', push.enabled ? (push.up === null ? UNKNOWN : push.up ? 'up' : 'down') : 'off'],
      ['Refresh', `${millisecondsText(exporter.refresh_ms)} every ${millisecondsText(exporter.interval_ms)}`],
    ];
    const rows = keepChildren(this.#figures, figures.length, () =>
      make('div', {}, make('dt', {}), make('dd', {})),
    );
    for (const [i, [name, value]] of figures.entries()) {
      const [term, text] = rows[i]?.children ?? [];
      if (term) setText(term, name);
      if (text) setText(text, value);
    }
  }
}

function list(element: Element, sentences: readonly string[]): void {
  const rows = keepChildren(element, sentences.length, () => make('li', {}));
  for (const [i, row] of rows.entries()) setText(row, sentences[i] ?? '');
}
