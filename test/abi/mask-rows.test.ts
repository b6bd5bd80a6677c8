// SPDX-License-Identifier: Apache-2.0
// Rows that are masked after the fact are those of keys that were masked in the kernel.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FlowRowBuffer } from '../../src/abi/flow-row-buffer.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../../src/abi/layout.js';
import { maskRows } from '../../src/abi/mask-rows.js';
import { foldsPort } from '../../src/abi/port-folding.js';

const INTERFACE_ID = 5;

/** A key whose interface is never left out. */
function mask(size: number, ifindex: number, bytes: Uint8Array): Uint8Array {
  const whole = Uint8Array.from(bytes.subarray(0, size));
  whole.fill(0xff, ifindex, ifindex + 4);
  return whole;
}

function rowsOf(keys: readonly Uint8Array[]): FlowRowBuffer {
  const rows = new FlowRowBuffer();
  rows.reserve(keys.length);
  for (const key of keys) {
    const words = new Uint32Array(key.buffer, key.byteOffset, key.length / 4);
    if (key.length === FLOW_KEY4.size) rows.append4(words, 0, INTERFACE_ID, 1, 60);
    else rows.append6(words, 0, INTERFACE_ID, 1, 60);
  }
  return rows;
}

/** As key_fold_ports() and key_mask() of bpf/key.h. */
function maskedKey(key: Uint8Array, masks: Parameters<typeof maskRows>[3]): Uint8Array {
  const isIpv4 = key.length === FLOW_KEY4.size;
  const layout = isIpv4 ? FLOW_KEY4 : FLOW_KEY6;
  const copy = Buffer.from(key);
  const [source, destination] = [copy.readUInt16LE(layout.srcPort), copy.readUInt16LE(layout.dstPort)];
  if (masks.ephemeralPorts !== undefined) {
    if (foldsPort(masks.ephemeralPorts, source, destination)) copy.writeUInt16LE(0, layout.srcPort);
    if (foldsPort(masks.ephemeralPorts, destination, source)) copy.writeUInt16LE(0, layout.dstPort);
  }
  const by = isIpv4 ? masks.mask4 : masks.mask6;
  return Uint8Array.from(copy, (byte, i) => byte & (by[i] ?? 0));
}

test('masking rows and masking keys are the same', () => {
  const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size });
  const keys = fc.array(fc.oneof(bytes(FLOW_KEY4.size), bytes(FLOW_KEY6.size)), { maxLength: 20 });
  const ports = fc.option(fc.uint32Array({ minLength: 2048, maxLength: 2048, size: 'max' }), {
    nil: undefined,
  });
  fc.assert(
    fc.property(keys, bytes(FLOW_KEY6.size), ports, (given, maskBytes, ephemeralPorts) => {
      const masks = {
        mask4: mask(FLOW_KEY4.size, FLOW_KEY4.ifindex, maskBytes),
        mask6: mask(FLOW_KEY6.size, FLOW_KEY6.ifindex, maskBytes),
        ephemeralPorts,
      };
      const rows = rowsOf(given);
      maskRows(rows, 0, rows.length, masks);
      const expected = rowsOf(given.map((key) => maskedKey(key, masks)));
      const words = (buffer: FlowRowBuffer) => [...buffer.keys.subarray(0, 13 * buffer.length)];
      assert.deepEqual(words(rows), words(expected));
    }),
    { numRuns: 60 },
  );
});
