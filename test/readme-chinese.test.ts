// SPDX-License-Identifier: Apache-2.0
// The Chinese first screens say what the README says: the same commands, names and figures.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const CHINESE = readFileSync(join(ROOT, 'README.zh-CN.md'), 'utf8');

const BLOCK = /```\w*\n([\s\S]*?)```/g;
const blocksOf = (text: string): string[] => [...text.matchAll(BLOCK)].map(([block]) => block);
const wordsOf = (text: string): string[] =>
  [...text.replace(BLOCK, '').matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);
/** Figures of prose; not those within a name. */
const figuresOf = (text: string): string[] =>
  text
    .replace(BLOCK, '')
    .replace(/`[^`]+`|\]\([^)]*\)/g, '')
    .match(/(?<![\w.])\d[\d.,]*(?![\w])/g) ?? [];
const sectionOf = (text: string, command: string): string =>
  text.split(/^## /m).find((section) => section.includes(command)) ??
  assert.fail(`no section has ${command}`);

test('its commands and equations are those of the README, in their order', () => {
  const blocks = blocksOf(CHINESE);
  assert.ok(blocks.length >= 6);
  assert.deepEqual(
    blocks,
    blocksOf(README).filter((block) => blocks.includes(block)),
  );
});

for (const [what, partsOf, least] of [
  ['names', wordsOf, 25],
  ['figures', figuresOf, 4],
] as const) {
  test(`its ${what} are those of the README`, () => {
    const known = new Set(partsOf(README));
    const parts = partsOf(CHINESE);
    assert.ok(parts.length >= least);
    assert.deepEqual(
      parts.filter((part) => !known.has(part)),
      [],
    );
  });
}

test('its tables have the rows of the README', () => {
  for (const command of ['`xtrace_network_packets_total`', '`hidden_infiniband`']) {
    const rows = (text: string): (string | undefined)[] =>
      sectionOf(text, command)
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map((line) => line.match(/`[a-z_]+`/g)?.at(-1));
    assert.deepEqual(rows(CHINESE), rows(README));
  }
});
