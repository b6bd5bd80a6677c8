// SPDX-License-Identifier: Apache-2.0
// What bin/xtrace-catch gives the program to run with.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { PROGRAM } from '../support/exporter/exporter.js';
import { nodeThatPrints } from '../support/exporter/node-with-flags.js';

const VARIABLES = ['MALLOC_MMAP_THRESHOLD_', 'MALLOC_ARENA_MAX'] as const;

function runWith(env: Readonly<Record<string, string>>): string {
  const NODE = nodeThatPrints(...VARIABLES);
  return execFileSync(PROGRAM, { encoding: 'utf8', env: { PATH: process.env['PATH'], NODE, ...env } });
}

test('small heaps for malloc, unless the environment says otherwise', () => {
  assert.equal(runWith({}), '65536\n2\n');
  assert.equal(runWith({ MALLOC_MMAP_THRESHOLD_: '131072', MALLOC_ARENA_MAX: '8' }), '131072\n8\n');
});
