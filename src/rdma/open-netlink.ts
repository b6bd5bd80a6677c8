// SPDX-License-Identifier: Apache-2.0
// RDMA netlink for the reading process. Opened before it takes questions: the native module takes seconds to load
// on a host that swaps, which is none of a device's time.

import { KernelError } from '../errors.js';
import { openLibc } from '../kernel/ffi.js';
import { createNldev, type Nldev } from '../kernel/rdma/nldev.js';

/** Or why there is none. */
export function openRdmaNetlink(): Nldev | { readonly problem: string } {
  try {
    return createNldev(openLibc());
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    return { problem: error.message };
  }
}
