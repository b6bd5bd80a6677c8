// SPDX-License-Identifier: Apache-2.0
// The sums of docs/fleet.md, done again from what a host and a server need.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fleetSums, WAYS } from '../support/deploy/fleet-sums.js';
import { readPages } from '../support/pages.js';

const PAGE = readPages().get('docs/fleet.md') ?? '';
const HOST_COUNTS = [10, 1000, 10_000];
const FLOWS = 1000;

test('the table of fleets is what its sums come to', () => {
  const rows = WAYS.flatMap((way) =>
    HOST_COUNTS.map((hosts) => {
      const sums = fleetSums(way, hosts, FLOWS);
      return [
        way.what,
        hosts.toLocaleString('en'),
        si(sums.series),
        `${si(sums.scrapeBytes)}B`,
        si(sums.samplesPerSecond),
        `${si(sums.memoryBytes)}B`,
        `${si(sums.diskBytes)}B`,
      ];
    }),
  );
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
