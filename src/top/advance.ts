// SPDX-License-Identifier: Apache-2.0
// One event, a key or an answer, and what `top` knows then. Pure.

import type { Overview, RowHistory, TopFlows, TopPairs } from './answers.js';
import type { Key } from './keys.js';
import { NO_FILTER, parseRowFilter } from './row-filter.js';
import { columnsOf, type Overlay, selectedIndexOf, type TopState, visibleRows } from './state.js';

export type TopEvent =
  | { readonly kind: 'key'; readonly key: Key }
  | { readonly kind: 'resize'; readonly size: TopState['size'] }
  | {
      readonly kind: 'answers';
      readonly overview: Overview;
      /** Those that were asked for. */
      readonly flows?: TopFlows;
      readonly pairs?: TopPairs;
      readonly history?: RowHistory;
      /** Why there are no rows: what was asked for cannot be. */
      readonly refusal?: string;
    }
  /** The exporter answers, and nothing is new. */
  | { readonly kind: 'here' }
  /** What the screen could show of an overlay that ends. */
  | { readonly kind: 'drawn'; readonly overlayScroll: number }
  | { readonly kind: 'gone'; readonly atMs: number; readonly sentence: string };

/** Longer than any filter; what is pasted beyond it is left out. */
const PROMPT_MAX_CHARS = 200;

export function advance(state: TopState, event: TopEvent): TopState {
  switch (event.kind) {
    case 'key':
      return state.prompt === undefined
        ? onKey(state, event.key)
        : onPromptKey(state, state.prompt, event.key);
    case 'resize':
      return { ...state, size: event.size };
    case 'answers':
      return onAnswers(state, event);
    case 'here':
      return state.gone === undefined ? state : { ...state, gone: undefined };
    case 'drawn':
      return { ...state, overlayScroll: event.overlayScroll };
    case 'gone':
      return { ...state, gone: { sinceMs: state.gone?.sinceMs ?? event.atMs, sentence: event.sentence } };
    default:
      return event satisfies never;
  }
}

function onAnswers(state: TopState, event: Extract<TopEvent, { kind: 'answers' }>): TopState {
  const here = { ...state, gone: undefined, refusal: event.refusal };
  if (state.isPaused && state.overview !== undefined)
    return { ...here, history: event.history ?? state.history };
  const { overview, flows = state.flows, pairs = state.pairs, history = state.history } = event;
  const peaks = new Map(
    overview.interfaces.map(({ name, windows }): [string, number] => [
      name,
      Math.max(state.peaks.get(name) ?? 0, ...windows.map(({ bitsPerSecond }) => bitsPerSecond)),
    ]),
  );
  return keepSelection({ ...here, overview, flows, pairs, history, peaks });
}

/** The selected row stays selected wherever it stands now; where it is gone, the one in its place is. */
function keepSelection(state: TopState): TopState {
  if (state.selectedId === undefined || state.overlay === 'details') return state;
  const rows = visibleRows(state);
  const index = selectedIndexOf(state, rows);
  return { ...state, selectedIndex: Math.max(0, index), selectedId: rows[index]?.id };
}

function onKey(state: TopState, key: Key): TopState {
  const { overlay } = state;
  switch (key.name) {
    case 'interrupt':
      return { ...state, isDone: true };
    case 'escape':
      if (overlay !== 'none') return show(state, 'none');
      return state.filter.text === ''
        ? { ...state, selectedId: undefined, selectedIndex: 0 }
        : unfiltered(state);
    case 'enter':
      if (overlay !== 'none') return show(state, 'none');
      return openDetails(state);
    case 'tab':
      return otherKind(state);
    case 'up':
      return move(state, -1);
    case 'down':
      return move(state, 1);
    case 'page-up':
      return move(state, -pageLines(state));
    case 'page-down':
      return move(state, pageLines(state));
    case 'home':
      return move(state, Number.NEGATIVE_INFINITY);
    case 'end':
      return move(state, Number.POSITIVE_INFINITY);
    case 'left':
      return sortBeside(state, -1);
    case 'right':
      return sortBeside(state, 1);
    case 'text':
      return onCharacter(state, key.text);
    default:
      return state;
  }
}

function onCharacter(state: TopState, character: string): TopState {
  switch (character) {
    case 'q':
      return state.overlay === 'none' ? { ...state, isDone: true } : show(state, 'none');
    case 'h':
    case '?':
      return show(state, state.overlay === 'help' ? 'none' : 'help');
    case 'v':
      return show(state, state.overlay === 'findings' ? 'none' : 'findings');
    case 's':
    case '>':
      return sortBeside(state, 1);
    case 'S':
    case '<':
      return sortBeside(state, -1);
    case 'r':
      return sorted(state, state.sort[state.kind].key, !state.sort[state.kind].isReversed);
    case '/':
      return { ...show(state, 'none'), prompt: { text: state.filter.text, problem: '' } };
    case 'p':
    case ' ':
      return { ...state, isPaused: !state.isPaused };
    case 'i':
      return nextInterface(state);
    case 't':
      return otherKind(state);
    case 'k':
      return move(state, -1);
    case 'j':
      return move(state, 1);
    default:
      return state;
  }
}

function onPromptKey(state: TopState, prompt: NonNullable<TopState['prompt']>, key: Key): TopState {
  const { text } = prompt;
  const typed = (next: string): TopState => ({
    ...state,
    prompt: { text: next.slice(0, PROMPT_MAX_CHARS), problem: '' },
  });
  switch (key.name) {
    case 'interrupt':
    case 'escape':
      return { ...state, prompt: undefined };
    case 'enter': {
      const filter = parseRowFilter(text);
      if ('problem' in filter) return { ...state, prompt: { text, problem: filter.problem } };
      return keepSelection({ ...state, prompt: undefined, filter });
    }
    case 'backspace':
      return typed([...text].slice(0, -1).join(''));
    case 'delete-line':
      return typed('');
    case 'text':
      return typed(text + key.text);
    default:
      return state;
  }
}

function show(state: TopState, overlay: Overlay): TopState {
  return { ...state, overlay, overlayScroll: 0, history: undefined };
}

function openDetails(state: TopState): TopState {
  const rows = visibleRows(state);
  const index = Math.max(0, selectedIndexOf(state, rows));
  const row = rows[index];
  return row === undefined ? state : { ...show(state, 'details'), selectedId: row.id, selectedIndex: index };
}

function unfiltered(state: TopState): TopState {
  return { ...state, filter: NO_FILTER };
}

function otherKind(state: TopState): TopState {
  const kind = state.kind === 'flows' ? 'pairs' : 'flows';
  return { ...show(state, 'none'), kind, selectedId: undefined, selectedIndex: 0 };
}

/** All, then each that the exporter has, then all again. */
function nextInterface(state: TopState): TopState {
  const names = [undefined, ...(state.overview?.interfaces ?? []).map(({ rawName }) => rawName)];
  const interfaceName = names[(names.indexOf(state.interfaceName) + 1) % names.length];
  return { ...state, interfaceName, selectedId: undefined, selectedIndex: 0 };
}

function sortBeside(state: TopState, step: number): TopState {
  if (state.overlay !== 'none') return state;
  const { kind } = state;
  const keys = columnsOf(kind).flatMap(({ key, sort }) => (sort === undefined ? [] : [key]));
  const at = keys.indexOf(state.sort[kind].key);
  return sorted(state, keys[(at + step + keys.length) % keys.length] ?? '', false);
}

function sorted(state: TopState, key: string, isReversed: boolean): TopState {
  return keepSelection({ ...state, sort: { ...state.sort, [state.kind]: { key, isReversed } } });
}

/** Above and below the rows are about as many lines. */
const LINES_AROUND = 8;

function pageLines({ size }: TopState): number {
  return Math.max(1, size.lines - LINES_AROUND);
}

function move(state: TopState, by: number): TopState {
  if (state.overlay !== 'none') {
    // Where it ends is known when it is drawn.
    const scroll = Number.isFinite(by) ? state.overlayScroll + by : by < 0 ? 0 : OVERLAY_LINES_MAX;
    return { ...state, overlayScroll: Math.min(OVERLAY_LINES_MAX, Math.max(0, scroll)) };
  }
  const rows = visibleRows(state);
  if (rows.length === 0) return state;
  // The first key shows where the selection is.
  const from = state.selectedId === undefined ? (by > 0 ? -1 : 0) : selectedIndexOf(state, rows);
  const index = Math.min(rows.length - 1, Math.max(0, from + by));
  return { ...state, selectedIndex: index, selectedId: rows[index]?.id };
}

const OVERLAY_LINES_MAX = 10_000;
