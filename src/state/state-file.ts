// SPDX-License-Identifier: Apache-2.0
// A state as bytes: a head, a table of columns, the columns. In the byte order of the machine, which all that we run
// on have in common (little endian). Nothing that a file says is believed before its checksum was right, and
// no length before that but against the length of the file.

import { createHash, type Hash } from 'node:crypto';
import type { Pacer } from '../pacer.js';
import type { StateColumn, StateColumns, StateProblem } from '../state-columns.js';

const MAGIC = Buffer.from('XTCSTATE');
/** Another one for whatever a reader of this one would misread. */
export const STATE_VERSION = 1;

/** Offsets in the head: two u32 after the magic, a u64, 8 unused bytes, and the SHA-256 of all but itself. */
const HEAD = { version: 8, tableBytes: 12, bytes: 16, checksum: 32, size: 64 } as const;
const ALIGNMENT = 8;

/**
 * SHA-256: 1.6 GB/s where the CPU has instructions for it, a third of that elsewhere; CRC-32 of node:zlib has
 * 4.9 GB/s, but is not in every Node that we run on. Bytes hashed at once, and the price of one.
 */
const HASH_SLICE_BYTES = 64 * 1024;
const HASH_SLICE_NS = 80_000;

interface TableEntry {
  readonly name: string;
  readonly type: 'u8' | 'u32' | 'f64';
  readonly length: number;
}

const TYPES = { u8: Uint8Array, u32: Uint32Array, f64: Float64Array } as const;

/** What is to be written, in this order; the columns themselves, not copies. */
export interface StateImage {
  readonly chunks: readonly Uint8Array[];
  readonly bytes: number;
}

export async function encodeState(columns: StateColumns, pacer: Pacer): Promise<StateImage> {
  const entries = Object.entries(columns);
  const table = entries.map(
    ([name, column]): TableEntry => ({ name, type: typeOf(column), length: column.length }),
  );
  const body = [
    padded(Buffer.from(JSON.stringify(table))),
    ...entries.map(([, column]) => padded(asBytes(column))),
  ];
  const chunks = body.flat();
  const tableBytes = body[0]?.reduce((sum, { length }) => sum + length, 0) ?? 0;
  const bytes = HEAD.size + chunks.reduce((sum, { length }) => sum + length, 0);
  const head = Buffer.alloc(HEAD.size);
  MAGIC.copy(head);
  head.writeUInt32LE(STATE_VERSION, HEAD.version);
  head.writeUInt32LE(tableBytes, HEAD.tableBytes);
  head.writeBigUInt64LE(BigInt(bytes), HEAD.bytes);
  const hash = createHash('sha256').update(head.subarray(0, HEAD.checksum));
  for (const chunk of chunks) await addInSlices(hash, chunk, pacer);
  hash.digest().copy(head, HEAD.checksum);
  return { chunks: [head, ...chunks], bytes };
}

/** Bytes of a head; a file that has fewer is none. */
export const STATE_HEAD_BYTES = HEAD.size;

/** Why a file of so many bytes that begins so cannot be a whole state: a clause. */
export function headFault(head: Uint8Array, fileBytes: number): string | undefined {
  const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength);
  if (fileBytes === 0) return 'it is empty';
  if (view.length < HEAD.size || !view.subarray(0, MAGIC.length).equals(MAGIC))
    return 'it is no state of xtrace-catch';
  const version = view.readUInt32LE(HEAD.version);
  if (version > STATE_VERSION)
    return `it is of version ${version}, and this xtrace-catch reads ${STATE_VERSION}`;
  if (version !== STATE_VERSION) return `it is of version ${version}, which there never was`;
  const bytes = view.readBigUInt64LE(HEAD.bytes);
  if (bytes !== BigInt(fileBytes)) return `it is torn: it has ${fileBytes} bytes, and says it has ${bytes}`;
  return undefined;
}

/** The columns lie in `file`, which must stay as it is. */
export async function decodeState(
  file: Uint8Array,
  pacer: Pacer,
): Promise<{ readonly columns: StateColumns } | StateProblem> {
  const fault = headFault(file.subarray(0, HEAD.size), file.length);
  if (fault !== undefined) return { problem: fault };
  const bytes = file.byteOffset % ALIGNMENT === 0 ? file : file.slice();
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hash = createHash('sha256').update(view.subarray(0, HEAD.checksum));
  await addInSlices(hash, view.subarray(HEAD.size), pacer);
  if (!hash.digest().equals(view.subarray(HEAD.checksum, HEAD.size))) {
    return { problem: 'it is damaged: its checksum is wrong' };
  }
  return readColumns(bytes, view.readUInt32LE(HEAD.tableBytes));
}

/** Of a file whose checksum was right: only who makes files up gets here with a fault. */
function readColumns(
  bytes: Uint8Array,
  tableBytes: number,
): { readonly columns: StateColumns } | StateProblem {
  const table = readTable(bytes.subarray(HEAD.size, HEAD.size + tableBytes));
  if (table === undefined) return { problem: 'its table of columns cannot be read' };
  const columns: [string, StateColumn][] = [];
  let at = HEAD.size + tableBytes;
  for (const { name, type, length } of table) {
    const make = TYPES[type];
    const size = length * make.BYTES_PER_ELEMENT;
    if (at % ALIGNMENT !== 0 || at + size > bytes.length)
      return { problem: `its column ${name} does not fit in it` };
    columns.push([name, new make(bytes.buffer as ArrayBuffer, bytes.byteOffset + at, length)]);
    at += size + paddingOf(size);
  }
  // Not set by name: a file may name a column "__proto__".
  return { columns: Object.fromEntries(columns) };
}

function readTable(bytes: Uint8Array): readonly TableEntry[] | undefined {
  try {
    const table: unknown = JSON.parse(new TextDecoder().decode(bytes).trimEnd());
    return Array.isArray(table) && table.every(isEntry) ? table : undefined;
  } catch {
    return undefined;
  }
}

function isEntry(value: unknown): value is TableEntry {
  if (typeof value !== 'object' || value === null) return false;
  const { name, type, length } = value as Partial<Record<keyof TableEntry, unknown>>;
  const isType = typeof type === 'string' && Object.hasOwn(TYPES, type);
  return (
    typeof name === 'string' &&
    isType &&
    typeof length === 'number' &&
    Number.isSafeInteger(length) &&
    length >= 0
  );
}

function typeOf(column: StateColumn): TableEntry['type'] {
  return column instanceof Float64Array ? 'f64' : column instanceof Uint32Array ? 'u32' : 'u8';
}

function asBytes(column: StateColumn): Uint8Array {
  return new Uint8Array(column.buffer, column.byteOffset, column.byteLength);
}

function paddingOf(bytes: number): number {
  return (ALIGNMENT - (bytes % ALIGNMENT)) % ALIGNMENT;
}

/** With spaces, which JSON may end with. */
function padded(bytes: Uint8Array): Uint8Array[] {
  const padding = paddingOf(bytes.length);
  return padding === 0 ? [bytes] : [bytes, new Uint8Array(padding).fill(0x20)];
}

async function addInSlices(hash: Hash, bytes: Uint8Array, pacer: Pacer): Promise<void> {
  for (let from = 0; from < bytes.length; from += HASH_SLICE_BYTES) {
    const slice = bytes.subarray(from, from + HASH_SLICE_BYTES);
    hash.update(slice);
    await pacer.spend((HASH_SLICE_NS * slice.length) / HASH_SLICE_BYTES);
  }
}
