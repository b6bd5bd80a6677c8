// SPDX-License-Identifier: Apache-2.0
// Which RoCE packets take a slot of their CPU, at a fifth of the price, and which take the kernel's map of streams. What
// they count is the same (roce-vectors); that the usual ones are cheap shows only here.

import assert from 'node:assert/strict';
import { payloadOf } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';
import type { BthFields } from '../support/roce/roce-frames.js';

interface Packet {
  readonly name: string;
  readonly fields: Omit<BthFields, 'destinationQp'>;
  readonly payloadBytes: number;
  readonly isInSlot: boolean;
}

const PACKETS: readonly Packet[] = [
  { name: 'SEND', fields: { opcode: 0x04 }, payloadBytes: 64, isInSlot: true },
  { name: 'middle of a WRITE', fields: { opcode: 0x07 }, payloadBytes: 1024, isInSlot: true },
  {
    name: 'WRITE of one packet',
    fields: { opcode: 0x0a, extended: { dmaLengthBytes: 100 } },
    payloadBytes: 100,
    isInSlot: true,
  },
  { name: 'ACK', fields: { opcode: 0x11, extended: { syndrome: 0x1f } }, payloadBytes: 0, isInSlot: true },
  { name: 'CNP', fields: { opcode: 0x81 }, payloadBytes: 0, isInSlot: true },
  {
    name: 'first of a long WRITE',
    fields: { opcode: 0x06, extended: { dmaLengthBytes: 4096 } },
    payloadBytes: 1024,
    isInSlot: false,
  },
  { name: 'NAK', fields: { opcode: 0x11, extended: { syndrome: 0x60 } }, payloadBytes: 0, isInSlot: false },
  {
    name: 'READ',
    fields: { opcode: 0x0c, extended: { dmaLengthBytes: 100 } },
    payloadBytes: 0,
    isInSlot: false,
  },
];

for (const carrier of [V2_IPV4, V2_IPV6]) {
  for (const { name, fields, payloadBytes, isInSlot } of PACKETS) {
    kernelTest(`${name}, ${carrier.name}: ${isInSlot ? 'in a slot' : 'in the map of streams'}`, async () => {
      const program = new ProgramUnderTest();
      try {
        program.run(carrier.frame({ destinationQp: 0x123, ...fields }, payloadOf(payloadBytes)));
        const { maps } = program.object;
        let inMap = 0;
        await maps.drain('roce', maps.readEpoch(), (_keys, _counts, count) => {
          inMap += count;
        });
        assert.equal(inMap, isInSlot ? 0 : 1);
        assert.equal(Object.keys(program.takeRoce()).length, isInSlot ? 1 : 0);
      } finally {
        program.close();
      }
    });
  }
}
