// SPDX-License-Identifier: Apache-2.0
// The stack of the programs on every kernel that they are for: Linux 6.1 rounds each frame of a
// chain of calls up to 32 bytes, later ones to 16, and all refuse more than 512.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { deepestChains, readBpfFunctions } from '../support/kernel/bpf-stack.js';
import { FLOW_OBJECT_PATH, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';

/** MAX_BPF_STACK, and the rounding of check_max_stack_depth() in kernel/bpf/verifier.c. */
const STACK_BYTES_MAX = 512;
const FRAME_ROUND_BYTES = 32;

for (const object of [FLOW_OBJECT_PATH, PORTABLE_OBJECT_PATH]) {
  const skip = !existsSync(object) && `SKIPPED: ${object} is not built (make build)`;
  test(`no chain of calls in ${object.replace(/.*\//, '')} needs more stack than there is`, { skip }, () => {
    const functions = readBpfFunctions(object);
    assert.ok(functions.get('count_ethernet_frags')?.calls.has('count_roce_packet'), 'calls are not read');
    assert.ok(functions.get('count_roce_packet')?.calls.has('count_roce'), 'calls are not read');
    assert.ok((functions.get('count_roce_packet')?.stackBytes ?? 0) >= 48, 'an IPv6 key is on the stack');
    const chains = deepestChains(functions, FRAME_ROUND_BYTES);
    assert.equal(chains.length, 7, 'one program per framing and flavour, and sweep_stream');
    for (const { bytes, chain } of chains) {
      assert.ok(bytes <= STACK_BYTES_MAX, `${bytes} bytes: ${chain.join(' -> ')}`);
    }
  });
}
