// SPDX-License-Identifier: Apache-2.0
// What takes the place of the rows when it is asked for: the keys, all findings, one row in full. Pure.

import type { FlowRate, PairRate } from './answers.js';
import { sparkline } from './paint.js';
import { bitRateText, bytesText, countText, shareText } from './rate-text.js';
import { type RenderParts, windowTitles } from './render-header.js';
import type { TopState } from './state.js';
import { fitText, wrapText } from './text-width.js';

const HELP: readonly (readonly [keys: string, what: string])[] = [
  ['up down PgUp PgDn Home End', 'select a row; j k as well'],
  ['Enter', 'all about the row, and its last ten minutes'],
  ['t Tab', 'flows, or pairs of RoCE hosts'],
  ['s S, right left', 'sort by the next column, the one before'],
  ['r', 'smallest first'],
  ['/', 'filter; an empty one shows all'],
  ['', 'any text, a network: 10.0.0.0/8; of all flows:'],
  ['', 'src:10.0.0.7 dst:10.0.0.0/8 type:tcp; all must hold'],
  ['i', 'the next interface alone, then all again'],
  ['p Space', 'pause: what is shown stands still'],
  ['v', 'all that is not well, and what to do'],
  ['Ctrl-L Ctrl-Z', 'draw anew; back to the shell (fg returns)'],
  ['Esc', 'back; without the filter; without a selection'],
  ['q Ctrl-C', 'end'],
];

/** Columns before what a key does; below so many for that, its line is cut. */
const HELP_INDENT = 29;
const HELP_WORDS_MIN = 20;

/** Lines of any number; the caller shows those for which there is room. */
export function overlayLines(state: TopState, width: number, parts: RenderParts): string[] {
  switch (state.overlay) {
    case 'help':
      return helpLines(width, parts);
    case 'findings':
      return findingLines(state, width, parts);
    case 'details':
      return detailLines(state, width, parts);
    case 'none':
      return [];
    default:
      return state.overlay satisfies never;
  }
}

function helpLines(width: number, { paint, symbols }: RenderParts): string[] {
  const rows = HELP.flatMap(([keys, what]) => {
    const room = width - HELP_INDENT;
    if (room < HELP_WORDS_MIN)
      return [fitText(`  ${keys.padEnd(HELP_INDENT - 2)}${what}`, width, symbols.ellipsis)];
    return wrapText(what, room).map((line, i) => `  ${(i === 0 ? keys : '').padEnd(HELP_INDENT - 2)}${line}`);
  });
  const about =
    'Rates are bits per second of whole frames, of pairs their payload; bars show the column that sorts. NAK, RNR, gaps ' +
    'and rexm (retransmitted) are counts of the last interval. ! is a pair with trouble.';
  return [paint('heading', fitText(' Keys ', width, '')), ...rows, ...wrapText(about, width)];
}

function findingLines({ overview }: TopState, width: number, { paint }: RenderParts): string[] {
  const findings = overview?.verdict.findings ?? [];
  const lines = findings.flatMap(({ level, sentence }) => {
    const style = level === 'problem' ? 'problem' : 'warning';
    return wrapText(sentence, width - 2).map((line, i) =>
      i === 0 ? `${paint(style, '*')} ${line}` : `  ${line}`,
    );
  });
  const empty = overview?.empty;
  return [
    paint('heading', fitText(' Findings ', width, '')),
    ...(findings.length === 0 ? wrapText(overview?.verdict.sentence ?? '', width) : lines),
    ...(empty === undefined ? [] : wrapText(empty, width)),
  ];
}

function detailLines(state: TopState, width: number, parts: RenderParts): string[] {
  const { selectedId: id } = state;
  const flow = state.kind === 'flows' ? state.flows?.rows.find((row) => row.id === id) : undefined;
  const pair = state.kind === 'pairs' ? state.pairs?.rows.find((row) => row.id === id) : undefined;
  const row = flow ?? pair;
  if (row === undefined) return wrapText('It is no longer among the rows that the exporter sends.', width);
  const { paint, symbols } = parts;
  const field = (name: string, value: string): string =>
    fitText(`  ${name.padEnd(22)} ${value}`, width, symbols.ellipsis);
  const titles = windowTitles(state.overview);
  const rates = row.windows.map(
    ({ bitsPerSecond }, i) => `${bitRateText(bitsPerSecond)} (${titles[i] ?? ''})`,
  );
  const arrow = `${row.source} > ${row.destination}`;
  return [
    paint(
      'heading',
      fitText(` ${pair === undefined ? 'Flow' : 'RoCE pair'} ${arrow} `, width, symbols.ellipsis),
    ),
    ...(pair?.trouble ?? []).flatMap((sentence) =>
      wrapText(sentence, width - 2).map((line, i) =>
        i === 0 ? `${paint('problem', '!')} ${line}` : `  ${line}`,
      ),
    ),
    field(
      'bits per second',
      rates.length > 0 ? rates.join('  ') : `${bitRateText(row.bitsPerSecond)} (not followed)`,
    ),
    field('packets per second', countText(row.packetsPerSecond)),
    field('in all', `${bytesText(row.totalBytes)}, ${countText(row.totalPackets)} packets`),
    ...(row.beganMs === undefined ? [] : [field('began', parts.clockText(row.beganMs))]),
    ...historyLines(state, width, parts),
    ...(flow === undefined ? [] : flowFields(flow).map(([name, value]) => field(name, value))),
    ...(pair === undefined ? [] : pairFields(pair).map(([name, value]) => field(name, value))),
  ];
}

function historyLines(
  { history, selectedId }: TopState,
  width: number,
  { paint, symbols }: RenderParts,
): string[] {
  if (history === undefined || history.id !== selectedId || history.bitsPerSecond.length === 0) return [];
  const { bitsPerSecond, seconds } = history;
  const line = sparkline(bitsPerSecond, width - 4, symbols);
  const shown = Math.min(bitsPerSecond.length, Math.max(0, width - 4));
  const span = Math.round((seconds * shown) / bitsPerSecond.length);
  const highest = Math.max(0, ...bitsPerSecond.slice(-shown).map((rate) => rate ?? 0));
  return [
    fitText(`  last ${span} s, at most ${bitRateText(highest)}:`, width, symbols.ellipsis),
    `  ${paint('bar', line)}`,
  ];
}

function flowFields({ labels }: FlowRate): (readonly [string, string])[] {
  return [...labels];
}

function pairFields(pair: PairRate): (readonly [string, string])[] {
  return [
    ['interface', pair.interfaceName],
    ['marked (CE)', shareText(pair.ceShare)],
    ['CNP per second', countText(pair.cnpPerSecond)],
    ['NAKs, RNR NAKs', `${countText(pair.naks)}, ${countText(pair.rnrNaks)}`],
    ['gaps, retransmitted', `${countText(pair.psnGaps)}, ${countText(pair.retransmitted)}`],
    ['queue pairs, ports', `${countText(pair.queuePairs)}, ${countText(pair.sourcePorts)}`],
    ...pair.numbers.map(([name, value]): [string, string] => [name, String(value)]),
  ];
}
