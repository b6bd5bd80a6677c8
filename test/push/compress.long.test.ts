// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { createCodec } from '../../src/push/compress.js';

const COMPRESS_MANY = fileURLToPath(new URL('./compress-many.js', import.meta.url));

test('what was compressed comes back', async () => {
  const codec = createCodec();
  const encodings = ['snappy', 'gzip', ...(codec.hasZstd ? (['zstd'] as const) : [])] as const;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...encodings),
      fc.uint8Array({ maxLength: 5000 }),
      async (encoding, bytes) => {
        const body = Buffer.from(bytes);
        assert.deepEqual(await codec.decompress(encoding, await codec.compress(encoding, body)), body);
      },
    ),
  );
});

test('what would blow up beyond any batch is refused, whatever length it claims', async () => {
  const codec = createCodec();
  const claimsTooMuch = Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(100)]);
  await assert.rejects(codec.decompress('snappy', claimsTooMuch), /it claims 4294967295 bytes/);
  const bomb = await codec.compress('gzip', Buffer.alloc(65 << 20));
  await assert.rejects(codec.decompress('gzip', bomb));
  const largest = Buffer.alloc(64 << 20);
  assert.equal(
    (await codec.decompress('snappy', await codec.compress('snappy', largest))).length,
    largest.length,
  );
});

test('compressing for long does not make the process grow', () => {
  const grownMiB = Number(execFileSync(process.execPath, [COMPRESS_MANY], { encoding: 'utf8' }));
  // The input is 3 MB; a binding that keeps what it was given grows by 600 MiB.
  assert.ok(grownMiB < 150, `grown by ${grownMiB.toFixed(0)} MiB`);
});
