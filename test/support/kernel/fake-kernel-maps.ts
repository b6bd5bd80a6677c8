// SPDX-License-Identifier: Apache-2.0
// Kernel maps in plain memory, for faults that a real kernel does not give on demand. Counts as the
// programs do (slot, else flow map, else overflow) into the half that the epoch names, and fails
// where it is told to.

import { sketchHash } from '../../../src/abi/flow-sketch.js';
import { hasFlow } from '../../../src/abi/kinds.js';
import {
  FLOW_KEY4,
  FLOW_KEY6,
  FLOW_SLOT4,
  FLOW_SLOT6,
  MARK_LINE_BYTES,
  SKETCH_SIZE,
} from '../../../src/abi/layout.js';
import type {
  BatchSink,
  DrainedMap,
  Half,
  IpVersion,
  KernelMaps,
  OverflowMap,
  OverflowSink,
} from '../../../src/kernel/kernel-maps.js';
import { chooseSlotSizes, type SlotArray } from '../../../src/kernel/slot-sizing.js';

export interface FakePacket {
  readonly ipVersion: IpVersion;
  /** A raw struct flow_key4 or flow_key6. */
  readonly key: Uint8Array;
  readonly bytes: number;
}

interface Count {
  packets: number;
  bytes: number;
}

const SKETCH_BITS = 14;

/** Called before each step with its name; throws to make the step fail. */
export type FailAt = (step: string) => void;

export interface FakeKernelMaps extends KernelMaps {
  count(packet: FakePacket): void;
}

export function createFakeKernelMaps(
  failAt: FailAt,
  options: { cpuCount: number; slotsPerCpu: number; flowCapacity: number; batch: number },
): FakeKernelMaps {
  const slotSizes = chooseSlotSizes({ ...options, maxSlotBytes: Number.POSITIVE_INFINITY, hasRoce: false });
  const halfBytes = (array: SlotArray): number =>
    options.cpuCount * slotSizes.arrays[array].sets * slotSizes.arrays[array].setBytes;
  const slotMemory = {
    slots4: new Uint8Array(2 * halfBytes('slots4')),
    slots6: new Uint8Array(2 * halfBytes('slots6')),
    roce_slots4: new Uint8Array(2 * halfBytes('roce_slots4')),
    roce_slots6: new Uint8Array(2 * halfBytes('roce_slots6')),
  };
  const marks = new Uint8Array(slotSizes.markLines * MARK_LINE_BYTES);
  const flows = {
    4: [new Map<string, Count>(), new Map<string, Count>()],
    6: [new Map<string, Count>(), new Map<string, Count>()],
  };
  const overflow = new Map<string, Count>();
  const refused = [new Uint8Array(SKETCH_SIZE), new Uint8Array(SKETCH_SIZE)] as const;
  let epoch: Half = 0;
  let turn = 0;

  const layout = (ipVersion: IpVersion) => (ipVersion === 4 ? FLOW_SLOT4 : FLOW_SLOT6);
  const keySize = (ipVersion: IpVersion) => (ipVersion === 4 ? FLOW_KEY4.size : FLOW_KEY6.size);

  function addTo(map: Map<string, Count>, key: string, packets: number, bytes: number): void {
    const count = map.get(key) ?? { packets: 0, bytes: 0 };
    count.packets += packets;
    count.bytes += bytes;
    map.set(key, count);
  }

  /** As sketch_add() of bpf/count.h. */
  function sketch(key: Buffer, half: Half): void {
    const words = new Uint32Array(Uint8Array.from(key).buffer);
    const hash = sketchHash(words, words.length, 0);
    const register = hash >>> (32 - SKETCH_BITS);
    const zeros = Math.min(32 - SKETCH_BITS, Math.clz32(hash << SKETCH_BITS));
    refused[half][register] = Math.max(refused[half][register] ?? 0, zeros + 1);
  }

  function fold(ipVersion: IpVersion, half: Half, keyHex: string, packets: number, bytes: number): void {
    const map = flows[ipVersion][half];
    if (map === undefined) throw new Error('no such half');
    if (map.has(keyHex) || map.size < options.flowCapacity) {
      addTo(map, keyHex, packets, bytes);
      return;
    }
    const key = Buffer.from(keyHex, 'hex');
    const fields = ipVersion === 4 ? FLOW_KEY4 : FLOW_KEY6;
    sketch(key, half);
    const kind = key[fields.kind];
    const reason = hasFlow(kind ?? 0) ? 0 : key[fields.protocol];
    addTo(overflow, `${key.readUInt32LE(fields.ifindex)} ${kind} ${reason} ${half}`, packets, bytes);
  }

  return {
    cpuCount: options.cpuCount,
    slotSizes,
    flowCapacity: options.flowCapacity,
    roceCapacity: 0,
    hashSeed: 0,
    roceDerivation: {
      mask4: new Uint8Array(FLOW_KEY4.size).fill(0xff),
      mask6: new Uint8Array(FLOW_KEY6.size).fill(0xff),
      ephemeralPorts: undefined,
      opcodeFacts: new Uint8Array(1024),
    },
    psn: {
      sets: new Uint8Array(),
      windows: new Uint8Array(),
      refresh: () => 0,
      sweep: () => Promise.resolve(),
    },
    readEpoch: () => epoch,
    writeEpoch(half) {
      epoch = half;
    },
    async fence() {
      failAt('fence');
    },
    slots(array, half) {
      const { firstMark, marksPerHalf } = slotSizes.arrays[array];
      return {
        slots: slotMemory[array].subarray(half * halfBytes(array), (half + 1) * halfBytes(array)),
        marks: marks.subarray(firstMark + half * marksPerHalf, firstMark + (half + 1) * marksPerHalf),
      };
    },
    refused: (half) => refused[half],
    async copy(name: DrainedMap, half: Half, sink: BatchSink) {
      if (name === 'roce' || name === 'roce_ports') {
        failAt(`copy ${name}`);
        return;
      }
      const ipVersion = name === 'flows4' ? 4 : 6;
      for (const [key, count] of flows[ipVersion][half] ?? []) {
        failAt(`copy ${name}`);
        const counts = BigUint64Array.of(BigInt(count.packets), BigInt(count.bytes));
        sink(Uint8Array.from(Buffer.from(key, 'hex')), new Uint8Array(counts.buffer), 1);
        await Promise.resolve();
      }
    },
    async drain(name: DrainedMap, half: Half, sink: BatchSink) {
      if (name === 'roce' || name === 'roce_ports') {
        failAt(`drain ${name}`);
        return;
      }
      const ipVersion = name === 'flows4' ? 4 : 6;
      const map = flows[ipVersion][half];
      if (map === undefined) throw new Error('no such half');
      while (map.size > 0) {
        failAt(`drain ${name}`);
        const batch = [...map].slice(0, options.batch);
        const keys = new Uint8Array(batch.length * keySize(ipVersion));
        const counts = new BigUint64Array(batch.length * 2);
        batch.forEach(([key, count], i) => {
          keys.set(Buffer.from(key, 'hex'), i * keySize(ipVersion));
          counts[2 * i] = BigInt(count.packets);
          counts[2 * i + 1] = BigInt(count.bytes);
          map.delete(key);
        });
        sink(keys, new Uint8Array(counts.buffer), batch.length);
        await Promise.resolve();
      }
    },
    async readOverflow(name: OverflowMap, sink: OverflowSink) {
      failAt(`read ${name}`);
      if (name === 'roce_overflow') return;
      for (const [key, count] of overflow) {
        const [ifindex = 0, kind = 0, reason = 0, half] = key.split(' ').map(Number);
        sink(ifindex, kind, reason, half === 1 ? 1 : 0, count.packets, count.bytes);
      }
    },
    async clearOverflow(name: OverflowMap, half: Half) {
      failAt(`clear ${name}`);
      for (const key of overflow.keys()) if (key.endsWith(` ${half}`)) overflow.delete(key);
    },
    async readUnattributed() {
      failAt('readUnattributed');
      return { packets: 0, bytes: 0 };
    },
    count({ ipVersion, key, bytes }) {
      const { size, packets: packetsAt, bytes: bytesAt } = layout(ipVersion);
      const array = `slots${ipVersion}` as const;
      const memory = slotMemory[array];
      const slots = halfBytes(array) / size;
      const slot = epoch * slots + (turn++ % slots);
      const words = new Uint32Array(memory.buffer, slot * size, size / 4);
      const packets = words[packetsAt / 4] ?? 0;
      const heldBytes = words[bytesAt / 4] ?? 0;
      const held = memory.subarray(slot * size, slot * size + keySize(ipVersion));
      const same = Buffer.from(held).equals(key);
      if (packets > 0 && !same) {
        fold(ipVersion, epoch, Buffer.from(held).toString('hex'), packets, heldBytes);
      }
      const before = packets > 0 && same ? [packets, heldBytes] : [0, 0];
      held.set(key);
      words[packetsAt / 4] = (before[0] ?? 0) + 1;
      words[bytesAt / 4] = (before[1] ?? 0) + bytes;
      const { firstMark, blockShift, ways } = slotSizes.arrays[array];
      marks[firstMark + (Math.floor(slot / ways) >> blockShift)] = 1;
    },
  };
}
