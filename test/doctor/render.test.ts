// SPDX-License-Identifier: Apache-2.0
// The screen and the JSON of two hosts are golden files (UPDATE_GOLDEN=1 rewrites them); all hosts keep
// to the width and the alphabet, and the JSON of all has one shape.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { judgeFacts } from '../../src/doctor/judge.js';
import { renderDiagnosisJson } from '../../src/doctor/render-json.js';
import { renderDiagnosis } from '../../src/doctor/render-text.js';
import * as hosts from '../support/doctor/hosts.js';

// dist/test/doctor -> the source tree
const GOLDEN = fileURLToPath(new URL('../../../test/doctor/golden/', import.meta.url));

function assertGolden(name: string, actual: string): void {
  const file = path.join(GOLDEN, name);
  if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, 'utf8'));
}

const ALL = {
  mlx5: hosts.MLX5_HOST,
  rxe: hosts.RXE_HOST,
  infiniband: hosts.INFINIBAND_HOST,
  bond: hosts.BOND_HOST,
  vlan: hosts.VLAN_HOST,
  'virtual-function': hosts.VIRTUAL_FUNCTION_HOST,
  monitor: hosts.MONITOR_HOST,
  container: hosts.CONTAINER_HOST,
  unprivileged: hosts.UNPRIVILEGED_HOST,
  old: hosts.OLD_HOST,
};

for (const name of ['mlx5', 'rxe', 'container'] as const) {
  const facts = ALL[name];
  test(`the screen of ${name} is the golden one`, () =>
    assertGolden(`${name}.txt`, renderDiagnosis(facts, judgeFacts(facts))));
  test(`the JSON of ${name} is the golden one`, () =>
    assertGolden(`${name}.json.txt`, renderDiagnosisJson(facts, judgeFacts(facts))));
}

for (const [name, facts] of Object.entries(ALL)) {
  test(`${name}: plain ASCII of at most 100 columns, with every sentence whole`, () => {
    const diagnosis = judgeFacts(facts);
    const text = renderDiagnosis(facts, diagnosis);
    assert.match(text, /^[\x20-\x7e\n]+[^\n]\n$/);
    for (const line of text.split('\n')) assert.ok(line.length <= 100, line);
    assert.doesNotMatch(text, /undefined|NaN|[^\S\n]\n/);
    const flat = text.replace(/\s+/g, ' ');
    for (const { sentence } of diagnosis.findings) assert.ok(flat.includes(sentence), sentence);
    assert.equal(/^verdict: .* NOT work/m.test(text), !diagnosis.willWork);
  });

  test(`${name}: the JSON has every finding, and nothing is undefined`, () => {
    const diagnosis = judgeFacts(facts);
    const parsed = JSON.parse(renderDiagnosisJson(facts, diagnosis)) as {
      will_work: boolean;
      findings: { sentence: string }[];
      interfaces: { name: string; configured: boolean }[];
    };
    assert.equal(parsed.will_work, diagnosis.willWork);
    assert.deepEqual(
      parsed.findings.map(({ sentence }) => sentence),
      diagnosis.findings.map(({ sentence }) => sentence),
    );
    assert.deepEqual(
      parsed.interfaces.map((one) => [one.name, one.configured]),
      facts.interfaces.map((one) => [one.name, one.isConfigured]),
    );
    // The shape does not hang on the host: what is unknown is null, and not left out.
    assert.deepEqual(
      shapeOf(parsed),
      shapeOf(JSON.parse(readFileSync(path.join(GOLDEN, 'mlx5.json.txt'), 'utf8'))),
    );
  });
}

/** Keys at the top, of the host and of a present interface. */
function shapeOf(value: object): unknown {
  const { host, interfaces } = value as { host: object; interfaces: { present: boolean }[] };
  const present = interfaces.find((one) => one.present) ?? {};
  return [value, host, present].map((part) => Object.keys(part));
}

test('a host of many interfaces stays one screen', () => {
  const many = Array.from({ length: 300 }, (_, index) => hosts.other(`veth${index}`, { index: index + 10 }));
  const facts = hosts.host([hosts.configured('eth0'), ...many]);
  const text = renderDiagnosis(facts, judgeFacts(facts));
  assert.ok(text.split('\n').length < 40, text);
  assert.match(text, /^ {2}and 284 more, which --json names$/m);
  assert.match(renderDiagnosisJson(facts, judgeFacts(facts)), /"veth299"/);
});

test('a missing interface has its name, and no facts', () => {
  const facts = hosts.host([{ name: 'nope', isConfigured: true, link: undefined }]);
  const parsed = JSON.parse(renderDiagnosisJson(facts, judgeFacts(facts))) as { interfaces: unknown };
  assert.deepEqual(parsed.interfaces, [{ name: 'nope', configured: true, present: false }]);
  assert.match(renderDiagnosis(facts, judgeFacts(facts)), /^nope \(configured\)\n {2}PROBLEM: /m);
});
