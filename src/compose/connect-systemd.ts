// SPDX-License-Identifier: Apache-2.0
// The service manager of this process, if it has one.

import { openLibc } from '../kernel/ffi.js';
import { openNotifySocket } from '../kernel/notify-socket.js';
import type { Logger } from '../log.js';
import { createSystemdNotifier, type SystemdNotifier, takeSystemdEnvironment } from './notify-systemd.js';

/** Takes what systemd left in the environment out of it. Throws KernelError where the native module is missing. */
export function connectSystemd(
  process: Pick<NodeJS.Process, 'env' | 'pid' | 'hrtime'>,
  { log }: { readonly log: Logger },
): SystemdNotifier {
  return createSystemdNotifier(takeSystemdEnvironment(process.env, process.pid), {
    open: (address) => openNotifySocket(address, openLibc()),
    log,
    monotonicUs: () => Number(process.hrtime.bigint() / 1000n),
  });
}
