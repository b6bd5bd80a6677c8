// SPDX-License-Identifier: Apache-2.0
// A tun device: what is written to it arrives as a packet without an Ethernet header. For tests only.

import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';

// include/uapi/linux/if_tun.h; struct ifreq is a 16-byte name and a union of 24 bytes.
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 0x0001;
const IFF_NO_PI = 0x1000;
const IFREQ = { size: 40, value: 16 } as const;

export interface TunDevice {
  /** One IP packet, as if it came from the other end. */
  receive(packet: Uint8Array): void;
  /** The device goes with it. */
  close(): void;
}

/** Makes the device, down, in the network namespace of the main thread. */
export function createTun(name: string): TunDevice {
  const ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
  // int ioctl(int fd, unsigned long request, void *argument)
  const libc = ffi.Library(null, { ioctl: ['int', ['int', 'ulong', 'pointer']] });
  const fd = openSync('/dev/net/tun', constants.O_RDWR | constants.O_NONBLOCK);
  const request = Buffer.alloc(IFREQ.size);
  request.write(name);
  request.writeUInt16LE(IFF_TUN | IFF_NO_PI, IFREQ.value);
  if (libc.ioctl(fd, TUNSETIFF, request) !== 0) {
    closeSync(fd);
    throw new Error(`TUNSETIFF ${name}: errno ${ffi.errno()}`);
  }
  return {
    receive(packet) {
      writeSync(fd, packet);
    },
    close: () => closeSync(fd),
  };
}
