// SPDX-License-Identifier: Apache-2.0
// A NIC that says what a test wants it to say: strings and counts as its driver has them, and answers of the kernel's
// ethtool family, byte by byte. For tests only.

import type { Ethtool } from '../../../src/kernel/ethtool/ethtool-ioctl.js';
import {
  decodeFec,
  decodeLinkModes,
  decodeModuleData,
  decodePause,
  decodeStandardStats,
  type StandardGroup,
} from '../../../src/kernel/ethtool/ethtool-messages.js';
import type { EthtoolAnswer, EthtoolNetlink } from '../../../src/kernel/ethtool/ethtool-netlink.js';
import { decodeAttributes, encodeAttributes } from '../../../src/kernel/host-facts/generic-netlink.js';

const EOPNOTSUPP = 95;
const STRING_BYTES = 32;
const NESTED = 0x8000;

export type Attribute = readonly [type: number, value: Buffer];

export function u8(value: number): Buffer {
  return Buffer.of(value);
}

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

export function u64(...values: number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64LE(BigInt(value), 8 * index);
  return bytes;
}

export function attributes(...list: Attribute[]): Buffer {
  return encodeAttributes(list.map(([type, value]) => ({ type, value })));
}

export function nest(type: number, ...list: Attribute[]): Attribute {
  return [type | NESTED, attributes(...list)];
}

/** Attributes of a message behind its header; undefined: the driver has no such thing. */
export interface NetlinkBodies {
  readonly pause?: Buffer;
  readonly fec?: Buffer;
  readonly linkModes?: Buffer;
  readonly stats?: Readonly<Partial<Record<StandardGroup, Buffer>>>;
  /** By i2c address, page and offset: `50/0/0`. */
  readonly module?: Readonly<Record<string, Buffer>>;
}

export function fakeNetlink(bodies: NetlinkBodies): EthtoolNetlink {
  const answer = <T>(
    body: Buffer | undefined,
    decode: (attributes: ReadonlyMap<number, Buffer>) => T | undefined,
  ): EthtoolAnswer<T> => {
    if (body === undefined) return { errno: EOPNOTSUPP };
    const list = decodeAttributes(body);
    if (list === undefined) return { errno: 22 };
    return decode(new Map(list.map(({ type, value }) => [type, value]))) ?? 'malformed';
  };
  return {
    pause: () => answer(bodies.pause, decodePause),
    fec: () => answer(bodies.fec, decodeFec),
    linkModes: () => answer(bodies.linkModes, decodeLinkModes),
    standardStats: (_name, group) => answer(bodies.stats?.[group], decodeStandardStats),
    moduleData: (_name, { i2cAddress, page, offset, lengthBytes }) => {
      const data = bodies.module?.[`${i2cAddress.toString(16)}/${page}/${offset}`];
      const body = data === undefined ? undefined : attributes([7, data]);
      return answer(body, (found) => decodeModuleData(found, lengthBytes));
    },
    close: () => undefined,
  };
}

/** counts may change between two readings. */
export function fakeEthtool(driver: string, counts: Readonly<Record<string, number>>): Ethtool {
  return {
    index: () => 2,
    driver: () => ({ driver, firmware: '1.2.3', bus: '0000:3b:00.0' }),
    countStats: () => Object.keys(counts).length,
    readStatNames: () => encodeStrings(Object.keys(counts)),
    readStatValues: () => u64(...Object.values(counts)),
    close: () => undefined,
  };
}

export function encodeStrings(names: readonly string[]): Buffer {
  const bytes = Buffer.alloc(names.length * STRING_BYTES);
  for (const [index, name] of names.entries()) bytes.write(name, index * STRING_BYTES, STRING_BYTES - 1);
  return bytes;
}
