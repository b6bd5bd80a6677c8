// SPDX-License-Identifier: Apache-2.0
// Runs the program that counts a silent stream's holes: it alone can take the lock that keeps other
// programs from the stream. One run, off the event loop; knows nothing of when.

import { KernelError } from '../errors.js';
import { errnoName } from './errno.js';
import { callAsync, type Libbpf } from './ffi.js';

/** By its name in the object. */
export const SWEEP_PROGRAM = 'sweep_stream';

/** The kernel refuses shorter frames. */
const FRAME_BYTES = 14;

// struct bpf_test_run_opts of libbpf 1.x.
const RUN_OPTS = { size: 80, sz: 0, dataIn: 8, dataSizeIn: 24, repeat: 60 } as const;

/** element: of roce_windows. Rejects with KernelError. */
export async function runSweep(
  libbpf: Libbpf,
  programFd: number | undefined,
  element: number,
): Promise<void> {
  const call = 'bpf_prog_test_run_opts';
  if (programFd === undefined) throw new KernelError(call, 0, `program "${SWEEP_PROGRAM}" is not loaded`);
  const frame = Buffer.alloc(FRAME_BYTES);
  frame.writeUInt32LE(element);
  const opts = Buffer.alloc(RUN_OPTS.size);
  opts.writeBigUInt64LE(BigInt(RUN_OPTS.size), RUN_OPTS.sz);
  opts.writeBigUInt64LE(libbpf.memory.addressOf(frame), RUN_OPTS.dataIn);
  opts.writeUInt32LE(frame.length, RUN_OPTS.dataSizeIn);
  opts.writeInt32LE(1, RUN_OPTS.repeat);
  const rc = await callAsync(libbpf.bpf_prog_test_run_opts, programFd, opts);
  if (rc < 0) {
    // Touches what C was given by address, so that it stayed referenced until here.
    const message = `the kernel refuses to run "${SWEEP_PROGRAM}" on ${frame.length} bytes: ${errnoName(-rc)}`;
    throw new KernelError(call, -rc, message);
  }
}
