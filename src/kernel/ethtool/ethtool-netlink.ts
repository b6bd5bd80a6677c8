// SPDX-License-Identifier: Apache-2.0
// What the kernel says of a NIC in words of its own, the same for every driver: the ethtool family of generic netlink
// (Documentation/networking/ethtool-netlink.rst). Only GET requests are made. Bytes are asked for here, and read
// by ethtool-messages.ts.

import { ERRNO } from '../errno.js';
import type { Libc } from '../ffi.js';
import { encodeAttributes, type NetlinkAnswer, openGenericNetlink } from '../host-facts/generic-netlink.js';
import {
  decodeFec,
  decodeLinkModes,
  decodeModuleData,
  decodePause,
  decodeStandardStats,
  type FecReading,
  type LinkModes,
  type PauseReading,
  STANDARD_GROUPS,
  type StandardGroup,
  type StandardStats,
} from './ethtool-messages.js';

// include/uapi/linux/ethtool_netlink.h.
const FAMILY = 'ethtool';
const COMMAND = { linkModes: 4, pause: 21, fec: 29, moduleEeprom: 31, stats: 32 } as const;
/** The first attribute of every message, but for the one of statistics, where it is the second. */
const HEADER = 1;
const STATS_HEADER = 2;
const HEADER_DEV_NAME = 2;
const HEADER_FLAGS = 3;
const FLAG_COMPACT_BITSETS = 1;
const FLAG_STATS = 4;
const STATS_GROUPS = 3;
const BITSET = { noMask: 1, size: 2, value: 4 } as const;
const EEPROM = { offset: 2, length: 3, page: 4, bank: 5, i2cAddress: 6 } as const;
const NLA_F_NESTED = 0x8000;

/** Part of a module's memory: at most 128 bytes, within one half of a page. */
export interface ModulePart {
  readonly offset: number;
  readonly lengthBytes: number;
  readonly page: number;
  readonly i2cAddress: number;
}

/** `malformed`: the answer made no sense. An errno of EOPNOTSUPP: the driver has no such thing. */
export type EthtoolAnswer<T> = T | 'malformed' | { readonly errno: number };

/** Every call may block for as long as the driver likes. */
export interface EthtoolNetlink {
  pause(interfaceName: string): EthtoolAnswer<PauseReading>;
  fec(interfaceName: string): EthtoolAnswer<FecReading>;
  standardStats(interfaceName: string, group: StandardGroup): EthtoolAnswer<StandardStats>;
  linkModes(interfaceName: string): EthtoolAnswer<LinkModes>;
  /** Wants CAP_NET_ADMIN. Reads over the module's two-wire bus, which is slow. */
  moduleData(interfaceName: string, part: ModulePart): EthtoolAnswer<Buffer>;
  /** Safe to call twice; nothing can be asked afterwards. */
  close(): void;
}

/** Undefined where the kernel is older than the family (5.6), or gives no socket. */
export function openEthtoolNetlink(libc: Libc): EthtoolNetlink | undefined {
  const netlink = openGenericNetlink(libc);
  if (typeof netlink === 'number') return undefined;
  const familyId = netlink.familyId(FAMILY);
  if (typeof familyId !== 'number') {
    netlink.close();
    return undefined;
  }

  function ask<T>(
    command: number,
    attributes: Parameters<typeof encodeAttributes>[0],
    decode: (answer: Exclude<NetlinkAnswer, number>) => T | undefined,
  ): EthtoolAnswer<T> {
    if (typeof familyId !== 'number' || typeof netlink === 'number') return { errno: ERRNO.ENOENT };
    const answer = netlink.ask({ familyId, command, attributes });
    if (typeof answer === 'number') return { errno: answer };
    return decode(answer) ?? 'malformed';
  }

  return {
    pause: (name) => ask(COMMAND.pause, [header(name, FLAG_COMPACT_BITSETS | FLAG_STATS)], decodePause),
    fec: (name) => ask(COMMAND.fec, [header(name, FLAG_COMPACT_BITSETS | FLAG_STATS)], decodeFec),
    standardStats: (name, group) =>
      ask(
        COMMAND.stats,
        [header(name, FLAG_COMPACT_BITSETS, STATS_HEADER), groupSet(group)],
        decodeStandardStats,
      ),
    linkModes: (name) => ask(COMMAND.linkModes, [header(name, FLAG_COMPACT_BITSETS)], decodeLinkModes),
    moduleData: (name, part) =>
      ask(
        COMMAND.moduleEeprom,
        [
          header(name, 0),
          { type: EEPROM.offset, value: u32(part.offset) },
          { type: EEPROM.length, value: u32(part.lengthBytes) },
          { type: EEPROM.page, value: Buffer.of(part.page) },
          { type: EEPROM.bank, value: Buffer.of(0) },
          { type: EEPROM.i2cAddress, value: Buffer.of(part.i2cAddress) },
        ],
        (answer) => decodeModuleData(answer, part.lengthBytes),
      ),
    close: () => netlink.close(),
  };
}

function header(interfaceName: string, flags: number, type = HEADER): { type: number; value: Buffer } {
  return {
    type: type | NLA_F_NESTED,
    value: encodeAttributes([
      { type: HEADER_DEV_NAME, value: Buffer.from(`${interfaceName}\0`) },
      { type: HEADER_FLAGS, value: u32(flags) },
    ]),
  };
}

/** A bitset of this one group. */
function groupSet(group: StandardGroup): { type: number; value: Buffer } {
  return {
    type: STATS_GROUPS | NLA_F_NESTED,
    value: encodeAttributes([
      { type: BITSET.noMask, value: Buffer.alloc(0) },
      { type: BITSET.size, value: u32(STANDARD_GROUPS.length) },
      { type: BITSET.value, value: u32(1 << STANDARD_GROUPS.indexOf(group)) },
    ]),
  };
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}
