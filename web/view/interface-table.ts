// SPDX-License-Identifier: Apache-2.0
// The interfaces: how each is watched, and what comes in. A press on a name filters the flows by it.

import type { Overview, WatchedInterface } from '../model/answers.js';
import { bitRateText, bytesText, packetRateText, UNKNOWN } from '../model/quantity.js';
import { keepChildren, make, panel, setAttributes, setShare, setText } from './elements.js';

const WORDS_OF_VISIBILITY: Readonly<Record<string, string>> = {
  hidden_offload: 'RoCE hidden by offload',
  hidden_infiniband: 'InfiniBand, hidden',
  visible_soft: 'soft-RoCE',
  mirror: 'mirrored RoCE',
};

export class InterfaceTable {
  readonly element: HTMLElement;
  readonly #body = make('tbody', {});

  constructor(onChosen: (name: string) => void) {
    const head = ['Interface', 'Watched', 'Now', '10 s mean', 'Packets', 'Total'].map((title, i) =>
      make('th', { scope: 'col', class: i < 2 ? '' : 'number' }, title),
    );
    const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), this.#body);
    this.#body.addEventListener('click', (event) => {
      const button = event.target instanceof Element ? event.target.closest('button') : null;
      if (button !== null) onChosen(button.textContent ?? '');
    });
    this.element = panel(
      'Interfaces',
      { class: 'panel interfaces' },
      make(
        'div',
        { class: 'scroll', tabindex: '0', role: 'group', 'aria-label': 'Interfaces, table' },
        table,
      ),
    );
  }

  show({ interfaces }: Overview): void {
    const most = interfaces.reduce((top, one) => Math.max(top, one.bits_per_second), 0);
    const rows = keepChildren(this.#body, interfaces.length, createRow);
    for (const [i, row] of rows.entries()) {
      const one = interfaces[i];
      if (one !== undefined) fillRow(row, one, most);
    }
  }
}

function createRow(): Element {
  const name = make('button', { type: 'button', class: 'plain', title: 'Show its flows alone' });
  const cells = ['rate bar', 'mean', 'packets', 'total'].map((kind) =>
    make('td', { class: `number ${kind}` }),
  );
  return make('tr', {}, make('th', { scope: 'row' }, name), make('td', {}), ...cells);
}

function fillRow(row: Element, one: WatchedInterface, most: number): void {
  const [head, state, rate, mean, packets, total] = row.children;
  const mean10 = one.windows.find(({ asked_seconds: asked }) => asked === 10);
  setAttributes(row, { 'data-interface': one.name, 'data-attached': String(one.attached) });
  if (head?.firstElementChild) setText(head.firstElementChild, one.name);
  if (state) {
    setText(state, stateText(one));
    setAttributes(state, { title: stateText(one) });
  }
  if (rate instanceof HTMLElement) {
    setText(rate, bitRateText(one.bits_per_second));
    setShare(rate, most > 0 ? one.bits_per_second / most : 0);
  }
  if (mean) setText(mean, mean10 === undefined ? UNKNOWN : bitRateText(mean10.bits_per_second));
  if (packets) setText(packets, packetRateText(one.packets_per_second));
  if (total) setText(total, bytesText(one.total_bytes));
}

function stateText(one: WatchedInterface): string {
  if (one.name === 'any') return 'others';
  const mode = one.attached ? (one.mode ?? 'yes') : 'not attached';
  const roce = one.roce_visibility.flatMap(({ state }) => WORDS_OF_VISIBILITY[state] ?? []);
  return [mode, ...new Set(roce)].join(', ');
}
