// SPDX-License-Identifier: Apache-2.0
// Datagrams to the service manager: sd_notify(3)'s socket, which Node has no module for.

import { ERRNO, errnoName } from './errno.js';
import type { Libc } from './ffi.js';

const AF_UNIX = 1;
const SOCK_DGRAM_CLOEXEC = 0x2 | 0x80000;
/** A receiver that does not read must not hold us up, and one that is gone must not end us. */
const MSG_DONTWAIT_NOSIGNAL = 0x40 | 0x4000;
/** sizeof(sun_path), unix(7). */
const PATH_BYTES = 108;

export interface NotifySocket {
  /** undefined: it is with the receiver. Else why not, as an errno's name. */
  send(text: string): string | undefined;
  close(): void;
}

/**
 * To the address that NOTIFY_SOCKET names: a path, or `@name` in the abstract namespace. A string is one
 * sentence why there is none.
 */
export function openNotifySocket(
  address: string,
  libc: Pick<Libc, 'socket' | 'sendto' | 'close' | 'memory'>,
): NotifySocket | string {
  const encoded = encodeUnixAddress(address);
  if (typeof encoded === 'string') return encoded;
  const fd = libc.socket(AF_UNIX, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) return `no socket to the service manager can be made: ${errnoName(libc.memory.errno())}`;
  return {
    send(text) {
      const message = Buffer.from(text);
      for (;;) {
        const args = [fd, message, message.length, MSG_DONTWAIT_NOSIGNAL, encoded, encoded.length] as const;
        if (Number(libc.sendto(...args)) >= 0) return undefined;
        const errno = libc.memory.errno();
        if (errno !== ERRNO.EINTR) return errnoName(errno);
      }
    },
    close() {
      libc.close(fd);
    },
  };
}

/** struct sockaddr_un, as long as it is used; or one sentence why there is none. */
function encodeUnixAddress(address: string): Buffer | string {
  if (!/^[/@]./.test(address)) {
    return `NOTIFY_SOCKET is ${JSON.stringify(address)}, which is neither a path nor an abstract name (@...); the service manager hears nothing`;
  }
  const path = Buffer.from(address);
  if (path.length >= PATH_BYTES) {
    return `NOTIFY_SOCKET is longer than ${PATH_BYTES - 1} bytes, which no socket's address can be; the service manager hears nothing`;
  }
  // What ends a path is no part of an abstract name.
  const isAbstract = address.startsWith('@');
  if (isAbstract) path[0] = 0;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, path, Buffer.alloc(isAbstract ? 0 : 1)]);
}
