// SPDX-License-Identifier: Apache-2.0
// Who talks to whom.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Flow, RocePair } from '../../web/model/answers.js';
import {
  cellKey,
  matrixOfFlows,
  matrixOfPairs,
  moveInGrid,
  RATE_STEPS,
  rateStep,
} from '../../web/model/matrix.js';

function pair(src: string, dst: string, rate: number | null, trouble: readonly string[] = []): RocePair {
  return {
    id: `eth0 ${src} ${dst}`,
    src_ip: src,
    dst_ip: dst,
    payload_bits_per_second: rate,
    trouble: trouble.map((sentence) => ({ code: 'ce', sentence })),
  } as unknown as RocePair;
}

const ROOM = { rows: 8, columns: 8 };

test('a cell has the rate of its pair, its trouble and its address', () => {
  const matrix = matrixOfPairs(
    [pair('a', 'b', 1e9, ['a is slow']), pair('b', 'a', 1e6), pair('a', 'c', null)],
    ROOM,
  );
  assert.deepEqual(matrix.sources, ['a', 'b']);
  assert.deepEqual(matrix.destinations, ['a', 'b', 'c']);
  const cell = matrix.cells.get(cellKey('a', 'b'));
  assert.deepEqual([cell?.step, cell?.trouble, cell?.pairId], [RATE_STEPS, ['a is slow'], 'eth0 a b']);
  assert.equal(matrix.cells.get(cellKey('b', 'a'))?.step, 1);
  assert.equal(matrix.cells.get(cellKey('a', 'c'))?.step, 0);
  assert.equal(matrix.cells.get(cellKey('b', 'c')), undefined);
});

test('two of the same hosts are one cell: rates add up, and trouble is never hidden', () => {
  const well = { ...pair('a', 'b', 5e6), id: 'eth0 a b' };
  const ill = { ...pair('a', 'b', 1e6, ['late']), id: 'eth1 a b' };
  for (const pairs of [
    [well, ill],
    [ill, well],
  ]) {
    const cell = matrixOfPairs(pairs, ROOM).cells.get(cellKey('a', 'b'));
    assert.deepEqual([cell?.bitsPerSecond, cell?.trouble, cell?.pairId], [6e6, ['late'], 'eth1 a b']);
  }
});

test('where there is no room, trouble comes first, then the largest, and what is left out is counted', () => {
  const pairs = Array.from({ length: 10 }, (_, i) => pair(`s${i}`, 'd', 1e6 * (i + 1)));
  const matrix = matrixOfPairs(
    [...pairs, pair('small', 'd', 0, ['gaps'])],
    { rows: 3, columns: 3 },
    undefined,
    { pairs: 5, bitsPerSecond: 45e6 },
  );
  assert.deepEqual(matrix.sources, ['s8', 's9', 'small']);
  assert.deepEqual([matrix.shownPairs, matrix.allPairs], [3, 16]);
  assert.equal(matrix.shownShare.toFixed(3), '0.190');
});

test('every row and column has a cell, the room is kept, the largest pair is there, and the counts are true', () => {
  const talk = fc.record({ src: fc.nat(30), dst: fc.nat(30), rate: fc.nat(1e6), isIll: fc.boolean() });
  const room = fc.record({ rows: fc.integer({ min: 1, max: 9 }), columns: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(
      fc.uniqueArray(talk, { minLength: 1, maxLength: 120, selector: ({ src, dst }) => `${src} ${dst}` }),
      room,
      (talks, { rows, columns }) => {
        const pairs = talks.map(({ src, dst, rate, isIll }) =>
          pair(`s${src}`, `d${dst}`, rate, isIll ? ['late'] : []),
        );
        const { sources, destinations, cells, ...said } = matrixOfPairs(pairs, { rows, columns });
        assert.ok(sources.length <= rows && destinations.length <= columns);
        const shown = [...cells.values()];
        assert.ok(sources.every((host) => shown.some(({ src }) => src === host)));
        assert.ok(destinations.every((host) => shown.some(({ dst }) => dst === host)));
        assert.deepEqual([said.shownPairs, said.allPairs], [cells.size, pairs.length]);
        const ill = pairs.filter(({ trouble }) => trouble.length > 0);
        const first = Math.max(
          ...(ill.length > 0 ? ill : pairs).map((one) => one.payload_bits_per_second ?? 0),
        );
        assert.ok(
          shown.some(
            ({ bitsPerSecond, trouble }) => bitsPerSecond === first && trouble.length > 0 === ill.length > 0,
          ),
        );
      },
    ),
  );
});

test('a cell that stands there stays, until another carries clearly more', () => {
  const room = { rows: 1, columns: 1 };
  const before = matrixOfPairs([pair('a', 'x', 100), pair('b', 'y', 99)], room);
  const sources = (rate: number): readonly string[] =>
    matrixOfPairs([pair('a', 'x', 100), pair('b', 'y', rate)], room, before).sources;
  assert.deepEqual([sources(140), sources(160)], [['a'], ['b']]);
});

test('flows of the same addresses are one cell, by networks where there are no addresses', () => {
  const flow = (labels: Flow['labels']): Flow => ({ labels, bits_per_second: 100 }) as unknown as Flow;
  const matrix = matrixOfFlows(
    [
      flow({ src_ip: 'a', dst_ip: 'b', src_port: '1' }),
      flow({ src_ip: 'a', dst_ip: 'b', src_port: '2' }),
      flow({ src_network: 'office', dst_ip: 'b' }),
      flow({ protocol: '6' }),
    ],
    ROOM,
  );
  assert.equal(matrix.cells.get(cellKey('a', 'b'))?.bitsPerSecond, 200);
  assert.equal(matrix.cells.get(cellKey('office', 'b'))?.bitsPerSecond, 100);
  assert.equal(matrix.cells.size, 2);
});

test('a higher rate has no lower colour, and every rate has one', () => {
  const rate = fc.double({ min: 1e-3, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(rate, rate, (a, b) => {
      const [low, high] = a < b ? [a, b] : [b, a];
      const [from, to] = [1e3, 1e9];
      const steps = [rateStep(low, from, to), rateStep(high, from, to)] as const;
      assert.ok(steps[0] <= steps[1]);
      assert.ok(steps[0] >= 1 && steps[1] <= RATE_STEPS);
    }),
  );
  assert.equal(rateStep(5, 5, 5), RATE_STEPS);
});

test('arrow keys walk the grid and stay within it', () => {
  const size = { rows: 2, columns: 3 };
  assert.deepEqual(moveInGrid({ row: 0, column: 0 }, 'ArrowRight', size), { row: 0, column: 1 });
  assert.deepEqual(moveInGrid({ row: 0, column: 0 }, 'ArrowUp', size), { row: 0, column: 0 });
  assert.deepEqual(moveInGrid({ row: 1, column: 2 }, 'ArrowDown', size), { row: 1, column: 2 });
  assert.deepEqual(moveInGrid({ row: 1, column: 2 }, 'Home', size), { row: 1, column: 0 });
  assert.equal(moveInGrid({ row: 1, column: 2 }, 'x', size), undefined);
});
