// SPDX-License-Identifier: Apache-2.0
// What becomes of holes in the order of RoCE packets when nobody sends any more, and of packets whose order nobody
// can judge: the real programs, with user space's hand in their memory where time or another CPU would be.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { PSN_SET, PSN_WAYS, PSN_WINDOW_PSNS } from '../../src/abi/roce-records.js';
import { PsnStreams } from '../../src/reader/psn-streams.js';
import { payloadOf } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { type Carrier, V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';

const OPCODE_UC_WRITE_MIDDLE = 0x27;
/** PSN_LOCK of bpf/psn.h, in the upper word of a state. */
const LOCK_BIT = 1 << 18;

/** A program, and what it says of the order of the one stream that it is given. */
class Ordered {
  readonly program = new ProgramUnderTest();
  readonly #carrier: Carrier;

  constructor(carrier: Carrier) {
    this.#carrier = carrier;
  }

  send(...psns: readonly number[]): void {
    for (const sequenceNumber of psns) {
      const fields = { opcode: OPCODE_UC_WRITE_MIDDLE, destinationQp: 0x42, sequenceNumber };
      this.program.run(this.#carrier.frame(fields, payloadOf(64)));
    }
  }

  /** Cells of the order that are not 0, since the last time. */
  take(): Readonly<Record<string, number>> {
    const cells = Object.values(this.program.takeRoce()).flatMap((stream) => Object.entries(stream));
    return Object.fromEntries(cells.filter(([name]) => /^psn(Late|Lost|Duplicates|Unjudged)$/.test(name)));
  }

  sweep(): Promise<void> {
    return new PsnStreams(this.program.object.maps.psn, () => setImmediate()).sweep();
  }

  /** Sets or clears the lock of every stream that there is. */
  lock(isLocked: boolean): void {
    const { sets } = this.program.object.maps.psn;
    const words = new Uint32Array(sets.buffer, sets.byteOffset, sets.byteLength / 4);
    for (let set = 0; set < words.length; set += PSN_SET.size / 4) {
      for (let way = 0; way < PSN_WAYS; way++) {
        if (words[set + 2 * way] === 0) continue;
        const state = set + PSN_SET.state / 4 + 2 * way + 1;
        words[state] = isLocked ? (words[state] ?? 0) | LOCK_BIT : (words[state] ?? 0) & ~LOCK_BIT;
      }
    }
  }
}

function orderTest(name: string, body: (ordered: Ordered) => Promise<void>): void {
  for (const carrier of [V2_IPV4, V2_IPV6]) {
    kernelTest(`${name}, ${carrier.name}`, async () => {
      const ordered = new Ordered(carrier);
      try {
        await body(ordered);
      } finally {
        ordered.program.close();
      }
    });
  }
}

orderTest('holes of a stream that fell silent are lost after two refreshes, once', async (ordered) => {
  ordered.send(1, 2, 5, 6);
  await ordered.sweep();
  ordered.program.passRefreshes(1);
  await ordered.sweep();
  assert.deepEqual(ordered.take(), {}, 'they may still come');
  ordered.program.passRefreshes(1);
  await ordered.sweep();
  assert.deepEqual(ordered.take(), { psnLost: 2 });
  ordered.program.passRefreshes(1);
  await ordered.sweep();
  assert.deepEqual(ordered.take(), {});
  ordered.send(7, 3);
  assert.deepEqual(ordered.take(), { psnDuplicates: 1 }, 'too late: it was lost');
});

orderTest('a stream that goes on keeps its holes, however often it is swept', async (ordered) => {
  ordered.send(1, 2, 5);
  for (let refresh = 0; refresh < 5; refresh++) {
    ordered.program.passRefreshes(1);
    ordered.send(6 + refresh);
    await ordered.sweep();
  }
  assert.deepEqual(ordered.take(), {});
  ordered.send(3);
  assert.deepEqual(ordered.take(), { psnLate: 1 });
});

orderTest(
  'a packet whose order nobody could judge is counted as such, and not lost later',
  async (ordered) => {
    ordered.send(1, 2);
    ordered.lock(true);
    ordered.send(3); // another CPU has the stream, for longer than anybody waits
    ordered.lock(false);
    assert.deepEqual(ordered.take(), { psnUnjudged: 1 });
    ordered.send(4, 6); // 3 is a hole now, and 5
    ordered.program.passRefreshes(2);
    await ordered.sweep();
    assert.deepEqual(ordered.take(), { psnLost: 1 });
  },
);

orderTest('what nobody could judge excuses as many of the holes that leave the window', async (ordered) => {
  ordered.send(1, 2);
  ordered.lock(true);
  ordered.send(3, 4);
  ordered.lock(false);
  ordered.send(6, ...Array.from({ length: PSN_WINDOW_PSNS }, (_, i) => 7 + i));
  assert.deepEqual(ordered.take(), { psnUnjudged: 2, psnLost: 1 });
});
