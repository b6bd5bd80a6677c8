// SPDX-License-Identifier: Apache-2.0
// What kernels before 5.18 get: the plain flavour alone, attached to a wire and drained as the
// exporter drains it. Every frame must come out under the key that the reference parser gives it.

import assert from 'node:assert/strict';
import { setImmediate } from 'node:timers/promises';
import { FRAMING } from '../../../src/abi/kinds.js';
import { FLOW_ROW, FLOW_ROW_BYTES, type FlowRows } from '../../../src/abi/records.js';
import { attachXdp } from '../../../src/kernel/attach.js';
import { loadKernelObject } from '../../../src/kernel/load.js';
import { createDrain } from '../../../src/reader/drain.js';
import { waitFor } from '../../support/conditions.js';
import { formatAddress } from '../../support/frames/addresses.js';
import { everyHeader, mixedFlows } from '../../support/frames/traffic-mix.js';
import { FLOW_OBJECT_PATH, kernelTest, PORTABLE_OBJECT_PATH } from '../../support/kernel/kernel-gate.js';
import { sendFrames } from '../../support/kernel/sender.js';
import { createWire } from '../../support/kernel/wire.js';
import { type ParsedFrame, parseFrame } from '../../support/oracle/reference-parser.js';
import type { Sum } from '../../support/oracle/tshark-truth.js';

const FRAMES = [...everyHeader(), ...mixedFlows(1, 8)];
const REPEAT = 10;

for (const mode of ['native', 'generic'] as const) {
  kernelTest(`${mode}: the plain flavour counts every frame of a wire`, async (t) => {
    const wire = createWire(`p${mode[0]}`);
    t.after(() => wire.dispose());
    const device = wire.sinkDevice();
    const object = loadKernelObject({
      objectPath: FLOW_OBJECT_PATH,
      portableObjectPath: PORTABLE_OBJECT_PATH,
      flowCapacity: 4096,
      slotsPerCpu: 64,
      flavours: ['plain'],
    });
    t.after(() => object.close());
    const ifindex = wire.sink.ifindex(device);
    const outcome = attachXdp({
      object,
      ifindex,
      interfaceName: device,
      framing: FRAMING.ethernet,
      mode,
    });
    assert.ok(outcome.attached, outcome.attached ? '' : outcome.sentence);
    t.after(() => outcome.link.close());
    assert.deepEqual([outcome.flavour, outcome.mode, outcome.failures], ['plain', mode, []]);

    const expected = new KeyedSums();
    for (const frame of FRAMES)
      expected.add(parseFrame(frame, FRAMING.ethernet), REPEAT, REPEAT * frame.length);
    const sent = await sendFrames({
      prefix: wire.source.enter,
      interface: wire.sourceDevice(),
      frames: FRAMES,
      repeat: REPEAT,
    });
    const drain = createDrain({
      maps: object.maps,
      interfaceIdOf: (index) => index,
      ifindexOf: (id) => id,
      yieldToLoop: () => setImmediate(),
      nowMs: () => performance.now(),
    });
    const counted = new KeyedSums();
    await waitFor(`${sent.packets} packets`, async () => {
      const { rows, overflow, error } = await drain.drain();
      assert.deepEqual({ overflow, error }, { overflow: [], error: undefined });
      counted.addRows(rows, ifindex);
      return counted.packets >= sent.packets;
    });
    assert.deepEqual(counted.byKey, expected.byKey);
  });
}

/** Sums by everything that a key says. */
class KeyedSums {
  readonly byKey = new Map<string, Sum>();
  packets = 0;

  add(key: ParsedFrame, packets: number, bytes: number): void {
    const { ipVersion, srcIp, dstIp, srcPort, dstPort, protocol, kind, vlan, qp } = key;
    const name = [ipVersion, srcIp, srcPort, dstIp, dstPort, protocol, kind, vlan, qp].join(' ');
    const sum = this.byKey.get(name) ?? { packets: 0, bytes: 0 };
    this.byKey.set(name, { packets: sum.packets + packets, bytes: sum.bytes + bytes });
    this.packets += packets;
  }

  addRows(rows: FlowRows, interfaceId: number): void {
    const keys = Buffer.from(rows.keys.buffer, rows.keys.byteOffset, rows.length * FLOW_ROW_BYTES);
    for (let i = 0; i < rows.length; i++) {
      const key = keys.subarray(i * FLOW_ROW_BYTES, (i + 1) * FLOW_ROW_BYTES);
      assert.equal(key.readUIntLE(FLOW_ROW.interfaceId, 3), interfaceId);
      this.add(parsedRow(key), rows.packets[i] ?? 0, rows.bytes[i] ?? 0);
    }
  }
}

function parsedRow(key: Buffer): ParsedFrame {
  const ipVersion = key.readUInt8(FLOW_ROW.ipVersion) === 4 ? 4 : 6;
  const address = (at: number): string => formatAddress(key.subarray(at, at + (ipVersion === 4 ? 4 : 16)));
  return {
    ipVersion,
    srcIp: address(FLOW_ROW.srcIp),
    dstIp: address(FLOW_ROW.dstIp),
    srcPort: key.readUInt16LE(FLOW_ROW.srcPort),
    dstPort: key.readUInt16LE(FLOW_ROW.dstPort),
    protocol: key.readUInt8(FLOW_ROW.protocol),
    kind: key.readUInt8(FLOW_ROW.kind),
    vlan: key.readUInt16LE(FLOW_ROW.vlan),
    qp: key.readUIntLE(FLOW_ROW.qp, 3),
  };
}
