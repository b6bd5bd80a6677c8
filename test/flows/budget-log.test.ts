// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BudgetLog } from '../../src/flows/budget-log.js';
import { BUDGETS, type Budget } from '../../src/flows/budgets.js';

const MINUTE_MS = 60_000;

function createRig() {
  const lines: string[] = [];
  let nowMs = 0;
  const log = new BudgetLog({
    log: {
      info: (message) => lines.push(`${nowMs / MINUTE_MS} info ${message}`),
      warn: (message) => lines.push(`${nowMs / MINUTE_MS} warn ${message}`),
    },
    nowMs: () => nowMs,
  });
  /** A refresh every five seconds for so many minutes. */
  const run = (minutes: number, boundIn: (refresh: number) => readonly Budget[]): void => {
    for (let refresh = 0; refresh < minutes * 12; refresh++) {
      log.refreshed(new Set(boundIn(refresh)));
      nowMs += 5000;
    }
  };
  return { lines, run };
}

test('a budget that binds is told once, with its setting, where the rest is, and what to do', () => {
  const { lines, run } = createRig();
  run(60, () => BUDGETS);
  assert.equal(lines.length, BUDGETS.length);
  const settings = [
    'flows.max_series',
    'flows.max_new_series_per_minute',
    'flows.max_exposition_bytes',
    'roce.max_pairs',
    'kernel.max_flows',
  ];
  lines.forEach((line, i) => {
    assert.ok(line.startsWith(`0 warn ${settings[i]} is reached`), line);
    assert.match(line, /xtrace_(roce_)?other_bytes_total\{reason="\w+"\}.*(raise it|flows\.)/);
  });
});

test('that it ended is told after five minutes of quiet, and ten after the line before', () => {
  const { lines, run } = createRig();
  run(1, () => ['max_series']);
  run(30, () => []);
  run(1, () => ['max_series']);
  assert.deepEqual(
    lines.map((line) => line.split(' ').slice(0, 3).join(' ')),
    ['0 warn flows.max_series', '10 info flows.max_series', '31 warn flows.max_series'],
  );
});

test('load that comes and goes makes no more lines than load that stays', () => {
  for (const period of [2, 3, 20, 100]) {
    const { lines, run } = createRig();
    run(120, (refresh) => (refresh % period < period / 2 ? ['max_exposition_bytes'] : []));
    assert.equal(lines.length, 1, `period of ${period} refreshes`);
  }
});

test('no budget has more than a line in ten minutes', () => {
  const { lines, run } = createRig();
  // Bound for a minute, quiet for six.
  run(120, (refresh) => (refresh % 84 < 12 ? ['max_pairs'] : []));
  const minutes = lines.map((line) => Number(line.split(' ')[0]));
  minutes.slice(1).forEach((minute, i) => {
    assert.ok(minute - (minutes[i] ?? 0) >= 10, lines.join('\n'));
  });
});
