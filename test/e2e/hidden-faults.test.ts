// SPDX-License-Identifier: Apache-2.0
// A drain that fails on the real kernel loses nothing and counts nothing twice: the real object, fed by
// program runs, drained through maps that break where they are told to, while frames keep coming.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { createDrain, type Drain } from '../../src/reader/drain.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { FAULTS, type Fault, FaultyMaps } from '../support/kernel/faulty-maps.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';
import { DrainSums, sorted } from '../support/oracle/drain-sums.js';
import { V2_IPV4, V2_IPV6 } from '../support/roce/roce-count-parts.js';
import { withSourcePort } from '../support/roce/roce-source-port.js';

/** A READ, which no slot takes, and packets of one stream from two ports. */
const ROCE = [
  V2_IPV4.frame({ opcode: 0x0c, destinationQp: 9 }),
  V2_IPV6.frame({ opcode: 0x0c, destinationQp: 9 }),
  ...[0xc001, 0xc002].map((port) => withSourcePort(V2_IPV4.frame({ opcode: 0x07, destinationQp: 10 }), port)),
];

/** Some 150 flows of every kind, in IPv4 and IPv6. */
const FRAMES = [...mixedFlows(7, 6), ...ROCE];
/** Far fewer than there are flows of one IP version. */
const BATCH_ENTRIES = 16;

/** A loaded object, frames that go into it, and a drain of it that breaks as planned. */
class Rig {
  readonly drain: Drain;
  sent = new DrainSums();
  handedOver = new DrainSums();
  /** Faults still to come, and how often each is passed before it strikes. */
  plan: { fault: Fault; after: number }[] = [];
  struck: Fault[] = [];
  /** Frames that arrive in the middle of the drain, a few at each moment. */
  meanwhile: number[] = [];
  readonly #program: ProgramUnderTest;
  readonly #maps: FaultyMaps;

  constructor(flowCapacity: number) {
    this.#program = new ProgramUnderTest({ flowCapacity, drainBatchEntries: BATCH_ENTRIES });
    this.#maps = new FaultyMaps(this.#program.object.maps, (moment) => this.#at(moment));
    this.drain = createDrain({
      maps: this.#maps,
      interfaceIdOf: (ifindex) => ifindex,
      ifindexOf: (id) => id,
      yieldToLoop: () => setImmediate(),
      nowMs: () => performance.now(),
    });
  }

  send(numbers: readonly number[]): void {
    for (const number of numbers) {
      const frame = FRAMES[number % FRAMES.length] ?? Buffer.alloc(0);
      this.#program.run(frame);
      this.sent.addFrame(frame);
    }
  }

  /** One drain; hands back why it failed, if it did. */
  async drainOnce(): Promise<unknown> {
    const draining = this.drain.drain();
    this.send(this.meanwhile.splice(0, 2)); // the epoch has flipped, the fence stands
    const result = await draining;
    this.handedOver.addDrain(result);
    return result.error;
  }

  /** What an earlier case may have left goes; everything starts from zero. */
  async reset(): Promise<void> {
    this.plan = [];
    assert.equal(await this.drainOnce(), undefined);
    this.struck = [];
    this.meanwhile = [];
    this.sent = new DrainSums();
    this.handedOver = new DrainSums();
  }

  /** One good drain, and all is there: what failed drains left comes with the next one. */
  async assertRecovers(): Promise<void> {
    this.plan = [];
    this.send(this.meanwhile.splice(0));
    assert.equal(await this.drainOnce(), undefined);
    assert.deepEqual(sorted(this.handedOver.types), sorted(this.sent.types));
    if (this.#program.object.maps.flowCapacity > FRAMES.length) {
      assert.deepEqual(sorted(this.handedOver.flows), sorted(this.sent.flows));
    }
    assert.equal(this.#maps.unfencedReads, 0, 'no half is read that may still be written');
  }

  close(): void {
    this.#program.close();
  }

  #at(moment: Fault): void {
    this.send(this.meanwhile.splice(0, 2));
    const planned = this.plan.find(({ fault }) => fault === moment);
    if (planned !== undefined && planned.after-- === 0) {
      this.plan = this.plan.filter((other) => other !== planned);
      this.struck.push(moment);
      throw new Error(`${moment} fails as planned`);
    }
  }
}

async function withRig(flowCapacity: number, use: (rig: Rig) => Promise<void>): Promise<void> {
  const rig = new Rig(flowCapacity);
  try {
    await use(rig);
  } finally {
    rig.close();
  }
}

/** Each flow a different number of times. */
const UNEVEN = FRAMES.flatMap((_, i) => new Array<number>(1 + (i % 3)).fill(i));

/** Room for every flow, or for hardly any: then most counts go by way of the overflow map. */
const CAPACITIES = [4096, 8];

for (const capacity of CAPACITIES) {
  kernelTest(`each step fails, three times over, flow maps of ${capacity}: nothing is lost`, () =>
    withRig(capacity, async (rig) => {
      for (const fault of FAULTS) {
        await rig.reset();
        for (let failure = 1; failure <= 3; failure++) {
          rig.send(UNEVEN);
          rig.meanwhile = [...UNEVEN];
          rig.plan = [{ fault, after: 0 }];
          assert.match(String(await rig.drainOnce()), /as planned/);
        }
        assert.deepEqual(rig.struck, [fault, fault, fault]);
        await rig.assertRecovers();
      }
    }),
  );
}

const frameNumbers = fc.array(fc.nat(FRAMES.length - 1), { maxLength: 150 });
const arbitraryInterval = fc.record({
  before: frameNumbers,
  meanwhile: frameNumbers,
  faults: fc.uniqueArray(fc.record({ fault: fc.constantFrom(...FAULTS), after: fc.nat(2) }), {
    selector: ({ fault }) => fault,
    maxLength: 3,
  }),
});

for (const capacity of CAPACITIES) {
  kernelTest(`any faults at any time, flow maps of ${capacity}: nothing is lost, nothing comes twice`, () =>
    withRig(capacity, (rig) =>
      fc.assert(
        fc.asyncProperty(fc.array(arbitraryInterval, { minLength: 1, maxLength: 6 }), async (intervals) => {
          await rig.reset();
          for (const { before, meanwhile, faults } of intervals) {
            rig.send(before);
            rig.meanwhile = [...meanwhile];
            rig.plan = faults.map((one) => ({ ...one }));
            await rig.drainOnce();
            assertNoMore(rig);
          }
          await rig.assertRecovers();
        }),
        { numRuns: 25 },
      ),
    ),
  );
}

/** Never more than was sent, not even for a moment. */
function assertNoMore({ sent, handedOver }: Rig): void {
  for (const field of ['flows', 'types'] as const) {
    for (const [key, { packets, bytes }] of handedOver[field]) {
      const limit = sent[field].get(key) ?? { packets: 0, bytes: 0 };
      assert.ok(packets <= limit.packets && bytes <= limit.bytes, `${key}: ${packets} of ${limit.packets}`);
    }
  }
}
