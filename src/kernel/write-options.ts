// SPDX-License-Identifier: Apache-2.0
// The read-only data of the programs, as user space wants it. Bytes only: loads nothing.

import { randomBytes } from 'node:crypto';
import { FRAMING_MAX } from '../abi/kinds.js';
import { ABI_VERSION, FLOW_KEY4, FLOW_KEY6, OPTIONS, PORT_WORDS } from '../abi/layout.js';
import { PSN_WAYS } from '../abi/roce-records.js';
import { AbiError } from '../errors.js';
import { SLOT_ARRAYS, type SlotArray, type SlotSizes } from './slot-sizing.js';

/** What the programs are to do. */
export interface ProgramOptions {
  /** u32 mixed into the slot hash. Default: random. */
  readonly hashSeed?: number;
  /** By framing, bit n = kind n keeps its addresses and ports. Default: every kind. */
  readonly kindsWanted?: readonly [number, number, number];
  /** FLOW_KEY4.size bytes ANDed with every IPv4 key. Default: all ones. */
  readonly mask4?: Uint8Array;
  /** FLOW_KEY6.size bytes ANDed with every IPv6 key. Default: all ones. */
  readonly mask6?: Uint8Array;
  /** Ports that may be a client's (abi/port-folding.ts), which keys then leave out. Default: none is left out. */
  readonly ephemeralPorts?: Uint32Array;
  /** Whether, and how, the headers of RoCE packets are read. Default: read, mirrors left alone. */
  readonly roce?: RoceOptions;
}

export interface RoceOptions {
  readonly isEnabled: boolean;
  /** RoCE inside ERSPAN and GRE counts as what it was. */
  readonly decapMirror: boolean;
  /** Entries of each stream map (half), and streams whose PSNs can be followed. */
  readonly streamCapacity: number;
  /** A stream of PSNs silent for more refreshes than this begins anew; at most 8,191. */
  readonly psnIdleMaxRefreshes: number;
}

export const DEFAULT_ROCE: RoceOptions = {
  isEnabled: true,
  decapMirror: false,
  streamCapacity: 16_384,
  psnIdleMaxRefreshes: 12,
};

/** Where options has the sizes of a slot array. */
export const SLOT_OPTIONS: Readonly<
  Record<SlotArray, { sets: number; firstMark: number; blockShift: number }>
> = {
  slots4: { sets: OPTIONS.sets4, firstMark: OPTIONS.firstMark4, blockShift: OPTIONS.blockShift4 },
  slots6: { sets: OPTIONS.sets6, firstMark: OPTIONS.firstMark6, blockShift: OPTIONS.blockShift6 },
  roce_slots4: {
    sets: OPTIONS.roceSets4,
    firstMark: OPTIONS.roceFirstMark4,
    blockShift: OPTIONS.roceBlockShift4,
  },
  roce_slots6: {
    sets: OPTIONS.roceSets6,
    firstMark: OPTIONS.roceFirstMark6,
    blockShift: OPTIONS.roceBlockShift6,
  },
};

/** Throws AbiError where the object is not of this build. */
export function writeOptions(target: Buffer, options: ProgramOptions, slotSizes: SlotSizes): void {
  const abiVersion = target.length >= 4 ? target.readUInt32LE(OPTIONS.abiVersion) : 0;
  if (abiVersion !== ABI_VERSION) throw new AbiError('abi_version', ABI_VERSION, abiVersion);
  if (target.length !== OPTIONS.size) throw new AbiError('struct options', OPTIONS.size, target.length);
  target.writeUInt32LE(slotSizes.cpuCount, OPTIONS.cpuCount);
  for (const name of SLOT_ARRAYS) {
    const { sets, firstMark, blockShift } = slotSizes.arrays[name];
    const places = SLOT_OPTIONS[name];
    target.writeUInt32LE(sets, places.sets);
    target.writeUInt32LE(firstMark, places.firstMark);
    target.writeUInt8(blockShift, places.blockShift);
  }
  target.writeUInt32LE(options.hashSeed ?? randomBytes(4).readUInt32LE(), OPTIONS.hashSeed);
  for (let framing = 0; framing < FRAMING_MAX; framing++) {
    const kinds = options.kindsWanted?.[framing] ?? 0xffffffff;
    target.writeUInt32LE(kinds >>> 0, OPTIONS.kindsWanted + framing * 4);
  }
  const roce = options.roce ?? DEFAULT_ROCE;
  target.writeUInt8(roce.isEnabled ? 1 : 0, OPTIONS.roce);
  target.writeUInt8(roce.decapMirror ? 1 : 0, OPTIONS.decapMirror);
  target.writeUInt16LE(roce.psnIdleMaxRefreshes, OPTIONS.psnIdleMax);
  target.writeUInt32LE(psnSets(roce.streamCapacity), OPTIONS.psnSets);
  target.writeUInt8(options.ephemeralPorts === undefined ? 0 : 1, OPTIONS.foldPorts);
  writeMask(target.subarray(OPTIONS.mask4, OPTIONS.mask4 + FLOW_KEY4.size), options.mask4, 'mask4');
  writeMask(target.subarray(OPTIONS.mask6, OPTIONS.mask6 + FLOW_KEY6.size), options.mask6, 'mask6');
}

export function writePorts(target: Buffer, words: Uint32Array): void {
  const found = Math.min(words.length, target.length / 4);
  if (found !== PORT_WORDS) throw new AbiError('ephemeral_ports', PORT_WORDS, found);
  words.forEach((word, i) => {
    target.writeUInt32LE(word, 4 * i);
  });
}

/**
 * Room for twice as many streams as the map takes, as the acknowledgements of each are one, too; rounded up
 * to a power of two of sets; 208 bytes a stream.
 */
export function psnSets(streamCapacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, (2 * streamCapacity) / PSN_WAYS)));
}

/** Streams that may have more than one source port: 2 KiB each. */
export function portsCapacity(streamCapacity: number): number {
  return Math.max(1, streamCapacity >> 2);
}

function writeMask(target: Buffer, mask: Uint8Array | undefined, name: string): void {
  if (mask === undefined) {
    target.fill(0xff);
    return;
  }
  if (mask.length !== target.length) throw new AbiError(name, target.length, mask.length);
  target.set(mask);
}
