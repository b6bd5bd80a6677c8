// SPDX-License-Identifier: Apache-2.0
// The hardest weather for a drain: real frames from both CPUs, the same flows in opposite orders, hardly
// any slots, and one drain right after the other. Each flip makes both CPUs insert every flow anew, so
// that they meet over a flow hundreds of times; and each drain is a chance to read what is still written.

import assert from 'node:assert/strict';
import { cpus } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import { FRAMING } from '../../src/abi/kinds.js';
import { attachXdp } from '../../src/kernel/attach.js';
import { loadKernelObject } from '../../src/kernel/load.js';
import { createDrain } from '../../src/reader/drain.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { sendFrames } from '../support/kernel/sender.js';
import { createWire, type Wire } from '../support/kernel/wire.js';
import { DrainSums, sorted } from '../support/oracle/drain-sums.js';

const FRAMES = udpFlows(9, 64);
const ORDERS = [FRAMES, [...FRAMES].reverse()] as const;
const REPEAT = 1000;
const DRAINS_MIN = 150;

for (const mode of ['native', 'generic'] as const) {
  kernelTest(
    `${mode}: two CPUs over the same flows, ${DRAINS_MIN} drains without a rest: every flow is exact`,
    async () => {
      const wire = createWire(`bd${mode[0]}`, { queues: 2 });
      const object = loadKernelObject({
        objectPath: FLOW_OBJECT_PATH,
        portableObjectPath: PORTABLE_OBJECT_PATH,
        flowCapacity: 4096,
        slotsPerCpu: 2,
      });
      try {
        const outcome = attachXdp({
          object,
          ifindex: wire.sink.ifindex(wire.sinkDevice()),
          interfaceName: wire.sinkDevice(),
          framing: FRAMING.ethernet,
          mode,
        });
        assert.ok(outcome.attached);
        const drain = createDrain({
          maps: object.maps,
          interfaceIdOf: (ifindex) => ifindex,
          ifindexOf: (id) => id,
          yieldToLoop: () => setImmediate(),
          nowMs: () => performance.now(),
        });
        const handedOver = new DrainSums();
        const drainOnce = async (): Promise<void> => {
          const result = await drain.drain();
          assert.equal(result.error, undefined);
          handedOver.addDrain(result);
        };

        const sent = new DrainSums();
        let drains = 0;
        for (let sending = true; sending; sending = drains < DRAINS_MIN) {
          const traffic = send(wire, sent);
          let done = false;
          traffic.then(
            () => (done = true),
            () => (done = true),
          );
          for (; !done; drains++) await drainOnce();
          await traffic;
        }
        outcome.link.close();
        await drainOnce();
        await drainOnce();
        assert.deepEqual(sorted(handedOver.flows), sorted(sent.flows));
        assert.deepEqual(sorted(handedOver.types), sorted(sent.types));
      } finally {
        object.close();
        wire.dispose();
      }
    },
  );
}

/** Both senders at once; adds what they sent. */
async function send(wire: Wire, sent: DrainSums): Promise<void> {
  await Promise.all(
    ORDERS.map((frames, i) =>
      sendFrames({
        prefix: wire.source.enter,
        interface: wire.sourceDevice(),
        frames,
        repeat: REPEAT,
        cpu: i % cpus().length,
      }),
    ),
  );
  for (const frame of FRAMES) sent.addFrame(frame, ORDERS.length * REPEAT);
}
