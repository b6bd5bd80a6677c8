// SPDX-License-Identifier: Apache-2.0
// A child process of compress.long.test.ts: compresses as many bodies as a quarter of an hour of pushing
// has, and prints by how many MiB the process grew meanwhile.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { createCodec } from '../../src/push/compress.js';

const BODY_BYTES = 3_000_000;
const MIB = 2 ** 20;

const codec = createCodec();
const body = Buffer.alloc(BODY_BYTES);
for (let i = 0; i < body.length; i++) body[i] = ((i * 7919) % 251) ^ (i >> 9);
await codec.compress('snappy', body);
const before = process.memoryUsage().rss;
for (let run = 0; run < 300; run++) {
  await codec.compress('snappy', body);
  await nextTurn();
}
process.stdout.write(String((process.memoryUsage().rss - before) / MIB));
