// SPDX-License-Identifier: Apache-2.0
// Loading again where a signal broke it off: the verifier then gives up with EAGAIN. Blocked signals
// do not, but a process that is stopped, traced or frozen by its control group is interrupted as well.

import { ERRNO } from './errno.js';

/** libbpf tries each program five times by itself, but an object whose load has failed only once. */
export const MAX_LOAD_TRIES = 5;

interface Loadable {
  /** 0 or a positive errno. */
  load(): number;
  close(): void;
}

interface OffLoopLoadable extends Pick<Loadable, 'close'> {
  loadOffLoop(): Promise<number>;
}

/**
 * Opens an object and loads it, as often as it takes and at most MAX_LOAD_TRIES times. The object is
 * that of the last try, open also where its load has failed; those before are closed.
 */
export function loadInTries<T extends Loadable>(
  open: () => T,
): { readonly object: T; readonly errno: number } {
  for (let tries = 1; ; tries++) {
    const object = open();
    const errno = object.load();
    if (errno !== ERRNO.EAGAIN || tries === MAX_LOAD_TRIES) return { object, errno };
    object.close();
  }
}

/** The same on a thread of the pool, which few signals reach: the kernel gives those of a process to its first thread. */
export async function loadInTriesOffLoop<T extends OffLoopLoadable>(
  open: () => T,
): Promise<{ readonly object: T; readonly errno: number }> {
  for (let tries = 1; ; tries++) {
    const object = open();
    const errno = await object.loadOffLoop();
    if (errno !== ERRNO.EAGAIN || tries === MAX_LOAD_TRIES) return { object, errno };
    object.close();
  }
}
