// SPDX-License-Identifier: Apache-2.0
// errno numbers and their names. What an errno means depends on the call: see who made it.

import { constants } from 'node:os';

/** The ones we tell apart. */
export const ERRNO = {
  EPERM: constants.errno.EPERM,
  ENOENT: constants.errno.ENOENT,
  EINTR: constants.errno.EINTR,
  EAGAIN: constants.errno.EAGAIN,
  EBADF: constants.errno.EBADF,
  EFAULT: constants.errno.EFAULT,
  EMFILE: constants.errno.EMFILE,
  ENFILE: constants.errno.ENFILE,
  ENOMEM: constants.errno.ENOMEM,
  EACCES: constants.errno.EACCES,
  EBUSY: constants.errno.EBUSY,
  EEXIST: constants.errno.EEXIST,
  ENODEV: constants.errno.ENODEV,
  EINVAL: constants.errno.EINVAL,
  ENOSPC: constants.errno.ENOSPC,
  ENOBUFS: constants.errno.ENOBUFS,
  ERANGE: constants.errno.ERANGE,
  E2BIG: constants.errno.E2BIG,
  EDEADLK: constants.errno.EDEADLK,
  ETIMEDOUT: constants.errno.ETIMEDOUT,
  EOPNOTSUPP: constants.errno.EOPNOTSUPP,
  EPROTONOSUPPORT: constants.errno.EPROTONOSUPPORT,
  /** include/linux/errno.h: internal to the kernel, but drivers let it out. */
  ENOTSUPP: 524,
} as const;

/** The name of a positive errno (`EBUSY`); `errno 1234` for one we do not know. */
export function errnoName(errno: number): string {
  for (const [name, value] of Object.entries(ERRNO)) {
    if (value === errno) return name;
  }
  for (const [name, value] of Object.entries(constants.errno)) {
    if (value === errno) return name;
  }
  return `errno ${errno}`;
}
