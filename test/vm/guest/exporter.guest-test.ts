// SPDX-License-Identifier: Apache-2.0
// The exporter as a whole on the guest's kernel, native and generic: it counts every frame, says what
// `ip -s link` says, and a killed one leaves nothing in the kernel. test/e2e asks far more; it is too
// slow for an emulated processor.

import assert from 'node:assert/strict';
import { waitFor } from '../../support/conditions.js';
import { startExporter } from '../../support/exporter/exporter.js';
import { scrapeOfPackets } from '../../support/exporter/with-exporter.js';
import { everyHeader, mixedFlows } from '../../support/frames/traffic-mix.js';
import { heldBpfObjects, livingBpfObjects } from '../../support/kernel/bpf-objects.js';
import { kernelTest } from '../../support/kernel/kernel-gate.js';
import { sendFrames } from '../../support/kernel/sender.js';
import { createWire } from '../../support/kernel/wire.js';
import { assertBalance } from '../../support/oracle/balance.js';
import { differences, ExpectedCounts, readCounts } from '../../support/oracle/expected-counts.js';
import { uncountedBytes } from '../../support/oracle/link-bytes.js';

/** About 290 frames in about 250 flows; eight times from each of two CPUs. */
const FRAMES = [...everyHeader(), ...mixedFlows(1, 8)];
const REPEAT = 8;
const CPUS = [0, 1];

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`${mode}: every frame is counted, and a killed exporter leaves nothing`, async (t) => {
    const wire = createWire(`g${mode[0]}`, { queues: 2 });
    t.after(() => wire.dispose());
    const device = wire.sinkDevice();
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${device}`, '--interval=200', `--attach-mode=${mode}`],
      // Few slots, so that flows also move on to the shared maps.
      settings: { kernel: { slots_per_cpu: 64 } },
    });
    t.after(() => exporter.stop('SIGKILL'));

    const expected = new ExpectedCounts();
    await Promise.all(CPUS.map((cpu) => send(cpu)));
    expected.add(FRAMES, REPEAT * CPUS.length);
    const seen = await scrapeOfPackets(exporter, device, expected.total.packets);
    t.diagnostic(`${expected.total.packets} frames in ${expected.flows.size} flows`);
    assert.deepEqual(differences(expected, readCounts(seen, device)), []);
    assertBalance(seen);
    assert.equal(seen.select('xtrace_interface_attach_info', { interface: device, mode }).length, 1);
    const { rx } = wire.sink.linkCounters(device);
    assert.deepEqual(
      { packets: rx.packets, bytes: rx.bytes + rx.packets * uncountedBytes(mode) },
      expected.total,
    );

    const held = heldBpfObjects(exporter.child.pid);
    assert.ok(held.prog.length > 0 && held.map.length > 0);
    assert.equal(held.link.length, 1);
    exporter.child.kill('SIGKILL');
    await exporter.child.exited;
    await waitFor('the kernel to let go of programs, maps and link', () =>
      Object.values(livingBpfObjects(held)).every((ids) => ids.length === 0),
    );

    function send(cpu: number) {
      const { source } = wire;
      return sendFrames({
        prefix: source.enter,
        interface: wire.sourceDevice(),
        frames: FRAMES,
        repeat: REPEAT,
        cpu,
      });
    }
  });
}
