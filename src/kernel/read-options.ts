// SPDX-License-Identifier: Apache-2.0
// The read-only data that programs were loaded with, in the words of user space: the other way round than
// write-options.ts. Bytes only.

import { FLOW_KEY4, FLOW_KEY6, OPTIONS } from '../abi/layout.js';
import type { RoceDerivation } from './kernel-maps.js';
import { type SlotArray, type SlotArraySize, type SlotSizes, slotSizesOf } from './slot-sizing.js';
import { SLOT_OPTIONS } from './write-options.js';

/** The three variables of .rodata that user space has to know. */
export interface LoadedVariables {
  readonly options: Buffer;
  readonly ephemeralPorts: Buffer;
  readonly opcodeFacts: Buffer;
}

export interface LoadedOptions {
  readonly hashSeed: number;
  readonly slotSizes: SlotSizes;
  readonly psnSets: number;
  readonly roceDerivation: RoceDerivation;
}

/** markLines: elements of slot_marks. */
export function readOptions(
  { options, ephemeralPorts, opcodeFacts }: LoadedVariables,
  markLines: number,
): LoadedOptions {
  const slotSize = (name: SlotArray): Pick<SlotArraySize, 'sets' | 'blockShift' | 'firstMark'> => {
    const places = SLOT_OPTIONS[name];
    return {
      sets: options.readUInt32LE(places.sets),
      blockShift: options.readUInt8(places.blockShift),
      firstMark: options.readUInt32LE(places.firstMark),
    };
  };
  const folds = options.readUInt8(OPTIONS.foldPorts) === 1;
  const ports = Uint8Array.from(ephemeralPorts);
  return {
    hashSeed: options.readUInt32LE(OPTIONS.hashSeed),
    slotSizes: slotSizesOf(options.readUInt32LE(OPTIONS.cpuCount), markLines, slotSize),
    psnSets: options.readUInt32LE(OPTIONS.psnSets),
    roceDerivation: {
      mask4: Uint8Array.from(options.subarray(OPTIONS.mask4, OPTIONS.mask4 + FLOW_KEY4.size)),
      mask6: Uint8Array.from(options.subarray(OPTIONS.mask6, OPTIONS.mask6 + FLOW_KEY6.size)),
      ephemeralPorts: folds ? new Uint32Array(ports.buffer) : undefined,
      opcodeFacts: Uint8Array.from(opcodeFacts),
    },
  };
}
