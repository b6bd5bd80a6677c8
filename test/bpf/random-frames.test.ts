// SPDX-License-Identifier: Apache-2.0
// Properties of the BPF programs over random frames: the same key as the reference parser's, counted
// once, with the frame's length, always passed on; and the same under masks and unwanted kinds.

import assert from 'node:assert/strict';
import process from 'node:process';
import fc from 'fast-check';
import { KIND, TRAFFIC_TYPES } from '../../src/abi/kinds.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../../src/abi/layout.js';
import { ephemeralPorts } from '../../src/abi/port-folding.js';
import { ARBITRARY_FRAMES, type ArbitraryFrame } from '../support/frames/arbitrary-frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest, RUN_IFINDEX } from '../support/kernel/program-under-test.js';
import { applyOptions, type ReferenceOptions } from '../support/oracle/reference-options.js';
import { parseFrame } from '../support/oracle/reference-parser.js';

/** Frames of each sort; more by XTRACE_RANDOM_FRAMES, for a long run. */
const RUNS = Number(process.env['XTRACE_RANDOM_FRAMES'] ?? 20_000);

/** Runs the property; returns how often each kind came up. */
function assertAgrees(
  program: ProgramUnderTest,
  frames: fc.Arbitrary<ArbitraryFrame>,
  runs: number,
  options?: ReferenceOptions,
): number[] {
  const kinds = new Array<number>(TRAFFIC_TYPES.length).fill(0);
  fc.assert(
    fc.property(frames, ({ framing, frame }) => {
      const parsed = parseFrame(frame, framing);
      kinds[parsed.kind] = (kinds[parsed.kind] ?? 0) + 1;
      const key = options === undefined ? parsed : applyOptions(parsed, framing, options);
      const expected = { key, ifindex: RUN_IFINDEX, packets: 1, bytes: frame.length };
      assert.deepEqual(program.count(frame, framing), expected, frame.toString('hex'));
    }),
    { numRuns: runs },
  );
  return kinds;
}

kernelTest('noise', (t) => {
  const program = new ProgramUnderTest();
  t.after(() => program.close());
  assertAgrees(program, ARBITRARY_FRAMES.noise, RUNS);
});

for (const sort of ['mutated', 'structured'] as const) {
  kernelTest(`${sort} frames`, (t) => {
    const program = new ProgramUnderTest();
    t.after(() => program.close());
    const kinds = assertAgrees(program, ARBITRARY_FRAMES[sort], RUNS);
    // Random frames that are all malformed would prove little.
    const seldom = TRAFFIC_TYPES.filter((_, kind) => kind !== KIND.none && (kinds[kind] ?? 0) < RUNS / 400);
    assert.deepEqual(
      seldom.map(({ label }) => label),
      [],
      `kinds that hardly came up, of ${kinds.join(' ')}`,
    );
  });
}

/** All ones but for these bytes. */
function mask(size: number, zeroed: readonly (readonly [offset: number, length: number])[]): Uint8Array {
  const bytes = new Uint8Array(size).fill(0xff);
  for (const [offset, length] of zeroed) {
    bytes.fill(0, offset, offset + length);
  }
  return bytes;
}

const FOLDING = { first: 20_000, last: 60_000, services: [4791, 30_000, 51_820] };
const EVERYTHING = {
  kindsWanted: [0xffff, 0xffff, 0xffff],
  mask4: mask(FLOW_KEY4.size, []),
  mask6: mask(FLOW_KEY6.size, []),
} as const;

const OPTIONS: Readonly<Record<string, ReferenceOptions>> = {
  'DSCP masked': { ...EVERYTHING, mask4: mask(FLOW_KEY4.size, [[FLOW_KEY4.qp + 3, 1]]) },
  "clients' ports folded": { ...EVERYTHING, folding: FOLDING },
  'ports folded, kinds left out': {
    ...EVERYTHING,
    kindsWanted: [0x3ff & ~(1 << KIND.tcp), 0x3ff & ~(1 << KIND.infiniband), 0x3ff & ~(1 << KIND.roceV2)],
    folding: FOLDING,
  },
  'source ports, half of each address, VLAN and queue pair masked': {
    kindsWanted: [0xffff, 0xffff, 0xffff],
    mask4: mask(FLOW_KEY4.size, [
      [FLOW_KEY4.srcPort, 2],
      [FLOW_KEY4.srcIp + 2, 2],
      [FLOW_KEY4.dstIp + 3, 1],
      [FLOW_KEY4.vlan, 2],
      [FLOW_KEY4.qp, 4],
    ]),
    mask6: mask(FLOW_KEY6.size, [
      [FLOW_KEY6.srcPort, 4],
      [FLOW_KEY6.srcIp + 8, 8],
      [FLOW_KEY6.dstIp + 6, 10],
      [FLOW_KEY6.vlan, 2],
      [FLOW_KEY6.qp, 4],
    ]),
  },
  'other kinds wanted on each framing': {
    kindsWanted: [
      (1 << KIND.tcp) | (1 << KIND.roceV1) | (1 << KIND.malformed),
      (1 << KIND.udp) | (1 << KIND.infiniband),
      (1 << KIND.roceV2) | (1 << KIND.other) | (1 << KIND.nonIp),
    ],
    mask4: mask(FLOW_KEY4.size, []),
    mask6: mask(FLOW_KEY6.size, []),
  },
};

for (const [name, options] of Object.entries(OPTIONS)) {
  kernelTest(name, (t) => {
    const { folding, ...load } = options;
    const ports = folding === undefined ? {} : { ephemeralPorts: ephemeralPorts(folding, folding.services) };
    const program = new ProgramUnderTest({ ...load, ...ports });
    t.after(() => program.close());
    assertAgrees(program, ARBITRARY_FRAMES.structured, RUNS / 4, options);
    assertAgrees(program, ARBITRARY_FRAMES.mutated, RUNS / 4, options);
  });
}
