// SPDX-License-Identifier: Apache-2.0
// Tests that every operation and transport that soft-RoCE knows comes out as what was transferred, to
// the packet and the byte.

import type { AttachMode, RoceBench } from './rdma-bench.js';
import { type OperationRun, operationTest } from './rdma-operation.js';

/** Sizes: below, at and above the path MTU of 1024, with every padding. */
const RUNS: readonly (OperationRun & { readonly inGeneric?: true })[] = [
  { program: 'ib_write_bw', transport: 'rc', operation: 'write', count: 20, bytes: 4099, inGeneric: true },
  { program: 'ib_write_bw', transport: 'rc', operation: 'write', count: 5, bytes: 1_048_576 },
  { program: 'ib_read_bw', transport: 'rc', operation: 'read', count: 20, bytes: 5001, inGeneric: true },
  { program: 'ib_send_bw', transport: 'rc', operation: 'send', count: 20, bytes: 65_538 },
  { program: 'ib_send_bw', transport: 'rc', operation: 'send', count: 20, bytes: 64 },
  { program: 'ib_write_bw', transport: 'uc', operation: 'write', count: 20, bytes: 4096 },
  { program: 'ib_send_bw', transport: 'uc', operation: 'send', count: 20, bytes: 3000, inGeneric: true },
  { program: 'ib_send_bw', transport: 'ud', operation: 'send', count: 20, bytes: 1001, inGeneric: true },
  { program: 'ib_atomic_bw', transport: 'rc', operation: 'fetch_add', count: 20, bytes: 8 },
  { program: 'ib_atomic_bw', transport: 'rc', operation: 'compare_swap', count: 20, bytes: 8 },
  { program: 'ib_write_bw', transport: 'rc', operation: 'write', count: 20, bytes: 2048, ipVersion: 'ipv6' },
  { program: 'ib_read_bw', transport: 'rc', operation: 'read', count: 20, bytes: 1024, ipVersion: 'ipv6' },
];

/** All of it in native mode, and one of a kind in generic mode. */
export function testOperations(mode: AttachMode, bench: (mode: AttachMode) => Promise<RoceBench>): void {
  for (const run of mode === 'native' ? RUNS : RUNS.filter(({ inGeneric }) => inGeneric)) {
    operationTest(mode, () => bench(mode), run);
  }
}
