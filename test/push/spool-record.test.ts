// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as zlib from 'node:zlib';
import fc from 'fast-check';
import type { Batch } from '../../src/push/batch.js';
import { createCrc32 } from '../../src/push/crc32.js';
import {
  decodeRecord,
  encodeRecordHeader,
  entryOf,
  parseEntryName,
  RECORD_HEADER_BYTES,
} from '../../src/push/spool-record.js';

const crc32 = createCrc32();

const BATCH: Batch = {
  sequence: 258,
  format: 'remote_write_2',
  encoding: 'zstd',
  body: Buffer.from('body'),
  samples: 772,
  timestampMs: 1_700_000_000_000,
};

const fileOf = (batch: Batch): Buffer => Buffer.concat([encodeRecordHeader(batch, crc32), batch.body]);

const batches: fc.Arbitrary<Batch> = fc.record(
  {
    sequence: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER - 1 }),
    format: fc.constantFrom('remote_write_1' as const, 'remote_write_2' as const, 'text' as const),
    encoding: fc.constantFrom('snappy' as const, 'zstd' as const, 'gzip' as const),
    body: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    samples: fc.integer({ min: 0, max: 1_000_000 }),
    timestampMs: fc.integer({ min: 0, max: 4_000_000_000_000 }),
  },
  { noNullPrototype: true },
);

test('the bytes of a file, field by field', () => {
  assert.deepEqual(
    [...fileOf(BATCH)],
    [
      ...[0x58, 0x54, 0x43, 0x53, 0x50, 0x4f, 0x4f, 0x4c], // "XTCSPOOL"
      1, // version
      1, // format: remote_write_2
      1, // encoding: zstd
      0,
      ...[0x04, 0x03, 0, 0], // samples: 772
      ...[0, 0, 0x80, 0x56, 0xfe, 0xbc, 0x78, 0x42], // timestamp: 1.7e12 as a double
      ...[0x02, 0x01, 0, 0, 0, 0, 0, 0], // sequence: 258
      ...[4, 0, 0, 0], // length of the body
      ...crcBytes(),
      ...[0x62, 0x6f, 0x64, 0x79], // "body"
    ],
  );
});

/** By a CRC-32 that is not ours: the trailer of gzip holds one (RFC 1952). */
function crcBytes(): number[] {
  const covered = Buffer.concat([fileOf(BATCH).subarray(0, 36), BATCH.body]);
  return [...zlib.gzipSync(covered).subarray(-8, -4)];
}

test('law: our checksum is that of gzip, in one go or in parts', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), fc.nat(500), (bytes, cut) => {
      const wanted = zlib.gzipSync(bytes).readUInt32LE(zlib.gzipSync(bytes).length - 8);
      assert.equal(crc32(bytes), wanted);
      assert.equal(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut))), wanted);
    }),
  );
});

test('law: what was written is read, and its name tells what is in it', () => {
  fc.assert(
    fc.property(batches, (batch) => {
      const entry = entryOf(batch);
      assert.deepEqual(parseEntryName(entry.name), entry);
      assert.equal(entry.bytes, fileOf(batch).length);
      assert.deepEqual(decodeRecord(fileOf(batch), entry, crc32), batch);
    }),
  );
});

test('law: names sort as their sequence numbers do', () => {
  fc.assert(
    fc.property(batches, batches, (a, b) => {
      fc.pre(a.sequence !== b.sequence); // a number is given once
      assert.equal(entryOf(a).name < entryOf(b).name, a.sequence < b.sequence);
    }),
  );
});

test('law: a file cut anywhere, and a file with any bit turned, is damaged', () => {
  fc.assert(
    fc.property(batches, fc.nat(), (batch, at) => {
      const whole = fileOf(batch);
      const cut = whole.subarray(0, at % whole.length);
      assert.equal(typeof decodeRecord(cut, entryOf(batch), crc32), 'string');
      const turned = Buffer.from(whole);
      const bit = at % (8 * whole.length);
      turned[bit >> 3] = (turned[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      assert.equal(typeof decodeRecord(turned, entryOf(batch), crc32), 'string');
      const longer = Buffer.concat([whole, Buffer.alloc(1)]);
      assert.equal(typeof decodeRecord(longer, entryOf(batch), crc32), 'string');
    }),
    { numRuns: 500 },
  );
});

test('what is wrong with a file is said', () => {
  const entry = entryOf(BATCH);
  const whole = fileOf(BATCH);
  const with_ = (offset: number, byte: number): Buffer => {
    const file = Buffer.from(whole);
    file[offset] = byte;
    return file;
  };
  const cases: [Buffer, string][] = [
    [Buffer.alloc(0), 'it has 0 bytes, less than a header'],
    [with_(0, 0x59), 'it does not start as a spool file does'],
    [with_(8, 2), 'it has version 2, this program reads 1'],
    [whole.subarray(0, RECORD_HEADER_BYTES + 1), 'it has 1 bytes of a body of 4'],
    [with_(RECORD_HEADER_BYTES, 0), 'its checksum is wrong'],
    [fileOf({ ...BATCH, sequence: 7 }), "it is another batch's, number 7"],
    [fileOf({ ...BATCH, samples: 7 }), 'it has 7 samples, its name says 772'],
  ];
  for (const [file, wanted] of cases) assert.equal(decodeRecord(file, entry, crc32), wanted);
});

test('names of others are none of ours', () => {
  for (const name of ['lock', 'x.batch', '1-2-3-4.batch', '0000000000000001-2-3-4.batch.tmp', '.', 'ä']) {
    assert.equal(parseEntryName(name), undefined);
  }
});
