// SPDX-License-Identifier: Apache-2.0
// The reference of whole streams, by hand: which stream a count goes to, and source ports. No kernel needed.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../../src/abi/kinds.js';
import { QP } from '../frames/vector-parts.js';
import { STREAM_V1, STREAM4, V1, V2_IPV4 } from '../roce/roce-count-parts.js';
import { withSourcePort } from '../roce/roce-source-port.js';
import { streamName } from '../roce/roce-sums.js';
import { ReferenceStreams } from './reference-roce-streams.js';

const NAME = streamName(STREAM4);
const OTHER_DSCP = streamName({ ...STREAM4, dscp: 26 });

function packet(sequenceNumber: number, dscp = 0): Buffer {
  return V2_IPV4.frame({ opcode: 0x07, destinationQp: QP, sequenceNumber }, undefined, dscp << 2);
}

function start(): ReferenceStreams {
  return new ReferenceStreams({ psnIdleMaxRefreshes: 12 });
}

test('streams that differ by DSCP alone have one order of PSNs, and counts of their own', () => {
  const reference = start();
  for (const frame of [packet(1), packet(4, 26), packet(2), packet(2, 26)]) {
    reference.count(frame, FRAMING.ethernet, 0);
  }
  reference.sweep(1);
  const counted = reference.take();
  assert.deepEqual(
    [NAME, OTHER_DSCP].map((name) => {
      const { packets, psnGaps, psnLate, psnDuplicates, psnLost } = counted[name] ?? {};
      return { packets, psnGaps, psnLate, psnDuplicates, psnLost };
    }),
    [
      { packets: 2, psnGaps: undefined, psnLate: 1, psnDuplicates: undefined, psnLost: undefined },
      { packets: 2, psnGaps: 1, psnLate: undefined, psnDuplicates: 1, psnLost: undefined },
    ],
  );
  // 3 is still missing: under the stream of the first packet.
  reference.sweep(2);
  assert.deepEqual(reference.take(), { [NAME]: { psnLost: 1 } });
  reference.sweep(3);
  assert.deepEqual(reference.take(), {});
});

test('bytes are told apart by source port', () => {
  const reference = start();
  const ports = [50_000, 60_000, 50_000, 60_001, 0];
  const frames = ports.map((port, i) => withSourcePort(packet(i), port));
  const bytes = frames[0]?.length ?? 0;
  for (const frame of frames) reference.count(frame, FRAMING.ethernet, 0);
  const expected = new Map([
    [50_000, 2 * bytes],
    [60_000, bytes],
    [60_001, bytes],
    [0, bytes],
  ]);
  assert.deepEqual(reference.bytesByPort(), new Map([[NAME, expected]]));
  const { packets, port, strayedBytes } = reference.take()[NAME] ?? {};
  // A stream of several ports has none in sums, as every place where it is counted has its own first one.
  assert.deepEqual({ packets, port, strayedBytes }, { packets: 5, port: undefined, strayedBytes: undefined });
  // Each interval has a first port of its own; port 0 is one, too.
  reference.count(withSourcePort(packet(9), 0), FRAMING.ethernet, 1);
  assert.deepEqual(reference.bytesByPort(), new Map([[NAME, new Map([[0, bytes]])]]));
  const next = reference.take()[NAME];
  assert.deepEqual([next?.['port'], next?.['strayedBytes']], [65_536, undefined]);
});

test('RoCE v1 has no source port', () => {
  const reference = start();
  reference.count(V1.frame({ opcode: 0x07, destinationQp: QP }), FRAMING.ethernet, 0);
  assert.equal(reference.bytesByPort().size, 0);
  assert.equal(reference.take()[streamName(STREAM_V1)]?.['port'], undefined);
});
