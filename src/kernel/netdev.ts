// SPDX-License-Identifier: Apache-2.0
// What the kernel says of one network device, by ioctl: /sys may show another network namespace
// (nsenter --net), a socket never does. Lists nothing: the names come from system/.

import { KernelError } from '../errors.js';
import { ERRNO, errnoName } from './errno.js';
import type { Libc } from './ffi.js';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;

// include/uapi/linux/sockios.h and if.h: struct ifreq is a 16-byte name and a union of 24 bytes.
const SIOCGIFFLAGS = 0x8913;
const SIOCGIFMTU = 0x8921;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const IFREQ = { size: 40, value: 16 } as const;
const IFNAMSIZ = 16;
const IFF_UP = 1;

// struct ethtool_drvinfo in include/uapi/linux/ethtool.h.
const ETHTOOL_GDRVINFO = 3;
const DRVINFO = { size: 196, driver: 4, driverSize: 32 } as const;

/** One device as the kernel describes it now. */
export interface NetdevFacts {
  readonly index: number;
  /** ARPHRD_* of include/uapi/linux/if_arp.h: 1 Ethernet, 32 InfiniBand, ... */
  readonly linkType: number;
  readonly mtuBytes: number;
  readonly isUp: boolean;
  /** Kernel module (`veth`, `mlx5_core`); '' where the device does not tell. */
  readonly driver: string;
}

export interface Netdev {
  /** Undefined where the calling thread's namespace has no such device. Throws KernelError otherwise. */
  read(name: string): NetdevFacts | undefined;
  /** Safe to call twice; nothing can be read afterwards. */
  close(): void;
}

/** Opens one socket, kept until close(). Throws KernelError. */
export function openNetdev(libc: Libc): Netdev {
  const { memory } = libc;
  const fd = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) {
    const errno = memory.errno();
    throw new KernelError('socket', errno, `no socket to ask for network devices: ${errnoName(errno)}`);
  }

  let isClosed = false;

  /** The filled-in request, or the positive errno. */
  function ask(request: number, name: string, argument?: Buffer): Buffer | number {
    const ifreq = Buffer.alloc(IFREQ.size);
    ifreq.write(name, 'utf8');
    if (argument !== undefined) ifreq.writeBigUInt64LE(memory.addressOf(argument), IFREQ.value);
    return libc.ioctl(fd, request, ifreq) < 0 ? memory.errno() : ifreq;
  }

  function readDriver(name: string): string {
    const info = Buffer.alloc(DRVINFO.size);
    info.writeUInt32LE(ETHTOOL_GDRVINFO);
    if (typeof ask(SIOCETHTOOL, name, info) === 'number') return '';
    const driver = info.subarray(DRVINFO.driver, DRVINFO.driver + DRVINFO.driverSize);
    const end = driver.indexOf(0);
    return driver.toString('utf8', 0, end < 0 ? driver.length : end);
  }

  return {
    read(name) {
      if (isClosed) throw new KernelError('ioctl', 0, 'the socket for network devices is closed');
      // A colon would be cut off by the kernel: "eth0:1" would answer as eth0.
      if (name === '' || Buffer.byteLength(name) >= IFNAMSIZ || /[:/\0]/.test(name)) return undefined;
      const answers: Buffer[] = [];
      for (const request of [SIOCGIFINDEX, SIOCGIFHWADDR, SIOCGIFMTU, SIOCGIFFLAGS]) {
        const answer = ask(request, name);
        if (answer === ERRNO.ENODEV) return undefined;
        if (typeof answer === 'number') {
          throw new KernelError(
            'ioctl',
            answer,
            `network device ${name} cannot be read: ${errnoName(answer)}`,
          );
        }
        answers.push(answer);
      }
      const [index, address, mtu, flags] = answers;
      return {
        index: index?.readInt32LE(IFREQ.value) ?? 0,
        linkType: address?.readUInt16LE(IFREQ.value) ?? 0,
        mtuBytes: mtu?.readInt32LE(IFREQ.value) ?? 0,
        isUp: ((flags?.readUInt16LE(IFREQ.value) ?? 0) & IFF_UP) !== 0,
        driver: readDriver(name),
      };
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      libc.close(fd);
    },
  };
}
