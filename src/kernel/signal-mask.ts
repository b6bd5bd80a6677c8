// SPDX-License-Identifier: Apache-2.0
// Keeps signals away from a foreign call that gives up when one comes. They are not lost: another
// thread takes them, or they come after the call.

import { KernelError } from '../errors.js';
import type { Libc } from './ffi.js';

/** sigset_t of glibc and of musl. */
const SIGSET_BYTES = 128;
/** asm-generic/signal-defs.h; the same on x86-64 and arm64. */
const SIG_SETMASK = 2;

/** Runs `task` with every signal of this thread blocked, then as before. */
export function withSignalsBlocked<T>(libc: Pick<Libc, 'sigfillset' | 'pthread_sigmask'>, task: () => T): T {
  const all = Buffer.alloc(SIGSET_BYTES);
  const before = Buffer.alloc(SIGSET_BYTES);
  libc.sigfillset(all);
  const errno = libc.pthread_sigmask(SIG_SETMASK, all, before);
  if (errno !== 0)
    throw new KernelError('pthread_sigmask', errno, 'the signals of a thread cannot be blocked');
  try {
    return task();
  } finally {
    libc.pthread_sigmask(SIG_SETMASK, before, Buffer.alloc(SIGSET_BYTES));
  }
}
