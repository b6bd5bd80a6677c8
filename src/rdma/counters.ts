// SPDX-License-Identifier: Apache-2.0
// All counters of an RDMA port, from its folders counters/ and hw_counters/, by the names that the
// driver gives them. Knows which files are no counters, and the unit of two of them; judges nothing.
// A read may ask the firmware and block: see rdma-ports.ts.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from '../system/sysfs-files.js';
import { type RdmaPortName, type RdmaPortOptions, rdmaDevicesPath, rdmaPortPath } from './ports.js';

/** Counts since the device was reset. Doubles: above 2^53 the last bits are rounded away. */
export interface RdmaCounters {
  /** Of counters/port_rcv_data and port_xmit_data, which count 32-bit words: here bytes. */
  readonly receivedBytes: number | undefined;
  readonly transmittedBytes: number | undefined;
  /** All others of counters/ (the PMA's, the same for every driver), by file name. */
  readonly standard: Readonly<Record<string, number>>;
  /** hw_counters/, whose names and meanings are the driver's. */
  readonly hardware: Readonly<Record<string, number>>;
  /** Files that could not be read, or held no number: EINVAL, EIO, `N/A (no PMA)`. */
  readonly unreadable: number;
}

/** PortXmitData and PortRcvData of the IBTA, volume 1, 16.1.3.5: octets divided by 4. */
const BYTES_PER_WORD = 4;
const RECEIVED_WORDS = 'port_rcv_data';
const TRANSMITTED_WORDS = 'port_xmit_data';
/** In hw_counters/: how long the driver keeps values before it asks the device again, in ms. */
const LIFESPAN = 'lifespan';
const U64_MAX = 2n ** 64n - 1n;

/** Port 0 is the device itself, whose hw_counters/ some drivers have (cxgb4, efa, mana). */
export function readRdmaCounters(
  options: RdmaPortOptions,
  name: RdmaPortName,
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): RdmaCounters {
  const folder = name.port === 0 ? join(rdmaDevicesPath(options), name.device) : rdmaPortPath(options, name);
  const standard = readFolder(join(folder, 'counters'), files);
  const hardware = readFolder(join(folder, 'hw_counters'), files);
  const inBytes = (file: string): number | undefined => {
    const words = standard.values.get(file);
    standard.values.delete(file);
    return words === undefined ? undefined : words * BYTES_PER_WORD;
  };
  return {
    receivedBytes: inBytes(RECEIVED_WORDS),
    transmittedBytes: inBytes(TRANSMITTED_WORDS),
    standard: Object.fromEntries(standard.values),
    hardware: Object.fromEntries(hardware.values),
    unreadable: standard.unreadable + hardware.unreadable,
  };
}

/** Devices that keep counters of their own, beside those of their ports. */
export function listRdmaDeviceCounters(
  options: RdmaPortOptions,
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): RdmaPortName[] {
  return files
    .list(rdmaDevicesPath(options))
    .filter((device) => files.exists(join(rdmaDevicesPath(options), device, 'hw_counters')))
    .map((device) => ({ device, port: 0 }));
}

function readFolder(folder: string, files: SysfsFiles): { values: Map<string, number>; unreadable: number } {
  const values = new Map<string, number>();
  let unreadable = 0;
  for (const file of files.list(folder)) {
    if (file === LIFESPAN) continue;
    const value = parseCount(files.read(join(folder, file)).text);
    if (value === undefined) unreadable++;
    else values.set(file, value);
  }
  return { values, unreadable };
}

/** A decimal up to 2^64 - 1. */
export function parseCount(text: string | undefined): number | undefined {
  if (text === undefined || !/^\d{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  return value > U64_MAX ? undefined : Number(value);
}
