// SPDX-License-Identifier: Apache-2.0
// What is missing here but was acknowledged by the peer is the capture's loss: the real programs, drained as the exporter
// drains them.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { PSN_WINDOW_PSNS, ROCE_CELL } from '../../src/abi/roce-records.js';
import { createDrain } from '../../src/reader/drain.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { type BthFields, roceV2 } from '../support/roce/roce-frames.js';

const [A, B, C] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'] as const;
const OPCODE = { rcWriteMiddle: 0x07, rcAck: 0x11, ucWriteMiddle: 0x27 } as const;
const FIRST = 0xfffa00;
const LAST = FIRST + 3 * PSN_WINDOW_PSNS;

interface Acknowledgement {
  readonly src: string;
  readonly dst: string;
  readonly psn: number;
}

const CASES: readonly {
  readonly name: string;
  readonly opcode: number;
  readonly acknowledgement?: Acknowledgement;
  readonly expected: { readonly lost: number; readonly captureLost: number };
}[] = [
  {
    name: 'acknowledged by the peer',
    opcode: OPCODE.rcWriteMiddle,
    acknowledgement: { src: B, dst: A, psn: LAST },
    expected: { lost: 0, captureLost: 3 },
  },
  { name: 'not acknowledged', opcode: OPCODE.rcWriteMiddle, expected: { lost: 3, captureLost: 0 } },
  {
    name: 'acknowledged long before',
    opcode: OPCODE.rcWriteMiddle,
    acknowledgement: { src: B, dst: A, psn: FIRST },
    expected: { lost: 3, captureLost: 0 },
  },
  {
    name: 'acknowledged to somebody else',
    opcode: OPCODE.rcWriteMiddle,
    acknowledgement: { src: B, dst: C, psn: LAST },
    expected: { lost: 3, captureLost: 0 },
  },
  {
    name: 'of a transport that nobody acknowledges',
    opcode: OPCODE.ucWriteMiddle,
    acknowledgement: { src: B, dst: A, psn: LAST },
    expected: { lost: 3, captureLost: 0 },
  },
];

for (const { name, opcode, acknowledgement, expected } of CASES) {
  kernelTest(`packets that were never seen, ${name}`, async () => {
    const program = new ProgramUnderTest();
    try {
      const drain = createDrain({
        maps: program.object.maps,
        interfaceIdOf: (ifindex) => ifindex,
        ifindexOf: (id) => id,
        yieldToLoop: () => setImmediate(),
        nowMs: () => performance.now(),
      });
      const send = (src: string, dst: string, fields: BthFields, payloadBytes: number): void =>
        program.run(ethernet(ETHERTYPE.ipv4, ipv4({ src, dst }, roceV2(fields, payloadOf(payloadBytes)))));
      // PSNs wrap on the way; three of them are missing.
      for (let psn = FIRST; psn <= LAST; psn++) {
        if (psn > FIRST + 10 && psn <= FIRST + 13) continue;
        send(A, B, { opcode, destinationQp: 0x77, sequenceNumber: psn & 0xffffff }, 64);
      }
      if (acknowledgement !== undefined) {
        const { src, dst, psn } = acknowledgement;
        send(src, dst, { opcode: OPCODE.rcAck, destinationQp: 0x99, sequenceNumber: psn & 0xffffff }, 0);
      }
      const { roceRows, error } = await drain.drain();
      assert.equal(error, undefined);
      const found = { lost: 0, captureLost: 0 };
      for (let row = 0; row < roceRows.length; row++) {
        const cells = roceRows.cellsOf(row);
        found.lost += cells[ROCE_CELL.psnLost] ?? 0;
        found.captureLost += cells[ROCE_CELL.psnCaptureLost] ?? 0;
      }
      assert.deepEqual(found, expected);
    } finally {
      program.close();
    }
  });
}
