// SPDX-License-Identifier: Apache-2.0
// A state is read as it was written, or not at all: whatever happened to its file, reading it gives a clause about it,
// and takes no more memory than the file has.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { Pacer } from '../../src/pacer.js';
import { decodeState, encodeState, STATE_HEAD_BYTES } from '../../src/state/state-file.js';
import { jsonColumn, type StateColumns } from '../../src/state-columns.js';

const pacer = new Pacer(() => Promise.resolve());

const EXAMPLE: StateColumns = {
  'a.facts': jsonColumn({ names: ['eth0', 'ü'], n: 1 }),
  'a.keys': Uint32Array.of(1, 2, 0xffffffff),
  'a.counts': Float64Array.of(0, 2 ** 53, -1, 0.5),
  empty: new Float64Array(0),
};

async function encoded(columns: StateColumns): Promise<Buffer> {
  const { chunks, bytes } = await encodeState(columns, pacer);
  const file = Buffer.concat(chunks);
  assert.equal(file.length, bytes);
  return file;
}

const double = fc.double({ noNaN: true });
const column = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.uint32Array({ maxLength: 40 }),
  fc.array(double, { maxLength: 40 }).map((values) => Float64Array.from(values)),
);

test('what was encoded is decoded, wherever the bytes lie', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ maxLength: 12 }), column, { maxKeys: 8, noNullPrototype: true }),
      fc.nat(9),
      async (columns, offset) => {
        const file = await encoded(columns);
        const moved = new Uint8Array(offset + file.length).subarray(offset);
        moved.set(file);
        const read = await decodeState(moved, pacer);
        assert.ok('columns' in read, JSON.stringify(read));
        assert.deepEqual(Object.entries(read.columns), Object.entries(columns));
      },
    ),
    { numRuns: 300, examples: [[{ ['__proto__']: Uint32Array.of(1) }, 0]] },
  );
});

test('every truncation is told', async () => {
  const file = await encoded(EXAMPLE);
  for (let length = 0; length < file.length; length++) {
    const read = await decodeState(file.subarray(0, length), pacer);
    assert.ok('problem' in read, `of ${length} bytes`);
    const told =
      length === 0 ? /it is empty/ : length < STATE_HEAD_BYTES ? /it is no state/ : /it is torn: it has/;
    assert.match(read.problem, told);
  }
  const longer = await decodeState(Buffer.concat([file, Buffer.alloc(1)]), pacer);
  assert.ok('problem' in longer && /torn/.test(longer.problem));
});

test('every flipped bit is told', async () => {
  const file = await encoded(EXAMPLE);
  for (let bit = 0; bit < 8 * file.length; bit++) {
    const byte = bit >> 3;
    // Eight bytes of the head are there for later, and covered like all others.
    const damaged = Buffer.from(file);
    damaged[byte] = (damaged[byte] ?? 0) ^ (1 << (bit & 7));
    const read = await decodeState(damaged, pacer);
    assert.ok('problem' in read, `bit ${bit}`);
    assert.match(read.problem, /^it (?:is|has) /);
  }
});

test('a later version is told as such', async () => {
  const file = await encoded(EXAMPLE);
  file.writeUInt32LE(7, 8);
  assert.deepEqual(await decodeState(file, pacer), {
    problem: 'it is of version 7, and this xtrace-catch reads 1',
  });
});

/** With the checksum that belongs to it. */
function sealed(file: Buffer): Buffer {
  file.writeBigUInt64LE(BigInt(file.length), 16);
  const hash = createHash('sha256').update(file.subarray(0, 32)).update(file.subarray(STATE_HEAD_BYTES));
  hash.digest().copy(file, 32);
  return file;
}

test('whoever makes a file up, with a checksum that is right, gets a clause, or columns', async () => {
  const file = await encoded(EXAMPLE);
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.nat(file.length - STATE_HEAD_BYTES - 1), fc.nat(255)), {
        minLength: 1,
        maxLength: 6,
      }),
      fc.option(fc.nat(0xffffffff), { nil: undefined }),
      async (changes, tableBytes) => {
        const forged = Buffer.from(file);
        for (const [at, value] of changes) forged[STATE_HEAD_BYTES + at] = value;
        if (tableBytes !== undefined) forged.writeUInt32LE(tableBytes, 12);
        const read = await decodeState(sealed(forged), pacer);
        if ('problem' in read) return;
        const bytes = Object.values(read.columns).reduce((sum, { byteLength }) => sum + byteLength, 0);
        assert.ok(bytes <= file.length);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a column that says it is larger than the file', async () => {
  const table = Buffer.from(JSON.stringify([{ name: 'x', type: 'f64', length: 2 ** 40 }]).padEnd(48));
  const file = Buffer.concat([(await encoded({})).subarray(0, STATE_HEAD_BYTES), table]);
  file.writeUInt32LE(table.length, 12);
  assert.deepEqual(await decodeState(sealed(file), pacer), { problem: 'its column x does not fit in it' });
});
