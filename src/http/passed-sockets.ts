// SPDX-License-Identifier: Apache-2.0
// The sockets that a service manager has opened for this process: sd_listen_fds(3). Pure.

import type { PassedSocket } from './listen-address.js';

/** SD_LISTEN_FDS_START. */
const FIRST_FD = 3;
const FDS_MAX = 64;

/** env: of the process that has this pid. problem: one sentence. */
export function passedSockets(
  env: Readonly<Record<string, string | undefined>>,
  pid: number,
): readonly PassedSocket[] | { readonly problem: string } {
  const { LISTEN_PID: listenPid, LISTEN_FDS: listenFds } = env;
  if (listenPid === undefined || listenFds === undefined) {
    return {
      problem:
        'web.systemd_socket is set, but systemd passes no sockets (LISTEN_FDS is not set): start the .socket unit, or leave --web.systemd-socket out',
    };
  }
  if (listenPid !== String(pid)) {
    return {
      problem: `the sockets that systemd passes are for process ${listenPid}, and this one is ${pid}: have the unit start xtrace-catch itself`,
    };
  }
  const count = /^\d{1,4}$/.test(listenFds) ? Number(listenFds) : 0;
  if (count < 1 || count > FDS_MAX) {
    return {
      problem: `systemd passes from 1 to ${FDS_MAX} sockets, but LISTEN_FDS is ${JSON.stringify(listenFds)}`,
    };
  }
  return Array.from({ length: count }, (_, i) => ({ fd: FIRST_FD + i }));
}
