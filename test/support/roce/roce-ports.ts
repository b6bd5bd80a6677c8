// SPDX-License-Identifier: Apache-2.0
// How bytes spread over UDP source ports, as the kernel's maps have it: by queue pair between two addresses, and by
// the low 8 bits of the port.

import {
  PORT_BUCKETS,
  PORT_KNOWN,
  PORT_SPREAD_KEY_SIZE,
  ROCE_CELL,
  ROCE_KEY,
} from '../../../src/abi/roce-records.js';
import type { KernelObject } from '../../../src/kernel/load.js';
import { formatAddress } from '../frames/addresses.js';
import type { RoceStream } from './roce-maps.js';

/** By pathName(), then by bucket; none has 0 bytes. */
export type BytesByBucket = Map<string, Map<number, number>>;

export function pathName(srcIp: string, dstIp: string, qp: number): string {
  return `${srcIp} -> ${dstIp} qp ${qp.toString(16)}`;
}

export function addToBucket(sums: BytesByBucket, path: string, port: number, bytes: number): void {
  if (bytes === 0) return;
  const buckets = sums.get(path) ?? new Map<number, number>();
  sums.set(path, buckets);
  const bucket = port % PORT_BUCKETS;
  buckets.set(bucket, (buckets.get(bucket) ?? 0) + bytes);
}

/** streams: all that were counted since the last time. Empties the map of what has strayed. */
export async function takeBytesByBucket(
  { maps }: KernelObject,
  streams: readonly RoceStream[],
): Promise<BytesByBucket> {
  const sums: BytesByBucket = new Map();
  for (const { key, cells } of streams) {
    const port = cells.get(ROCE_CELL.port) ?? 0;
    if (port < PORT_KNOWN) continue;
    const own = (cells.get(ROCE_CELL.bytes) ?? 0) - (cells.get(ROCE_CELL.strayedBytes) ?? 0);
    addToBucket(sums, pathName(key.srcIp, key.dstIp, key.qp), port, own);
  }
  await maps.drain('roce_ports', maps.readEpoch(), (keys, spreads, count) => {
    const bytes = Buffer.from(spreads.buffer, spreads.byteOffset, spreads.byteLength);
    for (let i = 0; i < count; i++) {
      const key = Buffer.from(keys.subarray(i * PORT_SPREAD_KEY_SIZE, (i + 1) * PORT_SPREAD_KEY_SIZE));
      const address = (offset: number): string => formatAddress(key.subarray(offset, offset + 16));
      const path = pathName(address(ROCE_KEY.srcIp), address(ROCE_KEY.dstIp), key.readUInt32LE(ROCE_KEY.qp));
      for (let bucket = 0; bucket < PORT_BUCKETS; bucket++) {
        const at = 8 * (i * PORT_BUCKETS + bucket);
        addToBucket(sums, path, bucket, Number(bytes.readBigUInt64LE(at)));
      }
    }
  });
  return sums;
}
