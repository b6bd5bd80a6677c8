// SPDX-License-Identifier: Apache-2.0
// Which port of two is a client's: examples, and the laws that make both directions one flow's.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ephemeralPorts, foldsPort } from '../../src/abi/port-folding.js';
import { foldedPort } from '../support/oracle/reference-options.js';

const LINUX = { first: 32_768, last: 60_999 };
const PORT = fc.oneof(fc.nat(65_535), fc.constantFrom(0, 443, 32_767, 32_768, 51_820, 60_999, 61_000));

for (const [src, dst, expected, why] of [
  [40_000, 443, [0, 443], 'a client asks a service'],
  [443, 40_000, [443, 0], 'and is answered'],
  [40_000, 50_000, [40_000, 0], 'both in the range: the higher is the client'],
  [50_000, 40_000, [0, 40_000], 'and in the other direction'],
  [40_000, 51_820, [0, 51_820], 'a service within the range'],
  [51_821, 51_820, [0, 51_820], 'whichever is higher'],
  [51_819, 51_820, [0, 51_820], 'the service is not in the range'],
  [40_000, 40_000, [0, 0], 'neither is higher'],
  [443, 61_000, [443, 61_000], 'outside of the range'],
  [0, 0, [0, 0], 'none'],
] as const) {
  test(`${src} -> ${dst} is ${expected.join(' -> ')}: ${why}`, () => {
    const ephemeral = ephemeralPorts(LINUX, [51_820]);
    const folded = (port: number, other: number) => (foldsPort(ephemeral, port, other) ? 0 : port);
    assert.deepEqual([folded(src, dst), folded(dst, src)], expected);
  });
}

test('any range and list: as the reference has it, at least one port of a pair that differs stays', () => {
  fc.assert(
    fc.property(PORT, PORT, PORT, PORT, fc.array(PORT, { maxLength: 5 }), (a, b, src, dst, services) => {
      const range = { first: Math.max(1, Math.min(a, b)), last: Math.max(1, a, b) };
      const ephemeral = ephemeralPorts(range, services);
      const reference = (port: number, other: number) =>
        foldedPort(port, other, { ...range, services }) === 0 && port !== 0;
      assert.equal(foldsPort(ephemeral, src, dst), reference(src, dst));
      assert.equal(foldsPort(ephemeral, dst, src), reference(dst, src));
      if (src !== dst) assert.ok(!foldsPort(ephemeral, src, dst) || !foldsPort(ephemeral, dst, src));
    }),
    { numRuns: 2000 },
  );
});
