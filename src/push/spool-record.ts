// SPDX-License-Identifier: Apache-2.0
// A spooled batch <-> the bytes of its file, and its file's name. No I/O.
//
//   0  magic "XTCSPOOL"          24  sequence (u64)
//   8  version (u8)              32  body's length (u32)
//   9  format (u8)               36  CRC-32 of bytes 0-35 and the body (u32)
//  10  encoding (u8), 11 zero    40  body, compressed
//  12  samples (u32)
//  16  timestamp, ms (double)    all little-endian
//
// The name repeats what a start must know of thousands of files without opening them; when a file
// is read, its header must agree with its name.

import type { PayloadFormat } from '../exposition/payload.js';
import type { Batch, BatchSummary, Encoding } from './batch.js';
import type { Crc32 } from './crc32.js';

const MAGIC = Buffer.from('XTCSPOOL', 'latin1');
const VERSION = 1;
export const RECORD_HEADER_BYTES = 40;
const CRC_OFFSET = 36;

/** Index = code; append only. */
const FORMATS: readonly PayloadFormat[] = ['remote_write_1', 'remote_write_2', 'text'];
const ENCODINGS: readonly Encoding[] = ['snappy', 'zstd', 'gzip'];

/** What the index of the spool holds. */
export interface SpoolEntry extends BatchSummary {
  readonly name: string;
  /** Of the file, whole. */
  readonly bytes: number;
}

/** The header; the body follows it in the file. */
export function encodeRecordHeader(batch: Batch, crc32: Crc32): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  MAGIC.copy(header);
  header[8] = VERSION;
  header[9] = FORMATS.indexOf(batch.format);
  header[10] = ENCODINGS.indexOf(batch.encoding);
  header.writeUInt32LE(batch.samples, 12);
  header.writeDoubleLE(batch.timestampMs, 16);
  header.writeBigUInt64LE(BigInt(batch.sequence), 24);
  header.writeUInt32LE(batch.body.length, 32);
  header.writeUInt32LE(crc32(batch.body, crc32(header.subarray(0, CRC_OFFSET))), CRC_OFFSET);
  return header;
}

/** The batch of a file, or a clause that says why there is none. */
export function decodeRecord(file: Buffer, entry: SpoolEntry, crc32: Crc32): Batch | string {
  if (file.length < RECORD_HEADER_BYTES) return `it has ${file.length} bytes, less than a header`;
  if (!file.subarray(0, MAGIC.length).equals(MAGIC)) return 'it does not start as a spool file does';
  if (file[8] !== VERSION) return `it has version ${file[8]}, this program reads ${VERSION}`;
  const body = file.subarray(RECORD_HEADER_BYTES);
  const length = file.readUInt32LE(32);
  if (body.length !== length) return `it has ${body.length} bytes of a body of ${length}`;
  if (crc32(body, crc32(file.subarray(0, CRC_OFFSET))) !== file.readUInt32LE(CRC_OFFSET)) {
    return 'its checksum is wrong';
  }
  const format = FORMATS[file[9] ?? 255];
  const encoding = ENCODINGS[file[10] ?? 255];
  const sequence = Number(file.readBigUInt64LE(24));
  if (format === undefined || encoding === undefined) return 'its format is unknown to this program';
  const samples = file.readUInt32LE(12);
  if (sequence !== entry.sequence) return `it is another batch's, number ${sequence}`;
  if (samples !== entry.samples) return `it has ${samples} samples, its name says ${entry.samples}`;
  return {
    sequence,
    format,
    encoding,
    body,
    samples,
    timestampMs: file.readDoubleLE(16),
  };
}

const NAME = /^(\d{16})-(\d{1,16})-(\d{1,10})-(\d{1,10})\.batch$/;

export function entryOf(batch: Batch): SpoolEntry {
  const { sequence, samples, bornMs } = batch;
  const timestampMs = Math.max(0, Math.trunc(batch.timestampMs));
  const bytes = RECORD_HEADER_BYTES + batch.body.length;
  const name = `${String(sequence).padStart(16, '0')}-${timestampMs}-${samples}-${bytes}.batch`;
  return { name, sequence, samples, timestampMs, bytes, ...(bornMs === undefined ? {} : { bornMs }) };
}

/** undefined for a name that is none of ours. */
export function parseEntryName(name: string): SpoolEntry | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [sequence = 0, timestampMs = 0, samples = 0, bytes = 0] = match.slice(1).map(Number);
  return Number.isSafeInteger(sequence) ? { name, sequence, timestampMs, samples, bytes } : undefined;
}
