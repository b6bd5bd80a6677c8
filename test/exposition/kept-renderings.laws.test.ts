// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { KeptRenderings } from '../../src/exposition/kept-renderings.js';

const MIB = 2 ** 20;
const LIMIT_BYTES = 32 * MIB;

interface Kept {
  readonly refresh: number;
  readonly madeMs: number;
  readonly bytes: number;
}

const step = fc.oneof(
  fc.record({ do: fc.constant('add' as const), bytes: fc.integer({ min: 0, max: 40 * MIB }) }),
  fc.record({ do: fc.constant('take' as const), bytes: fc.integer({ min: 0, max: 40 * MIB }) }),
  fc.record({ do: fc.constant('refresh' as const) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.nat(6000) }),
);

test('no more is kept than the limit or the last one, nothing old is given, and nothing is lost', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      let refresh = 1;
      let nowMs = 0;
      const kept = new KeptRenderings<Kept>({ currentRefresh: () => refresh, monotonicMs: () => nowMs });
      const inside = new Set<Kept>();
      for (const one of steps) {
        if (one.do === 'refresh') refresh++;
        else if (one.do === 'wait') nowMs += one.ms;
        else if (one.do === 'add') {
          const added = { refresh, madeMs: nowMs, bytes: one.bytes };
          inside.add(added);
          for (const out of kept.add(added, one.bytes, one.bytes)) assert.ok(inside.delete(out));
          assert.ok(kept.bytes <= LIMIT_BYTES || inside.size === 1);
        } else {
          const taken = kept.take(({ bytes }) => bytes >= one.bytes);
          if (taken === undefined) continue;
          assert.ok(taken.refresh === refresh && nowMs - taken.madeMs < 5000 && taken.bytes >= one.bytes);
          assert.ok(inside.delete(taken), 'nobody else has it');
        }
        assert.equal(
          kept.bytes,
          [...inside].reduce((sum, { bytes }) => sum + bytes, 0),
        );
      }
      refresh++;
      assert.deepEqual(new Set(kept.removeOutdated()), inside);
      assert.equal(kept.bytes, 0);
    }),
  );
});
