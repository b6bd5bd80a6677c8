// SPDX-License-Identifier: Apache-2.0
// A drain that fails on the real kernel loses nothing and counts nothing twice: the real object, fed by
// program runs, drained through maps that break where they are told to, while frames keep coming.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { FRAMING, trafficType } from '../../src/abi/kinds.js';
import { FLOW_ROW, FLOW_ROW_BYTES } from '../../src/abi/records.js';
import { createDrain, type Drain, type DrainResult } from '../../src/reader/drain.js';
import { formatAddress } from '../support/addresses.js';
import { FAULTS, type Fault, FaultyMaps } from '../support/faulty-maps.js';
import { kernelTest } from '../support/kernel-gate.js';
import { ProgramUnderTest } from '../support/program-under-test.js';
import { parseFrame } from '../support/reference-parser.js';
import { mixedFlows } from '../support/traffic-mix.js';
import type { Sum } from '../support/tshark-truth.js';

/** Some 150 flows of every kind, in IPv4 and IPv6. */
const FRAMES = mixedFlows(7, 6);
/** Far fewer than there are flows of a family. */
const BATCH_ENTRIES = 16;

class Sums {
  readonly flows = new Map<string, Sum>();
  readonly kinds = new Map<string, Sum>();

  add(flow: string | undefined, kind: number, packets: number, bytes: number): void {
    if (flow !== undefined) addTo(this.flows, flow, packets, bytes);
    addTo(this.kinds, trafficType(kind).label, packets, bytes);
  }
}

function addTo(sums: Map<string, Sum>, key: string, packets: number, bytes: number): void {
  const before = sums.get(key) ?? { packets: 0, bytes: 0 };
  sums.set(key, { packets: before.packets + packets, bytes: before.bytes + bytes });
}

/** A loaded object, frames that go into it, and a drain of it that breaks as planned. */
class Rig {
  readonly drain: Drain;
  sent = new Sums();
  handedOver = new Sums();
  /** Faults still to come, and how often each is passed before it strikes. */
  plan: { fault: Fault; after: number }[] = [];
  struck: Fault[] = [];
  /** Frames that arrive in the middle of the drain, a few at each moment. */
  meanwhile: number[] = [];
  readonly #program: ProgramUnderTest;

  constructor(flowCapacity: number) {
    this.#program = new ProgramUnderTest({ flowCapacity, drainBatchEntries: BATCH_ENTRIES });
    this.drain = createDrain({
      maps: new FaultyMaps(this.#program.object.maps, (moment) => this.#at(moment)),
      interfaceIdOf: (ifindex) => ifindex,
      yieldToLoop: () => setImmediate(),
      nowMs: () => performance.now(),
    });
  }

  send(numbers: readonly number[]): void {
    for (const number of numbers) {
      const frame = FRAMES[number % FRAMES.length] ?? Buffer.alloc(0);
      const key = parseFrame(frame, FRAMING.ethernet);
      this.#program.run(frame);
      this.sent.add(
        flowName(key.srcIp, key.dstIp, key.srcPort, key.dstPort, key.protocol, key.vlan, key.qp),
        key.kind,
        1,
        frame.length,
      );
    }
  }

  /** One drain; hands back why it failed, if it did. */
  async drainOnce(): Promise<unknown> {
    const draining = this.drain.drain();
    this.send(this.meanwhile.splice(0, 2)); // the epoch has flipped, the fence stands
    const result = await draining;
    this.#take(result);
    return result.error;
  }

  /** What an earlier case may have left goes; everything starts from zero. */
  async reset(): Promise<void> {
    this.plan = [];
    assert.equal(await this.drainOnce(), undefined);
    this.struck = [];
    this.meanwhile = [];
    this.sent = new Sums();
    this.handedOver = new Sums();
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

  #take({ rows, overflow }: DrainResult): void {
    const bytes = Buffer.from(rows.keys.buffer, rows.keys.byteOffset, rows.length * FLOW_ROW_BYTES);
    for (let i = 0; i < rows.length; i++) {
      const row = bytes.subarray(i * FLOW_ROW_BYTES, (i + 1) * FLOW_ROW_BYTES);
      const length = row.readUInt8(FLOW_ROW.family) === 4 ? 4 : 16;
      const flow = flowName(
        formatAddress(row.subarray(FLOW_ROW.srcIp, FLOW_ROW.srcIp + length)),
        formatAddress(row.subarray(FLOW_ROW.dstIp, FLOW_ROW.dstIp + length)),
        row.readUInt16LE(FLOW_ROW.srcPort),
        row.readUInt16LE(FLOW_ROW.dstPort),
        row.readUInt8(FLOW_ROW.protocol),
        row.readUInt16LE(FLOW_ROW.vlan),
        row.readUIntLE(FLOW_ROW.qp, 3),
      );
      this.handedOver.add(flow, row.readUInt8(FLOW_ROW.kind), rows.packets[i] ?? 0, rows.bytes[i] ?? 0);
    }
    for (const { kind, packets, bytes: size } of overflow)
      this.handedOver.add(undefined, kind, packets, size);
  }
}

function flowName(...parts: readonly (string | number)[]): string {
  return parts.join(' ');
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

kernelTest('each step fails, three times over, with frames in between: every flow is exact', () =>
  withRig(4096, async (rig) => {
    for (const fault of FAULTS) {
      await rig.reset();
      for (let failures = 1; failures <= 3; failures++) {
        rig.send(UNEVEN);
        rig.meanwhile = [...UNEVEN];
        rig.plan = [{ fault, after: failures - 1 }];
        // Some moments come more than once a drain, the others once: then it takes more of them.
        while (rig.struck.length < failures) {
          rig.send(UNEVEN);
          const error = await rig.drainOnce();
          assert.equal(error !== undefined, rig.plan.length === 0, `${fault}: ${String(error)}`);
        }
      }
      assert.deepEqual(rig.struck, [fault, fault, fault]);
      rig.send(rig.meanwhile.splice(0));
      assert.equal(await rig.drainOnce(), undefined);
      assert.equal(await rig.drainOnce(), undefined);
      assert.deepEqual(sorted(rig.handedOver.flows), sorted(rig.sent.flows), fault);
      assert.deepEqual(sorted(rig.handedOver.kinds), sorted(rig.sent.kinds), fault);
    }
  }),
);

const frameNumbers = fc.array(fc.nat(FRAMES.length - 1), { maxLength: 150 });
const arbitraryInterval = fc.record({
  before: frameNumbers,
  meanwhile: frameNumbers,
  faults: fc.uniqueArray(fc.record({ fault: fc.constantFrom(...FAULTS), after: fc.nat(2) }), {
    selector: ({ fault }) => fault,
    maxLength: 3,
  }),
});

for (const capacity of [4096, 8]) {
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
          rig.plan = [];
          assert.equal(await rig.drainOnce(), undefined);
          assert.equal(await rig.drainOnce(), undefined); // what came in the middle of the last
          assert.deepEqual(sorted(rig.handedOver.kinds), sorted(rig.sent.kinds));
          if (capacity > FRAMES.length) {
            assert.deepEqual(sorted(rig.handedOver.flows), sorted(rig.sent.flows));
          }
        }),
        { numRuns: 25 },
      ),
    ),
  );
}

/** Never more than was sent, not even for a moment. */
function assertNoMore({ sent, handedOver }: Rig): void {
  for (const field of ['flows', 'kinds'] as const) {
    for (const [key, { packets, bytes }] of handedOver[field]) {
      const limit = sent[field].get(key) ?? { packets: 0, bytes: 0 };
      assert.ok(packets <= limit.packets && bytes <= limit.bytes, `${key}: ${packets} of ${limit.packets}`);
    }
  }
}

function sorted(sums: ReadonlyMap<string, Sum>): [string, Sum][] {
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1));
}
