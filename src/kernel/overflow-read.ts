// SPDX-License-Identifier: Apache-2.0
// Reads the per-CPU maps overflow, roce_overflow and unattributed, whose counts only grow until they are cleared.
// struct roce_overflow_key has a version below 256 in the two bytes where struct overflow_key has kind and
// reason: read alike, the version is the kind and the reason is 0.

import { FLOW_COUNT, OVERFLOW_KEY } from '../abi/layout.js';
import { KernelError } from '../errors.js';
import { ERRNO, errnoName } from './errno.js';
import { callAsync, type Libbpf } from './ffi.js';
import type { Half, OverflowSink } from './kernel-maps.js';

/** A map whose value is one struct flow_count per possible CPU. */
export interface PerCpuMap {
  readonly name: string;
  readonly fd: number;
  readonly maxEntries: number;
}

/** A u64 as a double: exact to 2^53, 142 years at 2 million counts a second. */
function readCount(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32;
}

/** Adds up the CPUs of one entry's value, which starts at `offset`. */
export function sumCpus(
  values: Buffer,
  offset: number,
  cpuCount: number,
): { packets: number; bytes: number } {
  let packets = 0;
  let bytes = 0;
  for (let cpu = 0; cpu < cpuCount; cpu++) {
    const at = offset + cpu * FLOW_COUNT.size;
    packets += readCount(values, at + FLOW_COUNT.packets);
    bytes += readCount(values, at + FLOW_COUNT.bytes);
  }
  return { packets, bytes };
}

/** Entries per call: with 256 CPUs the values of one batch take 1 MiB. */
const BATCH_ENTRIES = 256;

/** As KernelMaps.readOverflow. */
export async function readOverflowMap(
  libbpf: Libbpf,
  map: PerCpuMap,
  cpuCount: number,
  sink: OverflowSink,
): Promise<void> {
  const valueSizeBytes = FLOW_COUNT.size * cpuCount;
  let entries = Math.min(map.maxEntries, BATCH_ENTRIES);
  let keys = Buffer.alloc(entries * OVERFLOW_KEY.size);
  let values = Buffer.alloc(entries * valueSizeBytes);
  const count = Buffer.alloc(4);
  const cursor = Buffer.alloc(8);
  let from = libbpf.memory.NULL;
  for (;;) {
    count.writeUInt32LE(entries);
    const rc = await callAsync(
      libbpf.bpf_map_lookup_batch,
      map.fd,
      from,
      cursor,
      keys,
      values,
      count,
      libbpf.memory.NULL,
    );
    if (rc === -ERRNO.ENOSPC && entries < map.maxEntries) {
      entries = Math.min(map.maxEntries, entries * 2);
      keys = Buffer.alloc(entries * OVERFLOW_KEY.size);
      values = Buffer.alloc(entries * valueSizeBytes);
      continue;
    }
    if (rc < 0 && rc !== -ERRNO.ENOENT) throw readError('bpf_map_lookup_batch', map, -rc);
    const received = count.readUInt32LE();
    for (let i = 0; i < received; i++) {
      const key = i * OVERFLOW_KEY.size;
      const { packets, bytes } = sumCpus(values, i * valueSizeBytes, cpuCount);
      sink(
        keys.readUInt32LE(key + OVERFLOW_KEY.ifindex),
        keys.readUInt8(key + OVERFLOW_KEY.kind),
        keys.readUInt8(key + OVERFLOW_KEY.reason),
        keys.readUInt16LE(key + OVERFLOW_KEY.epoch) === 0 ? 0 : 1,
        packets,
        bytes,
      );
    }
    if (rc === -ERRNO.ENOENT) return;
    from = cursor;
  }
}

/** As KernelMaps.clearOverflow. */
export async function clearOverflowMap(
  libbpf: Libbpf,
  map: PerCpuMap,
  cpuCount: number,
  half: Half,
): Promise<void> {
  const keys: Buffer[] = [];
  await readOverflowMap(libbpf, map, cpuCount, (ifindex, kind, frameReason, halfOfKey) => {
    if (halfOfKey !== half) return;
    const key = Buffer.alloc(OVERFLOW_KEY.size);
    key.writeUInt32LE(ifindex, OVERFLOW_KEY.ifindex);
    key.writeUInt8(kind, OVERFLOW_KEY.kind);
    key.writeUInt8(frameReason, OVERFLOW_KEY.reason);
    key.writeUInt16LE(half, OVERFLOW_KEY.epoch);
    keys.push(key);
  });
  for (const key of keys) {
    const rc = await callAsync(libbpf.bpf_map_delete_elem, map.fd, key);
    if (rc < 0 && rc !== -ERRNO.ENOENT) {
      throw new KernelError(
        'bpf_map_delete_elem',
        -rc,
        `map "${map.name}" could not be cleared: ${errnoName(-rc)}; it is tried again with the next drain`,
      );
    }
  }
}

/** As KernelMaps.readUnattributed. */
export async function readUnattributedMap(
  libbpf: Libbpf,
  map: PerCpuMap,
  cpuCount: number,
): Promise<{ packets: number; bytes: number }> {
  const key = Buffer.alloc(4);
  const values = Buffer.alloc(FLOW_COUNT.size * cpuCount);
  const rc = await callAsync(libbpf.bpf_map_lookup_elem, map.fd, key, values);
  if (rc < 0) throw readError('bpf_map_lookup_elem', map, -rc);
  return sumCpus(values, 0, cpuCount);
}

function readError(call: string, map: PerCpuMap, errno: number): KernelError {
  return new KernelError(call, errno, `map "${map.name}" could not be read: ${errnoName(errno)}`);
}
