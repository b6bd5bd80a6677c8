// SPDX-License-Identifier: Apache-2.0
// BPF_PROG_TEST_RUN: one frame through one loaded program, for tests and benches. The counts land
// in the object's maps like any other frame's.

import { KernelError } from '../../../src/errors.js';
import { errnoName } from '../../../src/kernel/errno.js';
import type { KernelObject } from '../../../src/kernel/load.js';

// struct bpf_test_run_opts of libbpf 1.x.
const RUN_OPTS = {
  size: 80,
  sz: 0,
  dataIn: 8,
  dataSizeIn: 24,
  ctxIn: 32,
  ctxSizeIn: 48,
  retval: 56,
  repeat: 60,
  duration: 64,
} as const;

// struct xdp_md in include/uapi/linux/bpf.h.
const XDP_MD = { size: 24, dataEnd: 4, ingressIfindex: 12, rxQueueIndex: 16 } as const;

export interface ProgramRunOptions {
  /** Runs of the program over the same frame. Default 1. */
  readonly repeat?: number;
  /**
   * ifindex the program sees. Default: that of loopback, 1. The kernel takes only a device of the
   * calling thread's namespace whose receive queue is registered for XDP (a veth: once it is up
   * with native XDP or GRO); otherwise EINVAL.
   */
  readonly ifindex?: number;
  readonly rxQueueIndex?: number;
}

export interface ProgramRunResult {
  /** What the program returned: 2 is XDP_PASS. */
  readonly retval: number;
  /** Mean of one run. */
  readonly durationNs: number;
}

/**
 * @param frame 14 bytes at least: the kernel refuses less (EINVAL). What exceeds one buffer (about
 * 3,500 bytes) reaches the program as further buffers.
 * Throws KernelError when the program is not loaded or the kernel refuses the run.
 */
export function runProgram(
  object: KernelObject,
  programName: string,
  frame: Uint8Array,
  { repeat = 1, ifindex, rxQueueIndex = 0 }: ProgramRunOptions = {},
): ProgramRunResult {
  const call = 'bpf_prog_test_run_opts';
  const programFd = object.programFdByName(programName);
  if (programFd === undefined) throw new KernelError(call, 0, `program "${programName}" is not loaded`);
  const { memory } = object.libbpf;
  // A view keeps its memory alive; Buffer.from over it copies nothing.
  const data = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength);
  const opts = Buffer.alloc(RUN_OPTS.size);
  const context = Buffer.alloc(XDP_MD.size);
  opts.writeBigUInt64LE(BigInt(RUN_OPTS.size), RUN_OPTS.sz);
  opts.writeBigUInt64LE(memory.addressOf(data), RUN_OPTS.dataIn);
  opts.writeUInt32LE(data.length, RUN_OPTS.dataSizeIn);
  opts.writeInt32LE(repeat, RUN_OPTS.repeat);
  if (ifindex !== undefined) {
    context.writeUInt32LE(data.length, XDP_MD.dataEnd);
    context.writeUInt32LE(ifindex, XDP_MD.ingressIfindex);
    context.writeUInt32LE(rxQueueIndex, XDP_MD.rxQueueIndex);
    opts.writeBigUInt64LE(memory.addressOf(context), RUN_OPTS.ctxIn);
    opts.writeUInt32LE(context.length, RUN_OPTS.ctxSizeIn);
  }
  const rc = object.libbpf.bpf_prog_test_run_opts(programFd, opts);
  if (rc < 0) {
    // Touches what C was given by address, so that it stayed referenced until here.
    const given = `${data.length} bytes, ifindex ${ifindex ?? 'default'}, context of ${context.length} bytes`;
    throw new KernelError(
      call,
      -rc,
      `the kernel refuses to run "${programName}" (${given}): ${errnoName(-rc)}`,
    );
  }
  return { retval: opts.readUInt32LE(RUN_OPTS.retval), durationNs: opts.readUInt32LE(RUN_OPTS.duration) };
}
