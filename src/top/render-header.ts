// SPDX-License-Identifier: Apache-2.0
// What stands above the rows: who answers, whether all is well, and what each interface carries. Pure.

import type { InterfaceRate, Overview } from './answers.js';
import { barText, type Paint, type Symbols } from './paint.js';
import { bitRateText, bytesText, countText } from './rate-text.js';
import type { TopState } from './state.js';
import { fitText, padEnd, padStart, textWidth } from './text-width.js';

export interface RenderParts {
  readonly paint: Paint;
  readonly symbols: Symbols;
  /** Milliseconds since 1970 as a time of day here. */
  clockText(ms: number): string;
}

const ASKED_SECONDS = [2, 10, 40] as const;

/** `5s`, `10s`, `40s`: over how long the windows go, where that is not what was asked for. */
export function windowTitles(overview: Overview | undefined): string[] {
  const windows = overview?.interfaces[0]?.windows ?? [];
  return ASKED_SECONDS.map((asked, i) => {
    const seconds = windows[i]?.seconds ?? asked;
    const isAsIs = seconds <= 0 || Math.abs(seconds - asked) < asked / 4;
    return `${isAsIs ? asked : seconds < 9.95 ? Number(seconds.toFixed(1)) : Math.round(seconds)}s`;
  });
}

/** Below that, the time goes: without a name it says nothing. */
const TITLE_MIN = 20;

export function renderTitle(state: TopState, width: number, parts: RenderParts): string {
  const { overview } = state;
  if (overview === undefined) return padEnd('xtrace-catch top', width, parts.symbols.ellipsis);
  const { version, hostIp, collectAgg, series, pairs, atMs, intervalMs } = overview;
  const host = [hostIp, collectAgg === 'default' ? '' : collectAgg].filter((text) => text !== '').join(' ');
  const counts = [
    `${countText(series.flows)} flows`,
    ...(pairs.count > 0 ? [`${countText(pairs.count)} pairs`] : []),
    `${countText(series.count)} of ${countText(series.limit)} series`,
  ].join(', ');
  const right = `${state.isPaused ? 'PAUSED ' : ''}${parts.clockText(atMs)} every ${intervalMs / 1000} s`;
  const left = `xtrace-catch ${version} ${host}  ${counts}`;
  const room = width - textWidth(right) - 1;
  const { paint, symbols } = parts;
  if (room < TITLE_MIN) return paint('strong', padEnd(left, width, symbols.ellipsis));
  return `${paint('strong', padEnd(left, room, symbols.ellipsis))} ${right}`;
}

/** One line: who is gone, or whether all is well. */
export function renderVerdict(
  state: TopState,
  width: number,
  { paint, symbols, clockText }: RenderParts,
): string {
  const { overview, gone } = state;
  if (gone !== undefined) {
    const text = `gone since ${clockText(gone.sinceMs)}, trying again: ${gone.sentence}`;
    return paint('problem', padEnd(text, width, symbols.ellipsis));
  }
  if (overview === undefined) return padEnd('waiting for the first answer', width, symbols.ellipsis);
  const { level, sentence, findings } = overview.verdict;
  const more = findings.length > 1 ? ` (v: all ${findings.length})` : '';
  const head = level === 'ok' ? 'OK: ' : level === 'warning' ? 'WARNING: ' : 'PROBLEM: ';
  const text = padEnd(head + sentence, Math.max(0, width - more.length), symbols.ellipsis);
  return paint(level, text) + fitText(more, width, '');
}

/** A line of titles and one for each interface, at most `most`; then how many more there are. */
export function renderInterfaces(state: TopState, width: number, most: number, parts: RenderParts): string[] {
  const { overview, interfaceName } = state;
  const all = overview?.interfaces ?? [];
  const chosen = interfaceName === undefined ? all : all.filter(({ rawName }) => rawName === interfaceName);
  if (overview === undefined || all.length === 0) return [];
  if (chosen.length === 0) return [padEnd('this interface is no longer there; i: all', width, '')];
  const shown = chosen.length > most ? chosen.slice(0, Math.max(0, most - 1)) : chosen;
  const nameColumns = Math.max(9, ...shown.map(({ name }) => textWidth(name)));
  const head = [
    padEnd('interface', nameColumns, ''),
    padEnd('mode', 7, ''),
    ...[...windowTitles(overview), 'pkt/s', 'total'].map((title) => padStart(title, 7, '')),
  ].join(' ');
  const rest = chosen.length - shown.length;
  return [
    parts.paint('faint', padEnd(head, width, '')),
    ...shown.map((one) => interfaceLine(one, state.peaks.get(one.name) ?? 0, { width, nameColumns }, parts)),
    ...(rest > 0 ? [padEnd(`and ${rest} more interfaces (i: one after the other)`, width, '')] : []),
  ];
}

function interfaceLine(
  one: InterfaceRate,
  peak: number,
  { width, nameColumns }: { readonly width: number; readonly nameColumns: number },
  { paint, symbols }: RenderParts,
): string {
  const name = padEnd(one.name, nameColumns, symbols.ellipsis);
  if (!one.isAttached) {
    return paint('problem', padEnd(`${name} not attached: ${one.note}`, width, symbols.ellipsis));
  }
  const rates = one.windows
    .slice(0, 3)
    .map(({ bitsPerSecond }) => padStart(bitRateText(bitsPerSecond), 7, ''));
  const text = [
    name,
    padEnd(one.mode, 7, ''),
    ...rates,
    padStart(countText(one.packetsPerSecond), 7, ''),
    padStart(bytesText(one.totalBytes), 7, ''),
  ].join(' ');
  const barColumns = width - textWidth(text) - 1;
  if (barColumns < 3) return padEnd(text, width, symbols.ellipsis);
  const share = peak > 0 ? (one.windows[0]?.bitsPerSecond ?? 0) / peak : 0;
  return `${text} ${paint('bar', barText(share, Math.min(40, barColumns), symbols))}`;
}
