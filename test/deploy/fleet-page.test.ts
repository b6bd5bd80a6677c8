// SPDX-License-Identifier: Apache-2.0
// The sums of docs/fleet.md, done again from what a host and a server need.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { diskBytes, headBytes } from '../../src/estimate/prometheus-needs.js';
import { readPages } from '../support/pages.js';

const PAGE = readPages().get('docs/fleet.md') ?? '';
const HOST_COUNTS = [10, 1000, 10_000];
const SCRAPED_MS = 15_000;
const AGGREGATED_MS = 30_000;
/** Of a host with one interface and no traffic. */
const OWN = { series: 100, bytes: 27_000 };
const FLOWS = 1000;
const PAIRS = 100;
const BYTES_A_LINE = 205;

interface Kept {
  readonly series: number;
  readonly everyMs: number;
}

interface Way {
  readonly what: string;
  /** Lines for each flow. */
  readonly lines: number;
  readonly flowSeries: Kept;
}

const WAYS: readonly Way[] = [
  { what: 'all', lines: 4, flowSeries: { series: 4 * FLOWS, everyMs: SCRAPED_MS } },
  { what: '`flows.gauges: false`', lines: 2, flowSeries: { series: 2 * FLOWS, everyMs: SCRAPED_MS } },
  { what: 'the same, without ports', lines: 2, flowSeries: { series: 2 * PAIRS, everyMs: AGGREGATED_MS } },
];

test('the table of fleets is what its sums come to', () => {
  const rows = WAYS.flatMap(({ what, lines, flowSeries }) => {
    const kept = [flowSeries, { series: OWN.series, everyMs: SCRAPED_MS }];
    const sum = (of: (one: Kept) => number): number => kept.reduce((all, one) => all + of(one), 0);
    const steady = (series: number) => ({ atOnce: series, within: () => series });
    return HOST_COUNTS.map((hosts) => [
      what,
      hosts.toLocaleString('en'),
      si(hosts * sum(({ series }) => series)),
      `${si(hosts * (lines * FLOWS * BYTES_A_LINE + OWN.bytes))}B`,
      si(hosts * sum(({ series, everyMs }) => (1000 * series) / everyMs)),
      `${si(hosts * sum(({ series }) => headBytes(steady(series))))}B`,
      `${si(hosts * sum(({ series, everyMs }) => diskBytes(steady(series), everyMs)))}B`,
    ]);
  });
  const expected = rows.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
  assert.ok(PAGE.includes(`\n${expected}\n`), `docs/fleet.md must have\n${expected}`);
});

/** Three digits, as in 4.10 M. */
function si(value: number): string {
  if (value < 1000) return value.toPrecision(3);
  const [divisor, prefix] =
    value >= 1e12 ? [1e12, 'T'] : value >= 1e9 ? [1e9, 'G'] : value >= 1e6 ? [1e6, 'M'] : [1e3, 'k'];
  return `${(value / divisor).toPrecision(3)} ${prefix}`;
}
