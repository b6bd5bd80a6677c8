// SPDX-License-Identifier: Apache-2.0
// A driver's own counters, by the ethtool ioctl: their names and values, as `ethtool -S` shows them. Read only. A call
// holds the kernel's RTNL, or the device's lock, for as long as the driver takes, and may ask firmware.

import { KernelError } from '../../errors.js';
import { ERRNO, errnoName } from '../errno.js';
import type { Libc } from '../ffi.js';

const AF_INET = 2;
const SOCK_DGRAM_CLOEXEC = 2 | 0o2000000;
// include/uapi/linux/sockios.h and if.h: struct ifreq is a 16-byte name and a union of 24 bytes.
const SIOCGIFINDEX = 0x8933;
const SIOCETHTOOL = 0x8946;
const IFREQ = { size: 40, value: 16 } as const;
const IFNAMSIZ = 16;

// include/uapi/linux/ethtool.h.
const ETHTOOL_GDRVINFO = 0x3;
const ETHTOOL_GSTRINGS = 0x1b;
const ETHTOOL_GSTATS = 0x1d;
const ETHTOOL_GSSET_INFO = 0x37;
const ETH_SS_STATS = 1;
/** struct ethtool_drvinfo: u32 cmd, char driver[32], version[32], fw_version[32], bus_info[32], ... */
const DRVINFO = { size: 196, driver: 4, firmware: 68, bus: 100, textSize: 32 } as const;
/** struct ethtool_sset_info: u32 cmd, u32 reserved, u64 sset_mask, u32 data[]. */
const SSET_INFO = { size: 20, mask: 8, count: 16 } as const;
/** struct ethtool_gstrings: u32 cmd, u32 string_set, u32 len, u8 data[]. */
const GSTRINGS = { size: 12, set: 4, length: 8 } as const;
const ETH_GSTRING_LEN = 32;
/** struct ethtool_stats: u32 cmd, u32 n_stats, u64 data[]. */
const GSTATS = { size: 8, count: 4 } as const;
const U64_BYTES = 8;
/** mlx5 with 128 channels has some 13,000. A driver that says more is not believed. */
const MOST_STATS = 65_536;
/**
 * Kernels that do not compare write as many as there are by then, whatever room they were told of: a queue more
 * than a moment before must not go past our memory.
 */
const SPARE_STATS = 4096;

export interface NetdevDriver {
  /** Kernel module (`mlx5_core`, `bnxt_en`). */
  readonly driver: string;
  readonly firmware: string;
  /** Address on its bus (`0000:3b:00.0`); '' of a virtual device. */
  readonly bus: string;
}

/** Each answer is a value, or the positive errno: EOPNOTSUPP of a driver that has no such thing. */
export interface Ethtool {
  /** Its ifindex, in the network namespace that is asked; undefined where there is no such interface. */
  index(interfaceName: string): number | undefined;
  driver(interfaceName: string): NetdevDriver | number;
  /** How many counters there are now. */
  countStats(interfaceName: string): number | { readonly errno: number };
  /** In the driver's order, for decodeStatNames(). EAGAIN: there are not `count` of them any more. */
  readStatNames(interfaceName: string, count: number): Buffer | number;
  /** Unsigned, 64 bits, little-endian, `count` of them. EAGAIN as above. Overwritten by the next call. */
  readStatValues(interfaceName: string, count: number): Buffer | number;
  /** Safe to call twice; nothing can be read afterwards. */
  close(): void;
}

/** Opens one socket, in the network namespace of the calling thread. Throws KernelError. */
export function openEthtool(libc: Libc): Ethtool {
  const { memory } = libc;
  const fd = libc.socket(AF_INET, SOCK_DGRAM_CLOEXEC, 0);
  if (fd < 0) {
    const errno = memory.errno();
    throw new KernelError('socket', errno, `no socket to ask for counters of NICs: ${errnoName(errno)}`);
  }
  let isClosed = false;
  let values = Buffer.alloc(0);

  /** 0, or the positive errno. */
  function request(number: number, interfaceName: string, ifreq: Buffer): number {
    if (isClosed) return ERRNO.EBADF;
    if (interfaceName === '' || Buffer.byteLength(interfaceName) >= IFNAMSIZ) return ERRNO.ENODEV;
    ifreq.write(interfaceName, 'utf8');
    return libc.ioctl(fd, number, ifreq) < 0 ? memory.errno() : 0;
  }

  /** Likewise. */
  function ask(interfaceName: string, argument: Buffer): number {
    const ifreq = Buffer.alloc(IFREQ.size);
    ifreq.writeBigUInt64LE(memory.addressOf(argument), IFREQ.value);
    return request(SIOCETHTOOL, interfaceName, ifreq);
  }

  return {
    index(interfaceName) {
      const ifreq = Buffer.alloc(IFREQ.size);
      return request(SIOCGIFINDEX, interfaceName, ifreq) === 0 ? ifreq.readInt32LE(IFREQ.value) : undefined;
    },
    driver(interfaceName) {
      const info = Buffer.alloc(DRVINFO.size);
      info.writeUInt32LE(ETHTOOL_GDRVINFO);
      const errno = ask(interfaceName, info);
      if (errno !== 0) return errno;
      const text = (at: number): string => cText(info.subarray(at, at + DRVINFO.textSize));
      return { driver: text(DRVINFO.driver), firmware: text(DRVINFO.firmware), bus: text(DRVINFO.bus) };
    },
    countStats(interfaceName) {
      const info = Buffer.alloc(SSET_INFO.size);
      info.writeUInt32LE(ETHTOOL_GSSET_INFO);
      info.writeBigUInt64LE(1n << BigInt(ETH_SS_STATS), SSET_INFO.mask);
      const errno = ask(interfaceName, info);
      if (errno !== 0) return { errno };
      // The mask of the answer lacks what the driver does not have.
      if (info.readBigUInt64LE(SSET_INFO.mask) === 0n) return 0;
      const count = info.readUInt32LE(SSET_INFO.count);
      return count > MOST_STATS ? { errno: ERRNO.E2BIG } : count;
    },
    readStatNames(interfaceName, count) {
      const strings = Buffer.alloc(GSTRINGS.size + (count + SPARE_STATS) * ETH_GSTRING_LEN);
      strings.writeUInt32LE(ETHTOOL_GSTRINGS);
      strings.writeUInt32LE(ETH_SS_STATS, GSTRINGS.set);
      strings.writeUInt32LE(count, GSTRINGS.length);
      const errno = ask(interfaceName, strings);
      if (errno !== 0) return errno;
      if (strings.readUInt32LE(GSTRINGS.length) !== count) return ERRNO.EAGAIN;
      return strings.subarray(GSTRINGS.size, GSTRINGS.size + count * ETH_GSTRING_LEN);
    },
    readStatValues(interfaceName, count) {
      const size = GSTATS.size + (count + SPARE_STATS) * U64_BYTES;
      if (values.length < size) values = Buffer.alloc(size);
      values.writeUInt32LE(ETHTOOL_GSTATS);
      values.writeUInt32LE(count, GSTATS.count);
      const errno = ask(interfaceName, values);
      if (errno !== 0) return errno;
      if (values.readUInt32LE(GSTATS.count) !== count) return ERRNO.EAGAIN;
      return values.subarray(GSTATS.size, GSTATS.size + count * U64_BYTES);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      libc.close(fd);
    },
  };
}

/** Names of 32 bytes each; a rest that is shorter is no name. */
export function decodeStatNames(bytes: Buffer): string[] {
  const names: string[] = [];
  for (let at = 0; at + ETH_GSTRING_LEN <= bytes.length; at += ETH_GSTRING_LEN) {
    names.push(cText(bytes.subarray(at, at + ETH_GSTRING_LEN)));
  }
  return names;
}

function cText(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString('utf8', 0, end < 0 ? bytes.length : end).trim();
}
