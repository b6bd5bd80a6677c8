// SPDX-License-Identifier: Apache-2.0
// Slots as the programs use them: every packet in exactly one place, whichever way it went there.

import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { FLOW_SLOT4, FLOW_SLOT6, SLOT_STATE } from '../../src/abi/layout.js';
import { createDrain } from '../../src/reader/drain.js';
import { ethernet, ipv4, ipv6, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { ProgramUnderTest } from '../support/kernel/program-under-test.js';

const FRAME_OF = {
  4: (flow: number) =>
    ethernet(0x0800, ipv4({ src: `10.0.${flow >> 8}.${flow & 255}`, dst: '192.0.2.1' }, udp(flow, 53))),
  6: (flow: number) =>
    ethernet(0x86dd, ipv6({ src: `2001:db8::${flow.toString(16)}`, dst: '2001:db8::1:0' }, udp(flow, 53))),
} as const;
const NEAR_THE_LIMIT = 0xffff_ffff - 100;

/** Packets and bytes by source address. */
function sumByFlow(counted: Awaited<ReturnType<ProgramUnderTest['takeAll']>>) {
  const sums = new Map<string, { packets: number; bytes: number }>();
  for (const { key, packets, bytes } of counted) {
    const sum = sums.get(key.srcIp) ?? { packets: 0, bytes: 0 };
    sums.set(key.srcIp, { packets: sum.packets + packets, bytes: sum.bytes + bytes });
  }
  return sums;
}

for (const ipVersion of [4, 6] as const) {
  const layout = ipVersion === 4 ? FLOW_SLOT4 : FLOW_SLOT6;

  for (const flowCapacity of [64, 1]) {
    kernelTest(
      `IPv${ipVersion}: a count that would wrap is folded and goes on, map of ${flowCapacity}`,
      async (t) => {
        const program = new ProgramUnderTest({ flowCapacity });
        t.after(() => program.close());
        const frame = FRAME_OF[ipVersion](7);
        program.run(frame);
        // A slot that has nearly counted to 4 GiB, in place of so many packets. A run may move to another CPU.
        const { slots } = program.object.maps.slots(`slots${ipVersion}`, 0);
        const words = new Uint32Array(slots.buffer, slots.byteOffset, slots.length / 4);
        let bytes = 0;
        for (let word = layout.bytes / 4; word < words.length; word += layout.size / 4) {
          if (words[word] === 0) continue;
          words[word] = NEAR_THE_LIMIT;
          bytes = NEAR_THE_LIMIT;
        }
        const more = 20;
        for (let n = 0; n < more; n++) program.run(frame);
        const [sum] = sumByFlow(await program.takeAll()).values();
        assert.deepEqual(sum, { packets: 1 + more, bytes: bytes + more * frame.length });
        assert.ok((sum?.bytes ?? 0) > 0xffff_ffff, 'it went beyond 32 bits');
      },
    );
  }

  kernelTest(
    `IPv${ipVersion}: what a full map refuses of a count that would wrap is in overflow`,
    async (t) => {
      const program = new ProgramUnderTest({ flowCapacity: 1 });
      t.after(() => program.close());
      // Five flows in one set of four: one is in the map, which is full.
      for (let flow = 0; flow < 5; flow++) program.run(FRAME_OF[ipVersion](flow));
      const { slots } = program.object.maps.slots(`slots${ipVersion}`, 0);
      const words = new Uint32Array(slots.buffer, slots.byteOffset, slots.length / 4);
      let added = 0;
      for (let word = layout.bytes / 4; word < words.length; word += layout.size / 4) {
        if (words[word] === 0) continue;
        added += NEAR_THE_LIMIT - (words[word] ?? 0);
        words[word] = NEAR_THE_LIMIT;
      }
      let sent = 5;
      for (let round = 0; round < 10; round++) {
        for (let flow = 0; flow < 5; flow++, sent++) program.run(FRAME_OF[ipVersion](flow));
      }
      const bytesOfFrame = FRAME_OF[ipVersion](0).length;
      let packets = 0;
      let bytes = 0;
      await program.object.maps.readOverflow('overflow', (_index, _kind, _reason, _half, more, moreBytes) => {
        packets += more;
        bytes += moreBytes;
      });
      assert.ok(packets > 0, 'the map was full');
      for (const one of await program.takeAll()) {
        packets += one.packets;
        bytes += one.bytes;
      }
      assert.deepEqual({ packets, bytes }, { packets: sent, bytes: sent * bytesOfFrame + added });
    },
  );

  for (const flowCapacity of [65_536, 100]) {
    kernelTest(
      `IPv${ipVersion}: more flows than 64 slots, map of ${flowCapacity}: packets go past, and none is lost`,
      async (t) => {
        const program = new ProgramUnderTest({ slotsPerCpu: 64, flowCapacity });
        t.after(() => program.close());
        const { maps } = program.object;
        const drain = createDrain({
          maps,
          interfaceIdOf: (ifindex) => ifindex,
          ifindexOf: (id) => id,
          yieldToLoop: () => nextTurn(),
          nowMs: () => performance.now(),
        });
        const flows = 1000;
        const rounds = 8;
        let packets = 0;
        let seen = 0;
        for (let epoch = 0; epoch < 3; epoch++) {
          for (let round = 0; round < rounds; round++) {
            for (let flow = 0; flow < flows; flow++) program.run(FRAME_OF[ipVersion](flow));
          }
          packets += rounds * flows;
          const { rows, overflow, error } = await drain.drain();
          assert.equal(error, undefined);
          for (let i = 0; i < rows.length; i++) seen += rows.packets[i] ?? 0;
          for (const row of overflow) seen += row.packets;
          assert.equal(seen, packets);
        }
        const passed = readPassed(program);
        assert.ok(passed > 0, 'packets went past the slots');
      },
    );
  }
}

/** Packets that went past the slots of any CPU. */
function readPassed({ object }: ProgramUnderTest): number {
  const { libbpf, maps } = object;
  let passed = 0;
  for (let cpu = 0; cpu < maps.cpuCount; cpu++) {
    const key = Buffer.alloc(4);
    key.writeUInt32LE(cpu);
    const state = Buffer.alloc(SLOT_STATE.size);
    assert.equal(libbpf.bpf_map_lookup_elem(object.mapFd('slot_states'), key, state), 0);
    passed += Number(state.readBigUInt64LE(SLOT_STATE.passed));
  }
  return passed;
}
