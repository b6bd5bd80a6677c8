// SPDX-License-Identifier: Apache-2.0
// The programs of one object give way to those of another under traffic: every packet is counted by one of
// the two, and none by both.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { FRAMING } from '../../src/abi/kinds.js';
import { attachXdp } from '../../src/kernel/attach.js';
import { type KernelObject, loadKernelObject, type ProgramFlavour } from '../../src/kernel/load.js';
import { createDrain } from '../../src/reader/drain.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../support/kernel/kernel-gate.js';
import { startSending, whatWasSent } from '../support/kernel/sender.js';
import { createWire } from '../support/kernel/wire.js';
import { DrainSums } from '../support/oracle/drain-sums.js';

const FRAMES = udpFlows(11, 64);
/** Four seconds of traffic, and as many generations of programs as come to be meanwhile. */
const PACKETS_PER_SECOND = 200_000;
const REPEAT = 12_500;
const GENERATIONS_MIN = 3;

function load(flavours: readonly ProgramFlavour[]): KernelObject {
  return loadKernelObject({
    objectPath: FLOW_OBJECT_PATH,
    portableObjectPath: PORTABLE_OBJECT_PATH,
    flowCapacity: 4096,
    slotsPerCpu: 64,
    flavours,
  });
}

/** Both halves, of programs that no longer run. */
async function drainAll({ maps }: KernelObject, sums: DrainSums): Promise<void> {
  const drain = createDrain({
    maps,
    interfaceIdOf: (ifindex) => ifindex,
    ifindexOf: (id) => id,
    yieldToLoop: () => setImmediate(),
    nowMs: () => performance.now(),
  });
  for (let half = 0; half < 2; half++) {
    const result = await drain.drain();
    assert.equal(result.error, undefined);
    sums.addDrain(result);
  }
}

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`${mode}: programs one after the other miss no packet`, async () => {
    const wire = createWire(`lu${mode[0]}`);
    let object = load(['plain']);
    try {
      const outcome = attachXdp({
        object,
        ifindex: wire.sink.ifindex(wire.sinkDevice()),
        interfaceName: wire.sinkDevice(),
        framing: FRAMING.ethernet,
        mode,
      });
      assert.ok(outcome.attached);
      const counted = new DrainSums();
      const sending = startSending({
        prefix: wire.source.enter,
        interface: wire.sourceDevice(),
        frames: FRAMES,
        repeat: REPEAT,
        packetsPerSecond: PACKETS_PER_SECOND,
      });
      let generations = 0;
      for (; sending.child.exit === undefined; generations++) {
        const flavour = generations % 2 === 0 ? 'frags' : 'plain';
        const next = load([flavour]);
        const programFd = next.programFd(FRAMING.ethernet, flavour);
        assert.ok(programFd !== undefined);
        assert.equal(outcome.link.update(programFd), undefined);
        await drainAll(object, counted);
        object.close();
        object = next;
      }
      const sent = await whatWasSent(sending.child);
      sending.dispose();
      outcome.link.close();
      await drainAll(object, counted);
      assert.ok(generations >= GENERATIONS_MIN, `${generations} generations while there was traffic`);
      assert.equal(counted.packets, sent.packets);
    } finally {
      object.close();
      wire.dispose();
    }
  });
}

kernelTest('a program of another kind, and a closed link, are refused with a name', () => {
  const wire = createWire('lur');
  const object = load(['plain']);
  try {
    const outcome = attachXdp({
      object,
      ifindex: wire.sink.ifindex(wire.sinkDevice()),
      interfaceName: wire.sinkDevice(),
      framing: FRAMING.ethernet,
      mode: 'native',
    });
    assert.ok(outcome.attached);
    assert.equal(outcome.link.update(-1)?.errnoName, 'EBADF');
    assert.ok(outcome.link.isAlive());
    const programFd = object.programFd(FRAMING.ethernet, 'plain') ?? assert.fail();
    wire.source.exec('ip', 'link', 'delete', wire.sourceDevice());
    assert.equal(outcome.link.update(programFd)?.errnoName, 'ENOLINK');
    outcome.link.close();
    assert.equal(outcome.link.update(programFd)?.errnoName, 'EBADF');
  } finally {
    object.close();
    wire.dispose();
  }
});
