// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureText, parseTap } from './tap.js';

const details = (indent: string): string[] => [
  `${indent}  ---`,
  `${indent}  duration_ms: 1.5`,
  `${indent}  ...`,
];
const TEXT = [
  'TAP version 13',
  '# Subtest: says something',
  'ok 1 - says something',
  ...details(''),
  '# 17 \\# of them',
  '# Subtest: one of two',
  '    # Subtest: the good one',
  '    ok 1 - the good one',
  ...details('    '),
  '    # Subtest: the bad one',
  '    not ok 2 - the bad one',
  ...details('    '),
  '    1..2',
  'not ok 2 - one of two',
  '  ---',
  "  error: '1 subtest failed'",
  '  ...',
  '# Subtest: not here',
  'ok 3 - not here # SKIP no reason',
  ...details(''),
  '1..3',
  '# tests 3',
  '# pass 1',
  '',
].join('\n');

test('the outermost results, what they say, and the plan', () => {
  const { results, planned } = parseTap(TEXT);
  assert.equal(planned, 3);
  assert.deepEqual(
    results.map(({ name, ok, skipped, diagnostics }) => ({ name, ok, skipped, diagnostics })),
    [
      { name: 'says something', ok: true, skipped: undefined, diagnostics: ['17 # of them'] },
      { name: 'one of two', ok: false, skipped: undefined, diagnostics: [] },
      { name: 'not here', ok: true, skipped: 'no reason', diagnostics: [] },
    ],
  );
});

test('a failure is told without what passed', () => {
  const failed = parseTap(TEXT).results.find(({ ok }) => !ok);
  assert.ok(failed !== undefined);
  const text = failureText(failed);
  assert.match(text, /not ok 2 - the bad one/);
  assert.match(text, /1 subtest failed/);
  assert.doesNotMatch(text, /the good one/);
});

test('output that breaks off has no plan', () => {
  const { results, planned } = parseTap(TEXT.slice(0, TEXT.indexOf('# Subtest: not here')));
  assert.equal(planned, undefined);
  assert.equal(results.length, 2);
});
