// SPDX-License-Identifier: Apache-2.0
// Every alert of deploy/prometheus/rules, by promtool: it fires where it should, and not after restarts, on
// hosts that lack what it is about, or for a moment. test/e2e/deployed-queries.test.ts has real servers run them.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import type { AlertCase } from '../support/deploy/alert-cases/alert-case.js';
import { EXPORTER_CASES } from '../support/deploy/alert-cases/exporter.js';
import { PUSH_CASES, RDMA_CASES } from '../support/deploy/alert-cases/push-and-rdma.js';
import { ROCE_CASES } from '../support/deploy/alert-cases/roce.js';
import { ALERT_RULES, RULE_FILES } from '../support/deploy/rule-files.js';

const CASES = { ...EXPORTER_CASES, ...PUSH_CASES, ...RDMA_CASES, ...ROCE_CASES };

test('every alert is held to a case in which it fires, and to one in which it does not', () => {
  assert.deepEqual(Object.keys(CASES).sort(), ALERT_RULES.map(({ alert }) => alert).sort());
  for (const [alert, cases] of Object.entries(CASES)) {
    assert.ok(cases.some(({ firing }) => firing > 0) && cases.some(({ firing }) => firing === 0), alert);
  }
});

// In one process: promtool takes half of its time to begin. What fails it names, all of it.
test('each case of each alert, by promtool', (t) => {
  runPromtool(t, {
    rule_files: RULE_FILES,
    evaluation_interval: '1m',
    tests: Object.entries(CASES).flatMap(([alert, cases]) => cases.map((one) => unitTest(alert, one))),
  });
});

function unitTest(alert: string, { what, given, atMinute, firing }: AlertCase): object {
  return {
    name: `${alert}: ${what}`,
    interval: '1m',
    input_series: given.map(([series, values]) => ({ series, values })),
    promql_expr_test: [
      {
        expr: `count(ALERTS{alertname="${alert}", alertstate="firing"}) # ${what}`,
        eval_time: `${atMinute}m`,
        ...(firing > 0 && { exp_samples: [{ labels: '{}', value: firing }] }),
      },
    ],
  };
}

/** JSON is YAML, too. */
function runPromtool(t: TestContext, tests: object): void {
  const folder = mkdtempSync(join(tmpdir(), 'xtrace-alerts-'));
  try {
    const file = join(folder, 'tests.yaml');
    writeFileSync(file, JSON.stringify(tests));
    const { error, status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], {
      encoding: 'utf8',
    });
    if (error !== undefined && process.env['CI'] !== 'true') {
      t.skip('SKIPPED: promtool is not installed (Debian package prometheus); alerts were not checked');
      return;
    }
    assert.ifError(error);
    assert.equal(status, 0, stdout + stderr);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
