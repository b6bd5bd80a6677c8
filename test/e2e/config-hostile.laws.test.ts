// SPDX-License-Identifier: Apache-2.0
// Whatever stands on the command line, in the environment and in the file: a configuration or exit code 2
// with sentences, within bounds, and never a stack.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { ConfigError } from '../../src/errors.js';
import { resolve } from '../support/config/fixture-text.js';
import { measuredRun } from '../support/exporter/measured-run.js';

const SCALARS = ['x', '1', 'true', '~', '""', '"\\u001b[31m"', '.inf', '!!str 1', '!<x> y', '"\\uD800"'];
const key = fc.constantFrom('x', 'y', '"\\u001b[2J"', '<<', '__proto__', '? [y]', '*a');

/** What somebody would put together for an attack, in flow style, so that all of it can nest. */
const { node } = fc.letrec<{ node: string; list: string; mapping: string }>((tie) => ({
  node: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { weight: 2, arbitrary: fc.constantFrom(...SCALARS) },
    {
      weight: 1,
      arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)),
    },
    { weight: 3, arbitrary: fc.constantFrom('*a', '*b') },
    {
      weight: 4,
      arbitrary: fc
        .tuple(fc.constantFrom('', '&a ', '&b '), fc.oneof(tie('list'), tie('mapping')))
        .map(([anchor, collection]) => anchor + collection),
    },
  ),
  list: fc.array(tie('node'), { maxLength: 4 }).map((items) => `[${items.join(', ')}]`),
  mapping: fc
    .array(fc.tuple(key, tie('node')), { maxLength: 4 })
    .map((pairs) => `{${pairs.map(([name, value]) => `${name} : ${value}`).join(', ')}}`),
}));

const KEYS = [
  ...['interfaces', 'filter', 'interval_ms', 'collect_agg', 'flows', 'kernel', 'web', 'log', 'push', 'rdma'],
  ...['constructor', 'push.url', '"\\u001b[2J"', '<<'],
];
const file = fc.oneof(
  { weight: 6, arbitrary: fc.array(fc.tuple(fc.constantFrom(...KEYS), node), { maxLength: 6 }) },
  { weight: 1, arbitrary: fc.constant([]) },
);
const fileText = fc.oneof(
  file.map((pairs) => pairs.map(([key, value]) => `${key}: ${value}\n`).join('')),
  fc
    .tuple(fc.constantFrom('headers', 'extra_labels', 'tls', 'basic_auth', 'url', 'job', 'retry'), node)
    .map(([key, value]) => `push: {${key}: ${value}}\n`),
  fc.string({ unit: 'binary' }),
  node,
);
const word = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '-i',
    '-f',
    '-t',
    '--',
    '-',
    'doctor',
    '--config.check',
    '--print=',
    '--wait',
    '--no-print=x',
  ),
  fc.string().map((text) => `--${text}`),
  fc
    .tuple(
      fc.constantFrom('-i', '--filter=', '--interval=', '--web.listen-address=', '--log.level='),
      fc.string(),
    )
    .map(([flag, text]) => flag + text),
);

test('law: a value or sentences, and no more of them than somebody would read', () => {
  fc.assert(
    fc.property(
      fc.array(word, { maxLength: 8 }),
      fc.string({ unit: 'binary' }),
      fileText,
      (argv, variable, text) => {
        try {
          resolve({
            argv,
            env: { NETWORK_INTERFACE: variable, VICTORIAMETRICS_REMOTE_WRITE: variable },
            file: text,
          });
        } catch (error) {
          assert.ok(error instanceof ConfigError, String(error instanceof Error ? error.stack : error));
          assert.ok(error.problems.length > 0 && error.problems.length <= 300);
          for (const { path: place, message } of error.problems) {
            assert.ok(place.length < 5000 && message.length < 5000, message);
            assert.doesNotMatch(message, /undefined|\[object|call stack/);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('law: the program itself ends with 0 or 2, and prints nothing that a terminal would act on', () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-laws-'));
  const configFile = path.join(folder, 'x.yaml');
  // spawn() takes no zero bytes.
  const spawnable = word.map((text) => text.replaceAll('\0', '\x01'));
  try {
    fc.assert(
      fc.property(fc.array(spawnable, { maxLength: 4 }), fileText, (argv, text) => {
        writeFileSync(configFile, text);
        const run = measuredRun(['--config.check', `--config.file=${configFile}`, ...argv, '--config.check']);
        assert.ok(run.status === 0 || run.status === 2, `${run.status} ${run.stderr}`);
        assert.doesNotMatch(run.stderr, /^\s+at .*:\d+:\d+\)?$|unexpected:/m);
        assert.doesNotMatch(run.stdout + run.stderr, /(?!\n)[\p{Cc}\p{Cf}]/u);
      }),
      { numRuns: 15 },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('20,000 words that are no flags end at once', () => {
  for (const words of ['-i', '--bogus', 'word', '--interval=x']) {
    const run = measuredRun(Array.from({ length: 20_000 }, () => words));
    assert.equal(run.status, 2);
    assert.ok(
      (run.usage?.cpuMs ?? Number.POSITIVE_INFINITY) < 1000,
      `${words}: ${run.usage?.cpuMs} ms of CPU`,
    );
    assert.ok(run.stderr.split('\n').length <= 55, `${run.stderr.split('\n').length} lines`);
  }
});
