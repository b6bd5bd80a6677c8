// SPDX-License-Identifier: Apache-2.0
// What pinned maps have counted, by the descriptions that lie beside them: of a version whose layouts this one
// does not know, as sums. Reads only.

import { setImmediate } from 'node:timers/promises';
import { hasFlow } from '../../abi/kinds.js';
import { Pacer } from '../../pacer.js';
import type { Libbpf, Libc } from '../ffi.js';
import { type MapMemory, mapMemory } from '../map-memory.js';
import { createBatchBuffers, readBatches } from '../read-batches.js';
import type { CountDescription, CountField } from './count-description.js';

/** Sum of one interface, kind and frame reason (0 where it has none). */
export interface ForeignCount {
  readonly ifindex: number;
  readonly kind: number;
  readonly reason: number;
  readonly packets: number;
  readonly bytes: number;
}

/** The maps that are described. */
export interface DescribedMaps {
  readonly cpuCount: number;
  readonly counts: readonly CountDescription[];
  mapFd(name: string): number;
  map(name: string): { readonly valueSizeBytes: number; readonly maxEntries: number };
}

/** Measured: 40 ns for a slot that is empty. */
const ENTRY_NS = 60;
/** Of a hash map, per call; with 256 CPUs the values of one batch of counts take 2 MiB. */
const BATCH_ENTRIES = 512;
/** Of BPF arrays and per-CPU values. */
const ALIGNED_BYTES = 8;

/** Once no program runs that writes to the maps. Rejects with KernelError. */
export async function readForeignCounts(
  maps: DescribedMaps,
  { libbpf, libc }: { readonly libbpf: Libbpf; readonly libc: Libc },
): Promise<readonly ForeignCount[]> {
  const sums = new Map<string, { -readonly [Field in keyof ForeignCount]: ForeignCount[Field] }>();
  const pacer = new Pacer(() => setImmediate());
  for (const description of maps.counts) {
    const add = (key: Buffer, value: Buffer): void => {
      const found = readCount(description, key, value);
      if (found.packets === 0 && found.bytes === 0) return;
      const name = `${found.ifindex} ${found.kind} ${found.reason}`;
      const sum = sums.get(name);
      if (sum === undefined) {
        sums.set(name, found);
        return;
      }
      sum.packets += found.packets;
      sum.bytes += found.bytes;
    };
    if (description.type === 'array') await readArray(description, maps, { libc, pacer, add });
    else await readHash(description, maps, { libbpf, add });
  }
  return [...sums.values()];
}

type EntrySink = (key: Buffer, value: Buffer) => void;

async function readArray(
  { map, valueBytes }: CountDescription,
  maps: DescribedMaps,
  { libc, pacer, add }: { libc: Libc; pacer: Pacer; add: EntrySink },
): Promise<void> {
  const { valueSizeBytes, maxEntries } = maps.map(map);
  const lengthBytes = aligned(valueSizeBytes) * maxEntries;
  const memory: MapMemory = mapMemory(libc, maps.mapFd(map), map, lengthBytes);
  try {
    const { buffer, byteOffset } = memory.bytes;
    const noKey = Buffer.alloc(0);
    await pacer.run(Math.floor(lengthBytes / valueBytes), ENTRY_NS, (from, to) => {
      for (let i = from; i < to; i++)
        add(noKey, Buffer.from(buffer, byteOffset + i * valueBytes, valueBytes));
    });
  } finally {
    memory.close();
  }
}

async function readHash(
  { map, type, keyBytes, valueBytes }: CountDescription,
  maps: DescribedMaps,
  { libbpf, add }: { libbpf: Libbpf; add: EntrySink },
): Promise<void> {
  const stride = aligned(valueBytes);
  const copies = type === 'percpu_hash' ? maps.cpuCount : 1;
  const valueSizeBytes = type === 'percpu_hash' ? stride * copies : valueBytes;
  const readable = { name: map, fd: maps.mapFd(map), keySizeBytes: keyBytes, valueSizeBytes };
  const buffers = createBatchBuffers(readable, BATCH_ENTRIES);
  await readBatches(libbpf, 'lookup', readable, buffers, (keyBytesRead, valueBytesRead, count) => {
    const keys = asBuffer(keyBytesRead);
    const values = asBuffer(valueBytesRead);
    for (let i = 0; i < count; i++) {
      const key = keys.subarray(i * keyBytes, (i + 1) * keyBytes);
      for (let copy = 0; copy < copies; copy++) {
        const at = i * valueSizeBytes + copy * stride;
        add(key, values.subarray(at, at + valueBytes));
      }
    }
  });
}

function readCount(description: CountDescription, key: Buffer, value: Buffer): ForeignCount {
  const read = (field: CountField | undefined): number =>
    field === undefined ? 0 : readNumber(field.in === 'key' ? key : value, field);
  const packets = read(description.packets) - read(description.lessPackets);
  // Most slots are empty.
  if (packets === 0 && read(description.bytes) === 0) {
    return { ifindex: 0, kind: 0, reason: 0, packets: 0, bytes: 0 };
  }
  const kind = 'always' in description.kind ? description.kind.always : read(description.kind);
  return {
    ifindex: read(description.ifindex),
    kind,
    reason: hasFlow(kind) ? 0 : read(description.reason),
    packets,
    bytes: read(description.bytes) - read(description.lessBytes),
  };
}

/** Exact to 2^53. */
function readNumber(bytes: Buffer, { offset, bytes: width }: CountField): number {
  return width === 8
    ? bytes.readUInt32LE(offset) + bytes.readUInt32LE(offset + 4) * 2 ** 32
    : bytes.readUIntLE(offset, width);
}

function asBuffer({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, length);
}

function aligned(bytes: number): number {
  return Math.ceil(bytes / ALIGNED_BYTES) * ALIGNED_BYTES;
}
