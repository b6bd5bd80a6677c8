// SPDX-License-Identifier: Apache-2.0
// What stands beside pinned maps and programs: whose they are and how they are to be read. A header that
// every version knows, and JSON. Bytes only.

import { KernelError } from '../../errors.js';
import type { VariablePlace } from '../data-section.js';
import type { ProgramFlavour } from '../prepare-object.js';
import type { CountDescription } from './count-description.js';

/** u32 each: magic, layout version, bytes of the JSON. */
const HEADER = { size: 12, magic: 0, layout: 4, length: 8 } as const;
const MAGIC = 0x4e505458; // "XTPN"
/** Raised when what is there changes its meaning; what is added needs no new one. */
export const META_LAYOUT = 1;
/** Of a map's value; ours take 4 KiB. */
const META_MAX_BYTES = 64 * 1024;

export interface GenerationMeta {
  /** ABI_VERSION of bpf/abi.h. */
  readonly abiVersion: number;
  /** SHA-256 of the object file, in hexadecimal digits. */
  readonly digest: string;
  readonly flavours: readonly ProgramFlavour[];
  /** Random: no two generations have the same. */
  readonly id: string;
  /** Possible CPUs. */
  readonly cpuCount: number;
  /** Where variables lie: the first three in .rodata, control in .bss. */
  readonly places: Readonly<Record<PlacedVariable, VariablePlace>>;
  /** The array of maps that an update of waits for running programs by, and what it is updated with. */
  readonly fence: { readonly map: string; readonly inner: string };
  readonly counts: readonly CountDescription[];
}

export type PlacedVariable = 'options' | 'ephemeral_ports' | 'opcode_facts' | 'control';

/** A whole number of 8 bytes, for the value of a map. */
export function encodeMeta(meta: GenerationMeta): Buffer {
  const json = Buffer.from(JSON.stringify(meta));
  const bytes = Buffer.alloc(Math.ceil((HEADER.size + json.length) / 8) * 8);
  bytes.writeUInt32LE(MAGIC, HEADER.magic);
  bytes.writeUInt32LE(META_LAYOUT, HEADER.layout);
  bytes.writeUInt32LE(json.length, HEADER.length);
  json.copy(bytes, HEADER.size);
  return bytes;
}

/** @param whose for sentences. Throws KernelError where these bytes are none of ours, or too new. */
export function decodeMeta(bytes: Buffer, whose: string): GenerationMeta {
  if (bytes.length < HEADER.size || bytes.readUInt32LE(HEADER.magic) !== MAGIC) {
    throw new KernelError('read pins', 0, `${whose} was not pinned by xtrace-catch: choose another pin path`);
  }
  const layout = bytes.readUInt32LE(HEADER.layout);
  const length = bytes.readUInt32LE(HEADER.length);
  if (layout !== META_LAYOUT || HEADER.size + length > Math.min(bytes.length, META_MAX_BYTES)) {
    throw new KernelError(
      'read pins',
      0,
      `${whose} was pinned by a version of xtrace-catch that this one cannot read (layout ${layout}, not ${META_LAYOUT}); it was left alone: start that version, or give up what it counted (xtrace-catch unpin)`,
    );
  }
  // Written by whoever may write to the bpffs, which takes as much privilege as we have.
  return JSON.parse(bytes.toString('utf8', HEADER.size, HEADER.size + length)) as GenerationMeta;
}
