// SPDX-License-Identifier: Apache-2.0
// Empties the stream maps of a loaded object, synchronously, and decodes their raw bytes by the offsets of src/abi/roce-records.ts. For tests of single frames.

import { ROCE_CELLS, ROCE_KEY } from '../../../src/abi/roce-records.js';
import { ERRNO, errnoName } from '../../../src/kernel/errno.js';
import type { KernelObject } from '../../../src/kernel/load.js';
import { formatAddress } from '../frames/addresses.js';
import type { RoceCells, RoceKey } from '../oracle/reference-roce.js';

export interface RoceStream {
  readonly key: RoceKey;
  readonly ifindex: number;
  readonly cells: RoceCells;
}

const COUNT_SIZE = 8 * ROCE_CELLS;
const BATCH_ENTRIES = 64;

/**
 * Takes RoCE streams out of one object's maps. Its buffers are kept: those of synchronous FFI calls are
 * not given back before the event loop turns, and a test of 20,000 frames would hold gigabytes.
 */
export class RoceStreamTaker {
  readonly #object: KernelObject;
  readonly #keys = Buffer.alloc(BATCH_ENTRIES * ROCE_KEY.size);
  readonly #counts = Buffer.alloc(BATCH_ENTRIES * COUNT_SIZE);
  readonly #count = Buffer.alloc(4);
  readonly #cursor = Buffer.alloc(4);

  constructor(object: KernelObject) {
    this.#object = object;
  }

  /** The streams of the half that is written. Program runs are synchronous: no fence is needed. */
  take(): RoceStream[] {
    const { libbpf, maps } = this.#object;
    const map = `roce_${maps.readEpoch()}`;
    const fd = this.#object.mapFd(map);
    const streams: RoceStream[] = [];
    for (let from = libbpf.memory.NULL; ; from = this.#cursor) {
      this.#count.writeUInt32LE(BATCH_ENTRIES);
      const rc = libbpf.bpf_map_lookup_and_delete_batch(
        fd,
        from,
        this.#cursor,
        this.#keys,
        this.#counts,
        this.#count,
        libbpf.memory.NULL,
      );
      if (rc !== 0 && rc !== -ERRNO.ENOENT) {
        throw new Error(`map ${map} could not be emptied: ${errnoName(-rc)}`);
      }
      for (let i = 0; i < this.#count.readUInt32LE(); i++) {
        const key = this.#keys.subarray(i * ROCE_KEY.size, (i + 1) * ROCE_KEY.size);
        streams.push({
          key: decodeRoceKey(key),
          ifindex: key.readUInt32LE(ROCE_KEY.ifindex),
          cells: decodeCells(this.#counts.subarray(i * COUNT_SIZE, (i + 1) * COUNT_SIZE)),
        });
      }
      if (rc !== 0) return streams;
    }
  }
}

export function decodeRoceKey(bytes: Buffer): RoceKey {
  return {
    srcIp: formatAddress(bytes.subarray(ROCE_KEY.srcIp, ROCE_KEY.srcIp + 16)),
    dstIp: formatAddress(bytes.subarray(ROCE_KEY.dstIp, ROCE_KEY.dstIp + 16)),
    qp: bytes.readUInt32LE(ROCE_KEY.qp),
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
