// SPDX-License-Identifier: Apache-2.0
// RDMA netlink for the reading process: the native module that it takes is loaded at the first question, since most
// hosts have nothing to ask.

import { KernelError } from '../errors.js';
import { openLibc } from '../kernel/ffi.js';
import { createNldev, type Nldev } from '../kernel/rdma/nldev.js';

/** Opens it once. What fails is tried again at the next question. */
export function openRdmaNetlink(): () => Nldev | { readonly problem: string } {
  let opened: Nldev | undefined;
  return () => {
    try {
      opened ??= createNldev(openLibc());
      return opened;
    } catch (error) {
      if (!(error instanceof KernelError)) throw error;
      return { problem: error.message };
    }
  };
}
