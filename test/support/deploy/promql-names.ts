// SPDX-License-Identifier: Apache-2.0
// Which metrics and labels an expression names, held to those that there are. For tests only.

import assert from 'node:assert/strict';
import { CATALOG } from '../../../src/metrics/catalog.js';
import { RECORDING_RULES } from './rule-files.js';

const LABELS = new Map(CATALOG.map(({ name, labels }) => [name, labels]));
/** What a scraper or a server adds, `sender` in between, and a bucket's bound. */
const OTHER_LABELS = ['instance', 'job', 'sender', 'le', 'alertname', 'alertstate', 'severity'];
const ANY_LABEL = new Set([...LABELS.values()].flat().concat(OTHER_LABELS));

function labelsOf(name: string): readonly string[] | undefined {
  return LABELS.get(name) ?? LABELS.get(name.replace(/_(bucket|sum|count)$/, ''));
}

/** Fails where the expression names a metric, a record or a label that does not exist. */
export function assertNamesExist(promQl: string): void {
  const records = new Set(RECORDING_RULES.map(({ record }) => record));
  for (const [name = ''] of promQl.matchAll(/\b(?:[a-z_]+:)?xtrace_\w+(?::\w+)?/g)) {
    const isKnown = name.includes(':') ? records.has(name) : labelsOf(name) !== undefined;
    assert.ok(isKnown, `${name} is no metric: ${promQl}`);
  }
  for (const [, name = '', matchers = ''] of promQl.matchAll(/\b(xtrace_\w+)\{([^}]*)\}/g)) {
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"/g)) {
      const known = (labelsOf(name) ?? []).includes(label) || OTHER_LABELS.includes(label);
      assert.ok(known, `${name} has no label ${label}: ${promQl}`);
    }
  }
  for (const [, list = ''] of promQl.matchAll(/\b(?:by|on|without|ignoring|group_left) \(([^)]*)\)/g)) {
    for (const label of list.split(',').map((one) => one.trim())) {
      assert.ok(label === '' || ANY_LABEL.has(label), `nothing has a label ${label}: ${promQl}`);
    }
  }
}
