// SPDX-License-Identifier: Apache-2.0
// The rules as text: they name what there is, and every alert says who is to do what.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertNamesExist } from '../support/deploy/promql-names.js';
import { ALERT_RULES, RECORDING_RULES } from '../support/deploy/rule-files.js';
import { readPages } from '../support/pages.js';

test('expressions name metrics, records and labels that there are', () => {
  assert.ok(ALERT_RULES.length >= 20 && RECORDING_RULES.length >= 10);
  for (const { promQl } of [...ALERT_RULES, ...RECORDING_RULES]) assertNamesExist(promQl);
});

test('records are named level:metric:operation, and no two are alike', () => {
  const names = RECORDING_RULES.map(({ record }) => record);
  for (const name of names) assert.match(name, /^[a-z_]+:xtrace_\w+:(ratio_)?rate5m$/);
  assert.equal(new Set(names).size, names.length);
});

test('every alert has a severity, a summary, a description and its paragraph, in the order of the page', () => {
  const page = readPages().get('docs/alerts.md') ?? '';
  const sections = page.split(/^### /m).slice(1);
  for (const { alert, severity, annotations } of ALERT_RULES) {
    assert.match(severity, /^(critical|warning|info)$/, alert);
    for (const name of ['summary', 'description']) assert.match(annotations[name] ?? '', /\S/, alert);
    assert.equal(annotations['runbook_url'], `docs/alerts.md#${alert.toLowerCase()}`);
    const section = sections.find((text) => text.startsWith(`${alert}\n`)) ?? '';
    for (const part of ['**Confirm:**', '**Do:**', '**Threshold:**']) {
      assert.ok(section.replaceAll('\n', ' ').includes(part), `docs/alerts.md: ${alert} has no ${part}`);
    }
  }
  assert.deepEqual(
    sections.map((text) => text.split('\n')[0]).sort(),
    ALERT_RULES.map(({ alert }) => alert).sort(),
  );
});

test('what the page tells to ask names what there is', () => {
  const page = readPages().get('docs/alerts.md') ?? '';
  for (const [, code = ''] of page.matchAll(/`([^`]*xtrace_\w[^`]*)`/g)) {
    assertNamesExist(code.replaceAll('xtrace_rdma_*', '').replaceAll('xtrace_roce_*', ''));
  }
});
