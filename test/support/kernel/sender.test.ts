// SPDX-License-Identifier: Apache-2.0
// The sender and the namespaces against the kernel's own counters: what it says was sent is what
// the peer received, to the unit, and nothing else arrives.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { waitFor } from '../conditions.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../frames/frames.js';
import { kernelTest } from './kernel-gate.js';
import { createVeth, Namespace } from './namespace.js';
import { sendFrames } from './sender.js';

function frameOf(length: number): Buffer {
  const ends = { src: '10.0.0.1', dst: '10.0.0.2' };
  return ethernet(ETHERTYPE.ipv4, ipv4(ends, udp(1000, 2000, payloadOf(length - 42))));
}

kernelTest(
  'two senders, frames from 42 bytes to 60 kB: the peer receives exactly what they say',
  async () => {
    const left = new Namespace('sa');
    const right = new Namespace('sb');
    try {
      createVeth(
        { namespace: left, device: 'va' },
        { namespace: right, device: 'vb' },
        { mtu: 65535, queues: 2 },
      );
      const frames = [42, 60, 1514, 9014, 60_000].map(frameOf);
      const sent = await Promise.all(
        [0, 1].map(() => sendFrames({ prefix: left.enter, interface: 'va', frames, repeat: 200 })),
      );
      const packets = sent.reduce((sum, one) => sum + one.packets, 0);
      const bytes = sent.reduce((sum, one) => sum + one.bytes, 0);
      assert.equal(packets, 2 * 200 * frames.length);
      assert.equal(bytes, 2 * 200 * (42 + 60 + 1514 + 9014 + 60_000));
      const { rx } = await waitFor('all frames to arrive', () => {
        const counters = right.linkCounters('vb');
        return counters.rx.packets >= packets && counters;
      });
      assert.deepEqual(rx, { packets, bytes, dropped: 0 });
      assert.deepEqual(right.linkCounters('vb').tx, { packets: 0, bytes: 0, dropped: 0 });
    } finally {
      left.dispose();
      right.dispose();
    }
    assert.equal(existsSync(`/run/netns/${left.name}`), false);
  },
);

kernelTest('a sender on an interface that is not there says so', async () => {
  await assert.rejects(sendFrames({ interface: 'no-such-if', frames: [frameOf(60)] }), /no-such-if/);
});
