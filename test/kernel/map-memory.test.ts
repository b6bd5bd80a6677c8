// SPDX-License-Identifier: Apache-2.0
// Maps as memory, at lengths beside every size that a page has on a machine we know: 4, 16 and 64 KiB.

import assert from 'node:assert/strict';
import { closeSync } from 'node:fs';
import { openLibbpf, openLibc } from '../../src/kernel/ffi.js';
import { mapMemory } from '../../src/kernel/map-memory.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

const BPF_MAP_TYPE_ARRAY = 2;
const BPF_F_MMAPABLE = 1 << 10;
/** struct bpf_map_create_opts of libbpf 1.x, up to map_flags. */
const CREATE_OPTS = { size: 32, sz: 0, mapFlags: 28 } as const;
const ENTRY_BYTES = 8;
const LENGTHS = [4096, 16_384, 65_536].flatMap((page) => [page - 8, page, page + 8]);

for (const lengthBytes of [8, ...LENGTHS]) {
  kernelTest(`a map of ${lengthBytes} bytes is mapped whole, and shared with the kernel`, (t) => {
    const libbpf = openLibbpf();
    const options = Buffer.alloc(CREATE_OPTS.size);
    options.writeBigUInt64LE(BigInt(CREATE_OPTS.size), CREATE_OPTS.sz);
    options.writeUInt32LE(BPF_F_MMAPABLE, CREATE_OPTS.mapFlags);
    const entries = lengthBytes / ENTRY_BYTES;
    const fd = libbpf.bpf_map_create(BPF_MAP_TYPE_ARRAY, 'pages', 4, ENTRY_BYTES, entries, options);
    assert.ok(fd >= 0, `bpf_map_create: errno ${libbpf.memory.errno()}`);
    t.after(() => closeSync(fd));
    const mapped = mapMemory(openLibc(), fd, 'pages', lengthBytes);
    t.after(() => mapped.close());

    for (const index of new Set([0, entries >> 1, entries - 1])) {
      const key = Buffer.alloc(4);
      key.writeUInt32LE(index);
      const value = Buffer.alloc(ENTRY_BYTES, 1 + (index % 255));
      assert.equal(libbpf.bpf_map_update_elem(fd, key, value, 0), 0);
      const start = index * ENTRY_BYTES;
      assert.deepEqual(
        Buffer.from(mapped.bytes.subarray(start, start + ENTRY_BYTES)),
        value,
        `entry ${index}`,
      );
    }
    const last = mapped.bytes.subarray(lengthBytes - ENTRY_BYTES);
    mapped.close();
    assert.deepEqual([...last], Array<number>(ENTRY_BYTES).fill(0), 'a view that is left reads zeros');
  });
}
