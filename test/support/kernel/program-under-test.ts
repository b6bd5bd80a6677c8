// SPDX-License-Identifier: Apache-2.0
// The loaded BPF object as tests of single frames see it: a frame in, its key and counts out, read
// from the raw bytes of the maps by the offsets of src/abi/layout.ts.

import assert from 'node:assert/strict';
import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import { FLOW_COUNT, FLOW_KEY4, FLOW_KEY6, FLOW_SLOT4, FLOW_SLOT6 } from '../../../src/abi/layout.js';
import { FLOW_ROW } from '../../../src/abi/records.js';
import type { IpVersion } from '../../../src/kernel/kernel-maps.js';
import {
  type KernelObject,
  type LoadOptions,
  loadKernelObject,
  type ProgramFlavour,
  programName,
} from '../../../src/kernel/load.js';
import type { RoceOptions } from '../../../src/kernel/write-options.js';
import { formatAddress } from '../frames/addresses.js';
import type { ParsedFrame } from '../oracle/reference-parser.js';
import { type RoceStream, RoceStreamTaker } from '../roce/roce-maps.js';
import { type BytesByBucket, takeBytesByBucket } from '../roce/roce-ports.js';
import { RoceSlotTaker, type SlotFlow } from '../roce/roce-slots.js';
import { type NamedCells, RoceSums } from '../roce/roce-sums.js';
import { FLOW_OBJECT_PATH, PORTABLE_OBJECT_PATH } from './kernel-gate.js';
import { runProgram } from './program-run.js';

/** What the maps say about one flow. */
export interface Counted {
  readonly key: ParsedFrame;
  readonly ifindex: number;
  readonly packets: number;
  readonly bytes: number;
}

/** BPF_PROG_TEST_RUN refuses shorter frames, whatever the framing. */
export const RUN_FRAME_MIN = 14;
const XDP_PASS = 2;
/** Where a program run comes from unless told: loopback. */
export const RUN_IFINDEX = 1;

export interface ProgramUnderTestOptions extends Omit<Partial<LoadOptions>, 'roce'> {
  /** Default frags. */
  readonly flavour?: ProgramFlavour;
  /** Default: headers are read, mirrors left alone. */
  readonly roce?: Partial<RoceOptions>;
}

/** Small maps are quickly drained after each frame. */
const ROCE: RoceOptions = {
  isEnabled: true,
  decapMirror: false,
  streamCapacity: 256,
  psnIdleMaxRefreshes: 12,
};

/** close() it in the end. */
export class ProgramUnderTest {
  readonly object: KernelObject;
  readonly #flavour: ProgramFlavour;
  readonly #roce: RoceStreamTaker;
  readonly #roceSlots: RoceSlotTaker;
  /** Taken from RoCE slots, and not asked for yet: a slot is of both. */
  #slotFlows: SlotFlow[] = [];
  #slotStreams: RoceStream[] = [];

  constructor({ flavour = 'frags', roce = {}, ...options }: ProgramUnderTestOptions = {}) {
    this.#flavour = flavour;
    this.object = loadKernelObject({
      objectPath: FLOW_OBJECT_PATH,
      portableObjectPath: PORTABLE_OBJECT_PATH,
      flowCapacity: 65_536,
      // One set per CPU: quickly read and cleared after each frame.
      slotsPerCpu: 2,
      flavours: [flavour],
      roce: { ...ROCE, ...roce },
      ...options,
    });
    this.#roce = new RoceStreamTaker(this.object);
    this.#roceSlots = new RoceSlotTaker(this.object);
  }

  /** Runs one frame through the program; it must pass. The counts stay in the maps. */
  run(frame: Uint8Array, framing: Framing = FRAMING.ethernet): void {
    const { retval } = runProgram(this.object, programName(framing, this.#flavour), frame);
    assert.equal(retval, XDP_PASS, 'the program must always pass the frame on');
  }

  /** Runs one frame against empty maps, and takes out what it was counted as. */
  count(frame: Uint8Array, framing: Framing = FRAMING.ethernet): Counted {
    this.run(frame, framing);
    const counted = this.takeSlots();
    const [first] = counted;
    assert.ok(first !== undefined && counted.length === 1, `counted ${counted.length} times, not once`);
    return first;
  }

  /** Empties the slots of the half that is written. Program runs are synchronous: no fence is needed. */
  takeSlots(): Counted[] {
    const { maps } = this.object;
    this.#takeRoceSlots();
    const counted = this.#slotFlows.map(countedOf);
    this.#slotFlows = [];
    for (const ipVersion of [4, 6] as const) {
      const { slots, marks } = maps.slots(`slots${ipVersion}`, maps.readEpoch());
      const layout = ipVersion === 4 ? FLOW_SLOT4 : FLOW_SLOT6;
      const blockBytes = slots.length / marks.length;
      marks.forEach((mark, block) => {
        if (mark === 0) return;
        const memory = slots.subarray(block * blockBytes, (block + 1) * blockBytes);
        const view = Buffer.from(memory.buffer, memory.byteOffset, memory.length);
        for (let at = 0; at < view.length; at += layout.size) {
          const packets = view.readUInt32LE(at + layout.packets);
          const bytes = view.readUInt32LE(at + layout.bytes);
          if (packets > 0) counted.push(decode(ipVersion, view, at + layout.key, packets, bytes));
        }
        memory.fill(0);
        marks[block] = 0;
      });
    }
    return counted;
  }

  /** Empties slots and flow maps of the half that is written. A flow may come in several parts. */
  async takeAll(): Promise<Counted[]> {
    const { maps } = this.object;
    const counted = this.takeSlots();
    for (const ipVersion of [4, 6] as const) {
      const size = ipVersion === 4 ? FLOW_KEY4.size : FLOW_KEY6.size;
      await maps.drain(`flows${ipVersion}`, maps.readEpoch(), (keys, counts, entries) => {
        for (let i = 0; i < entries; i++) {
          const count = Buffer.from(counts.subarray(i * FLOW_COUNT.size, (i + 1) * FLOW_COUNT.size));
          const packets = Number(count.readBigUInt64LE(FLOW_COUNT.packets));
          const bytes = Number(count.readBigUInt64LE(FLOW_COUNT.bytes));
          counted.push(
            decode(ipVersion, Buffer.from(keys.subarray(i * size, (i + 1) * size)), 0, packets, bytes),
          );
        }
      });
    }
    return counted;
  }

  /** Empties the RoCE streams of the half that is written. The state of PSNs stays. */
  takeRoce(): Readonly<Record<string, NamedCells>> {
    return sumsOf(this.#takeStreams());
  }

  /** The same, and bytes by the low 8 bits of source ports, of each queue pair between two addresses. */
  async takeRoceAndPorts(): Promise<{
    readonly streams: Readonly<Record<string, NamedCells>>;
    readonly ports: BytesByBucket;
  }> {
    const streams = this.#takeStreams();
    return { streams: sumsOf(streams), ports: await takeBytesByBucket(this.object, streams) };
  }

  #takeStreams(): RoceStream[] {
    this.#takeRoceSlots();
    const streams = [...this.#slotStreams, ...this.#roce.take()];
    this.#slotStreams = [];
    return streams;
  }

  #takeRoceSlots(): void {
    const { flows, streams } = this.#roceSlots.take();
    this.#slotFlows.push(...flows);
    this.#slotStreams.push(...streams);
  }

  /** Runs one frame against empty maps, and takes out what it adds to RoCE streams. */
  countRoce(frame: Uint8Array, framing: Framing = FRAMING.ethernet): Readonly<Record<string, NamedCells>> {
    this.run(frame, framing);
    return this.takeRoce();
  }

  /** Lets the programs' clock go on, as so many refreshes would. */
  passRefreshes(count: number): void {
    const { maps } = this.object;
    for (let i = 0; i < count; i++) {
      maps.writeEpoch(maps.readEpoch());
    }
  }

  close(): void {
    this.object.close();
  }
}

function sumsOf(streams: readonly RoceStream[]): Readonly<Record<string, NamedCells>> {
  const sums = new RoceSums();
  for (const { key, ifindex, cells } of streams) {
    assert.equal(ifindex, RUN_IFINDEX);
    sums.add(key, cells);
  }
  return sums.snapshot();
}

function countedOf({ key, packets, bytes }: SlotFlow): Counted {
  const ipVersion = key.readUInt8(FLOW_ROW.ipVersion) === 4 ? 4 : 6;
  const addressLength = ipVersion === 4 ? 4 : 16;
  const dscp = key.readUInt8(FLOW_ROW.dscp);
  return {
    key: {
      ipVersion,
      srcIp: formatAddress(key.subarray(FLOW_ROW.srcIp, FLOW_ROW.srcIp + addressLength)),
      dstIp: formatAddress(key.subarray(FLOW_ROW.dstIp, FLOW_ROW.dstIp + addressLength)),
      srcPort: key.readUInt16LE(FLOW_ROW.srcPort),
      dstPort: key.readUInt16LE(FLOW_ROW.dstPort),
      protocol: key.readUInt8(FLOW_ROW.protocol),
      kind: key.readUInt8(FLOW_ROW.kind),
      vlan: key.readUInt16LE(FLOW_ROW.vlan),
      qp: key.readUIntLE(FLOW_ROW.qp, 3),
      ...(dscp === 0 ? {} : { dscp }),
    },
    ifindex: key.readUIntLE(FLOW_ROW.interfaceId, 3),
    packets,
    bytes,
  };
}

function decode(ipVersion: IpVersion, memory: Buffer, key: number, packets: number, bytes: number): Counted {
  const layout = ipVersion === 4 ? FLOW_KEY4 : FLOW_KEY6;
  const addressLength = ipVersion === 4 ? 4 : 16;
  const dscp = memory.readUInt8(key + layout.qp + 3);
  const address = (offset: number): string =>
    formatAddress(memory.subarray(key + offset, key + offset + addressLength));
  return {
    key: {
      ipVersion,
      srcIp: address(layout.srcIp),
      dstIp: address(layout.dstIp),
      srcPort: memory.readUInt16LE(key + layout.srcPort),
      dstPort: memory.readUInt16LE(key + layout.dstPort),
      protocol: memory.readUInt8(key + layout.protocol),
      kind: memory.readUInt8(key + layout.kind),
      vlan: memory.readUInt16LE(key + layout.vlan),
      qp: memory.readUIntLE(key + layout.qp, 3),
      ...(dscp === 0 ? {} : { dscp }),
    },
    ifindex: memory.readUInt32LE(key + layout.ifindex),
    packets,
    bytes,
  };
}
