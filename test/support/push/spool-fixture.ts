// SPDX-License-Identifier: Apache-2.0
// What the tests of the spool share. For tests only.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Batch } from '../../../src/push/batch.js';
import { openSpool, type Spool } from '../../../src/push/spool.js';
import { openSpoolDirectory, type SpoolDirectory } from '../../../src/push/spool-directory.js';
import { START_MS } from './push-fixture.js';

export const MAX_BYTES = 1 << 20;
export const BLOCK = 4096;

export function batch(sequence: number, bytes = 100): Batch {
  const body = Buffer.alloc(bytes, sequence);
  return { sequence, format: 'remote_write_1', encoding: 'snappy', body, samples: 10, timestampMs: START_MS };
}

/** Opens it, and closes it after the test. */
export async function open(
  context: TestContext,
  path: string,
  { maxBytes = MAX_BYTES, wrap = (directory: SpoolDirectory) => directory } = {},
): Promise<Spool> {
  const spool = await openSpool({ maxBytes }, wrap(openSpoolDirectory(path)));
  context.after(() => spool.close());
  return spool;
}

/** append(), with what had to go for it. */
export async function append(spool: Spool, one: Batch, spared?: number) {
  const removed: [sequence: number, samples: number, reason: string][] = [];
  const setAside: string[] = [];
  let isToldStored = false;
  const result = await spool.append(
    one,
    {
      onStored() {
        isToldStored = true;
        assert.ok(spool.has(one.sequence));
      },
      onRemoved(entry, reason) {
        removed.push([entry.sequence, entry.samples, reason]);
        assert.ok(!spool.has(entry.sequence));
      },
      onSetAside(sentence) {
        setAside.push(sentence);
      },
    },
    (sequence) => sequence === spared,
  );
  assert.equal(isToldStored, result.stored);
  return { stored: result.stored, removed, setAside };
}

export async function readAll(spool: Spool): Promise<number[]> {
  const numbers: number[] = [];
  for (let entry = spool.oldest(); entry !== undefined; entry = spool.oldest(entry.sequence)) {
    const read = await spool.read(entry);
    numbers.push(typeof read === 'string' || 'isStranger' in read ? -entry.sequence : read.sequence);
  }
  return numbers;
}

export const fileNames = (path: string): string[] =>
  readdirSync(path)
    .filter((name) => name.endsWith('.batch'))
    .sort();
