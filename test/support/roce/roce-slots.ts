// SPDX-License-Identifier: Apache-2.0
// Empties the RoCE slots of a loaded object, synchronously, through what the exporter makes of them: flows
// and streams. For tests of single frames.

import { FlowRowBuffer } from '../../../src/abi/flow-row-buffer.js';
import { FLOW_ROW_BYTES } from '../../../src/abi/records.js';
import { ROCE_KEY } from '../../../src/abi/roce-records.js';
import { RoceRowBuffer } from '../../../src/abi/roce-row-buffer.js';
import type { KernelObject } from '../../../src/kernel/load.js';
import { roceSlotTaker } from '../../../src/reader/drain-roce-slots.js';
import { decodeRoceKey, type RoceStream } from './roce-maps.js';

/** A row of FlowRows, with the ifindex in place of the interface id. */
export interface SlotFlow {
  readonly key: Buffer;
  readonly packets: number;
  readonly bytes: number;
}

export class RoceSlotTaker {
  readonly #object: KernelObject;
  readonly #flows = new FlowRowBuffer();
  readonly #streams: RoceRowBuffer;

  constructor(object: KernelObject) {
    this.#object = object;
    this.#streams = new RoceRowBuffer(object.maps.roceDerivation.opcodeFacts);
  }

  /** The slots of the half that is written. Program runs are synchronous: no fence is needed. */
  take(): { readonly flows: SlotFlow[]; readonly streams: RoceStream[] } {
    const { maps } = this.#object;
    const [flows, streams] = [this.#flows, this.#streams];
    flows.clear();
    streams.clear();
    for (const ipVersion of [4, 6] as const) {
      const { slots } = maps.slots(`roce_slots${ipVersion}`, maps.readEpoch());
      const parts = { derivation: maps.roceDerivation, interfaceIdOf: (ifindex: number) => ifindex };
      roceSlotTaker(ipVersion, slots, { flows, streams }, parts)(0, slots.length);
    }
    const flowKeys = Buffer.from(flows.keys.buffer);
    const streamKeys = Buffer.from(streams.keys.buffer);
    return {
      flows: Array.from({ length: flows.length }, (_, row) => ({
        key: Buffer.from(flowKeys.subarray(row * FLOW_ROW_BYTES, (row + 1) * FLOW_ROW_BYTES)),
        packets: flows.packets[row] ?? 0,
        bytes: flows.bytes[row] ?? 0,
      })),
      streams: Array.from({ length: streams.length }, (_, row) => {
        const key = streamKeys.subarray(row * ROCE_KEY.size, (row + 1) * ROCE_KEY.size);
        return {
          key: decodeRoceKey(key),
          ifindex: key.readUInt32LE(ROCE_KEY.ifindex),
          cells: new Map([...streams.cellsOf(row).entries()]),
        };
      }),
    };
  }
}
