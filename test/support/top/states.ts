// SPDX-License-Identifier: Apache-2.0
// States of `top` as answers and keys make them. For tests only.

import { advance } from '../../../src/top/advance.js';
import type { Key, NamedKey } from '../../../src/top/keys.js';
import { ASCII_SYMBOLS, createPaint } from '../../../src/top/paint.js';
import { readOverview, readRowHistory, readTopFlows, readTopPairs } from '../../../src/top/read-answers.js';
import type { RenderParts } from '../../../src/top/render-header.js';
import { renderScreen } from '../../../src/top/render-screen.js';
import { firstState, type TopState } from '../../../src/top/state.js';
import { type FakeOptions, fakeAnswers } from './fake-exporter.js';

export const PLAIN_PARTS: RenderParts = {
  paint: createPaint('plain'),
  symbols: ASCII_SYMBOLS,
  clockText: (ms) => new Date(ms).toISOString().slice(11, 19),
};

export const SIZE_80X24 = { columns: 80, lines: 24 } as const;

/** With the answers of so many refreshes. */
export function stateOf(options: FakeOptions = {}, refresh = 50): TopState {
  return answered(firstState(SIZE_80X24, undefined), options, refresh);
}

export function answered(state: TopState, options: FakeOptions = {}, refresh = 50): TopState {
  const answers = fakeAnswers(refresh, options);
  const id = state.selectedId ?? '';
  return advance(state, {
    kind: 'answers',
    overview: readOverview(answers.overview),
    flows: readTopFlows(answers.flows),
    pairs: readTopPairs(answers.pairs),
    history: readRowHistory(answers.history, id, 'bits_per_second'),
  });
}

const NAMES: readonly NamedKey[] = [
  'up',
  'down',
  'left',
  'right',
  'page-up',
  'page-down',
  'home',
  'end',
  'enter',
  'tab',
  'escape',
  'backspace',
  'delete-line',
  'interrupt',
];

/** Words are names of keys; everything else is typed, character by character. */
export function press(state: TopState, ...keys: readonly string[]): TopState {
  const pressed = keys.flatMap((word): Key[] => {
    const name = NAMES.find((one) => one === word);
    return name === undefined ? [...word].map((text) => ({ name: 'text', text })) : [{ name }];
  });
  return pressed.reduce((now, key) => advance(now, { kind: 'key', key }), state);
}

export function screenOf(state: TopState): string[] {
  return renderScreen(state, PLAIN_PARTS).lines.map((line) => line.trimEnd());
}
