// SPDX-License-Identifier: Apache-2.0
// Descriptors that can be written to without waiting for their reader: writeSync() on one of these
// answers EAGAIN where it would have to wait.
//
// O_NONBLOCK belongs to the open file description, which we share with the shell and all that it
// started, and each of them may set or clear it; so what can be opened anew, is. Files and devices such
// as /dev/null have no reader.

import { constants, fstatSync, openSync, readFileSync } from 'node:fs';
import { isatty } from 'node:tty';

const FLAGS = constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * A descriptor of our own for the pipe or terminal behind `fd`. undefined where it cannot be opened:
 * it is a socket, there is no /proc, or the pipe belongs to another user.
 */
export function reopenWithoutWaiting(fd: number): number | undefined {
  const own = openOrUndefined(`/proc/self/fd/${fd}`);
  if (own !== undefined || !isatty(fd)) return own;
  // Another user's terminal, as after su: those whose controlling terminal it is may open it so.
  return fstatSync(fd).rdev === readControllingTerminal() ? openOrUndefined('/dev/tty') : undefined;
}

/**
 * The descriptor to write to in place of `fd`, which is stdout or stderr.
 * @param openStream makes Node's own stream for `fd` (process.stderr). For what cannot be opened anew: on
 *   sockets and pipes Node then sets O_NONBLOCK on the shared description, and takes it back when it exits.
 */
export function openOutput(fd: number, openStream: () => unknown): number {
  const file = fstatSync(fd);
  if (file.isFIFO() || file.isSocket() || isatty(fd)) {
    const own = file.isSocket() ? undefined : reopenWithoutWaiting(fd);
    if (own !== undefined) return own;
    openStream();
  }
  return fd;
}

function openOrUndefined(path: string): number | undefined {
  try {
    return openSync(path, FLAGS);
  } catch {
    return undefined;
  }
}

/** Its device number; undefined where there is none. */
function readControllingTerminal(): number | undefined {
  try {
    // proc_pid_stat(5): the name in parentheses may hold anything; tty_nr is the fifth field after it.
    const afterName = readFileSync('/proc/self/stat', 'latin1').replace(/^.*\)/s, '');
    return Number(afterName.trim().split(' ')[4]) || undefined;
  } catch {
    return undefined; // no /proc
  }
}
