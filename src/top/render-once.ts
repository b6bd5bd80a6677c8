// SPDX-License-Identifier: Apache-2.0
// One snapshot as plain text, for a pipe, a file or a mail: all interfaces, flows and pairs that came. Pure.

import type { Overview } from './answers.js';
import { FLOW_COLUMNS_SHOWN, PAIR_COLUMNS_SHOWN, USUAL_SORT } from './columns.js';
import { createPaint } from './paint.js';
import { readOverview, readTopFlows, readTopPairs } from './read-answers.js';
import { type RenderParts, renderInterfaces, renderTitle, windowTitles } from './render-header.js';
import { withoutLoneInterface } from './render-screen.js';
import { renderTable } from './render-table.js';
import { firstState } from './state.js';
import type { TopSnapshot } from './take-snapshot.js';
import { wrapText } from './text-width.js';

export interface OnceOptions {
  /** Of the lines; where there is no terminal, as many as two IPv6 addresses need. */
  readonly width: number;
}

export const WIDTH_WITHOUT_TERMINAL = 160;
/** Of sentences, which nobody reads that long. */
const SENTENCE_COLUMNS = 110;

/** There is no past to compare with: bars of interfaces are shares of the busiest one. */
function highestOfAll({ interfaces }: Overview): ReadonlyMap<string, number> {
  const highest = Math.max(0, ...interfaces.map(({ windows }) => windows[0]?.bitsPerSecond ?? 0));
  return new Map(interfaces.map(({ name }) => [name, highest]));
}

export function renderOnce(
  snapshot: TopSnapshot,
  { width }: OnceOptions,
  { symbols, clockText }: Omit<RenderParts, 'paint'>,
): string {
  const overview = readOverview(snapshot.overview);
  const flows = readTopFlows(snapshot.flows);
  const pairs = readTopPairs(snapshot.pairs);
  const parts: RenderParts = { paint: createPaint('plain'), symbols, clockText };
  const state = {
    ...firstState({ columns: width, lines: 0 }, undefined),
    overview,
    flows,
    pairs,
    peaks: highestOfAll(overview),
  };
  const { level, sentence, findings } = overview.verdict;
  const sentences = findings.length === 0 ? [sentence] : findings.map((finding) => finding.sentence);
  const table = { sort: { key: USUAL_SORT, isReversed: false }, selectedId: undefined, width, ...parts };
  const titles = windowTitles(overview);
  const lines = [
    renderTitle(state, width, parts),
    ...sentences.flatMap((one) =>
      wrapText(`${level.toUpperCase()}: ${one}`, Math.min(width, SENTENCE_COLUMNS)),
    ),
    '',
    ...renderInterfaces(state, width, overview.interfaces.length, parts),
    '',
    ...(flows.rows.length === 0
      ? wrapText(flows.empty ?? 'There is no flow.', Math.min(width, SENTENCE_COLUMNS))
      : [
          `${flows.rows.length} of ${flows.allCount} flows`,
          ...renderTable({
            ...table,
            columns: withoutLoneInterface(FLOW_COLUMNS_SHOWN, flows.rows),
            allRows: flows.rows,
            rows: flows.rows,
            windowTitles: titles,
            mark: () => ' ',
          }),
        ]),
    ...(pairs.rows.length === 0
      ? []
      : [
          '',
          `${pairs.rows.length} of ${pairs.allCount} RoCE pairs`,
          ...renderTable({
            ...table,
            columns: withoutLoneInterface(PAIR_COLUMNS_SHOWN, pairs.rows),
            allRows: pairs.rows,
            rows: pairs.rows,
            windowTitles: titles,
            mark: ({ trouble }) => (trouble.length > 0 ? '!' : ' '),
          }),
          ...pairs.rows.flatMap(({ trouble }) => trouble.map((one) => `! ${one}`)),
        ]),
  ];
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
