// SPDX-License-Identifier: Apache-2.0
// What a watch counts of random traffic, against counts of the same traffic by other means.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KIND } from '../../src/abi/kinds.js';
import { estimateWatch } from '../../src/estimate/estimate.js';
import {
  choiceInputs,
  createWatch,
  distinctFlows,
  ESTIMATE_OPTIONS,
  watchRows,
} from '../support/estimate/watched.js';
import type { TestRow } from '../support/flows/rows.js';

function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Clients of some networks and services of some hosts, in both directions, of all sorts. */
function randomTraffic(seed: number, count: number): TestRow[] {
  const below = random(seed);
  const kinds = [KIND.tcp, KIND.tcp, KIND.tcp, KIND.udp, KIND.roceV2, KIND.other, KIND.nonIp];
  const hosts = 1 + below(200);
  return Array.from({ length: count }, () => {
    const kind = kinds[below(kinds.length)] ?? KIND.tcp;
    const ipVersion = below(4) === 0 ? (6 as const) : (4 as const);
    const pad = ipVersion === 6 ? new Array<number>(12).fill(0) : [];
    const client = [10, below(8), below(hosts), below(200), ...pad];
    const server = [192, 168, 0, below(20), ...pad];
    const clientPort = below(10) === 0 ? 51_820 : 32_768 + below(28_000);
    const servicePort = [443, 53, 51_820, 40_000 + below(3)][below(4)] ?? 443;
    const isAnswer = below(2) === 1;
    return {
      kind,
      ipVersion,
      src: isAnswer ? server : client,
      dst: isAnswer ? client : server,
      srcPort: isAnswer ? servicePort : clientPort,
      dstPort: isAnswer ? clientPort : servicePort,
      protocol: kind === KIND.tcp ? 6 : 17,
      interfaceId: below(2),
      qp: kind === KIND.roceV2 ? below(1000) : 0,
      vlan: below(3),
      packets: 1 + below(9),
      bytes: 60 + below(9000),
    };
  });
}

function intervalsOf(rows: readonly TestRow[], count: number): TestRow[][] {
  const size = Math.ceil(rows.length / count);
  return Array.from({ length: count }, (_, i) => rows.slice(i * size, (i + 1) * size));
}

test('law: of random traffic, each choice has as many flows as there are, within 3 %', async () => {
  const choices = choiceInputs();
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 2 ** 31 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 1, max: 70 }),
      async (seed, count, intervals) => {
        const rows = randomTraffic(seed, count);
        const watch = createWatch(choices, { seed });
        await watchRows(watch, intervalsOf(rows, intervals));
        const { choices: found, totals } = estimateWatch(watch, choices, ESTIMATE_OPTIONS);
        for (const { id, settings, flowsNow } of found) {
          const actual = distinctFlows(rows, settings);
          const wrong = Math.abs(flowsNow - actual);
          assert.ok(wrong <= Math.max(1, 0.03 * actual), `${id}: ${flowsNow} of ${actual}`);
        }
        const sum = (field: 'packets' | 'bytes', of = rows): number =>
          of.reduce((total, row) => total + (row[field] ?? 0), 0);
        assert.deepEqual([totals.packets, totals.bytes], [sum('packets'), sum('bytes')], 'books');
        const withoutFlow = rows.filter(({ kind }) => kind === KIND.nonIp);
        assert.equal(totals.packetsWithoutFlow, sum('packets', withoutFlow));
      },
    ),
    // 3 % are 3.7 standard deviations: one check in 5,000 would miss it by chance.
    { numRuns: 12, seed: 1, endOnFailure: true },
  );
});
