// SPDX-License-Identifier: Apache-2.0
// Empties the stream maps of a loaded object, synchronously, and decodes their raw bytes by the offsets of src/abi/roce-records.ts. For tests of single frames.

import { ROCE_CELLS, ROCE_KEY } from '../../src/abi/roce-records.js';
import { ERRNO, errnoName } from '../../src/kernel/errno.js';
import type { KernelObject } from '../../src/kernel/load.js';
import { formatAddress } from './addresses.js';
import type { RoceCells, RoceKey } from './reference-roce.js';

export interface RoceStream {
  readonly key: RoceKey;
  readonly ifindex: number;
  readonly cells: RoceCells;
}

const COUNT_SIZE = 8 * ROCE_CELLS;
const BATCH_ENTRIES = 512;

/** The streams of the half that is written, taken out. Program runs are synchronous: no fence is needed. */
export function takeRoceStreams(object: KernelObject): RoceStream[] {
  const map = `roce_${object.maps.readEpoch()}`;
  return takeEntries(object, map, ROCE_KEY.size, COUNT_SIZE).map(({ key, value }) => ({
    key: decodeKey(key),
    ifindex: key.readUInt32LE(ROCE_KEY.ifindex),
    cells: decodeCells(value),
  }));
}

interface Entry {
  readonly key: Buffer;
  readonly value: Buffer;
}

function takeEntries(object: KernelObject, map: string, keyBytes: number, valueBytes: number): Entry[] {
  const { libbpf } = object;
  const keys = Buffer.alloc(BATCH_ENTRIES * keyBytes);
  const values = Buffer.alloc(BATCH_ENTRIES * valueBytes);
  const count = Buffer.alloc(4);
  const cursor = Buffer.alloc(4);
  const fd = object.mapFd(map);
  const entries: Entry[] = [];
  for (let from = libbpf.memory.NULL; ; from = cursor) {
    count.writeUInt32LE(BATCH_ENTRIES);
    const rc = libbpf.bpf_map_lookup_and_delete_batch(
      fd,
      from,
      cursor,
      keys,
      values,
      count,
      libbpf.memory.NULL,
    );
    if (rc !== 0 && rc !== -ERRNO.ENOENT) {
      throw new Error(`map ${map} could not be emptied: ${errnoName(-rc)}`);
    }
    for (let i = 0; i < count.readUInt32LE(); i++) {
      entries.push({
        key: Buffer.from(keys.subarray(i * keyBytes, (i + 1) * keyBytes)),
        value: Buffer.from(values.subarray(i * valueBytes, (i + 1) * valueBytes)),
      });
    }
    if (rc !== 0) {
      return entries;
    }
  }
}

function decodeKey(bytes: Buffer): RoceKey {
  return {
    srcIp: formatAddress(bytes.subarray(ROCE_KEY.srcIp, ROCE_KEY.srcIp + 16)),
    dstIp: formatAddress(bytes.subarray(ROCE_KEY.dstIp, ROCE_KEY.dstIp + 16)),
    qp: bytes.readUInt32LE(ROCE_KEY.qp),
    srcPort: bytes.readUInt16LE(ROCE_KEY.srcPort),
    pkey: bytes.readUInt16LE(ROCE_KEY.pkey),
    version: bytes.readUInt8(ROCE_KEY.version),
    transport: bytes.readUInt8(ROCE_KEY.transport),
    dscp: bytes.readUInt8(ROCE_KEY.dscp),
    detail: bytes.readUInt8(ROCE_KEY.detail),
  };
}

function decodeCells(bytes: Buffer): Map<number, number> {
  return new Map(
    Array.from({ length: ROCE_CELLS }, (_, cell) => [cell, Number(bytes.readBigUInt64LE(8 * cell))]),
  );
}
