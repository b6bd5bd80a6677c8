// SPDX-License-Identifier: Apache-2.0
// What a loaded program cost the kernel. For tests only.

import assert from 'node:assert/strict';
import type { KernelObject } from '../../../src/kernel/load.js';

// struct bpf_prog_info in include/uapi/linux/bpf.h; verified_insns came with Linux 5.16.
const PROGRAM_INFO = { size: 232, machineCodeLength: 16, instructionsLength: 20, verified: 216 } as const;
const INSTRUCTION_BYTES = 8;

export interface ProgramCost {
  /** After the verifier's rewriting. */
  readonly instructions: number;
  /** How many the verifier looked at, on all paths. */
  readonly verifiedInstructions: number;
  readonly machineCodeBytes: number;
}

/** By the program's name in the object. */
export function readProgramCost(object: KernelObject, name: string): ProgramCost {
  const fd = object.programFdByName(name);
  assert.ok(fd !== undefined, `${name} is not loaded`);
  const info = Buffer.alloc(PROGRAM_INFO.size);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length);
  assert.equal(object.libbpf.bpf_obj_get_info_by_fd(fd, info, length), 0, `information about ${name}`);
  return {
    instructions: info.readUInt32LE(PROGRAM_INFO.instructionsLength) / INSTRUCTION_BYTES,
    verifiedInstructions: info.readUInt32LE(PROGRAM_INFO.verified),
    machineCodeBytes: info.readUInt32LE(PROGRAM_INFO.machineCodeLength),
  };
}
