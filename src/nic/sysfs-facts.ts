// SPDX-License-Identifier: Apache-2.0
// What sysfs says of a NIC: how often its link went down, its PCIe link, and the errors that PCIe reported. A read may
// ask the device and block.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from '../system/sysfs-files.js';
import type { NicCounter } from './meanings.js';

export interface PcieLink {
  /** Transfers a second on each lane: 16 GT/s is 16e9. */
  readonly transfersPerSecond: number | undefined;
  readonly maxTransfersPerSecond: number | undefined;
  readonly lanes: number | undefined;
  readonly maxLanes: number | undefined;
}

export interface SysfsFacts {
  readonly counters: readonly NicCounter[];
  /** Undefined of what is not on PCI Express. */
  readonly pcie: PcieLink | undefined;
  /** Files that were there and could not be understood. */
  readonly malformed: number;
}

/** Documentation/ABI/testing/sysfs-bus-pci-devices-aer_stats. */
const AER_FILES = {
  correctable: 'aer_dev_correctable',
  nonfatal: 'aer_dev_nonfatal',
  fatal: 'aer_dev_fatal',
};
/** Errors without a name are those of a bit: `dev_cor_errs_bit[5]`. */
const AER_NAME = /^[A-Za-z0-9_[\]]{1,40}$/;
/** A specification has some twenty names of errors; a file that goes on is not believed. */
const MOST_AER_LINES = 64;
const TOTAL = /^TOTAL_/;
const DECIMAL = /^\d{1,15}$/;

/** Whether there is hardware, real or emulated, below the interface: what is virtual has nothing to tell. */
export function hasDevice(
  { sysfsPath }: { readonly sysfsPath: string },
  interfaceName: string,
  files: Pick<SysfsFiles, 'exists'> = SYSFS_FILES,
): boolean {
  return files.exists(join(sysfsPath, 'class/net', interfaceName, 'device'));
}

/** index: its ifindex. /sys may be of another network namespace, whose interface of that name is another one. */
export function readSysfsFacts(
  { sysfsPath, index }: { readonly sysfsPath: string; readonly index: number | undefined },
  interfaceName: string,
  files: SysfsFiles = SYSFS_FILES,
): SysfsFacts {
  const folder = join(sysfsPath, 'class/net', interfaceName);
  const shownIndex = files.read(join(folder, 'ifindex')).text;
  if (index !== undefined && shownIndex !== undefined && Number(shownIndex) !== index) {
    return { counters: [], pcie: undefined, malformed: 0 };
  }
  const counters: NicCounter[] = [];
  let malformed = 0;
  const downs = files.read(join(folder, 'carrier_down_count')).text;
  if (downs !== undefined) {
    if (DECIMAL.test(downs)) counters.push(linkDowns(Number(downs)));
    else malformed++;
  }
  const device = pciFolder(folder, files);
  if (device === undefined) return { counters, pcie: undefined, malformed };
  for (const [severity, file] of Object.entries(AER_FILES)) {
    const { text } = files.read(`${device}/${file}`);
    if (text === undefined) continue;
    const errors = parseAer(text);
    if (errors === undefined) malformed++;
    else
      for (const [error, value] of errors)
        counters.push({ meaning: 'pcie_errors', labels: [severity, error], value });
  }
  return { counters, pcie: readPcieLink(device, files), malformed };
}

function linkDowns(value: number): NicCounter {
  return { meaning: 'link_down_events', labels: ['kernel'], value };
}

/** A virtio device is one below a PCI device. With a path that goes on behind a link, as the system resolves it. */
function pciFolder(folder: string, files: SysfsFiles): string | undefined {
  const device = `${folder}/device`;
  if (!files.exists(device)) return undefined;
  return files.linkName(`${device}/subsystem`) === 'virtio' ? `${device}/..` : device;
}

function readPcieLink(device: string, files: SysfsFiles): PcieLink | undefined {
  const text = (file: string): string | undefined => files.read(`${device}/${file}`).text;
  const link: PcieLink = {
    transfersPerSecond: parseTransferRate(text('current_link_speed')),
    maxTransfersPerSecond: parseTransferRate(text('max_link_speed')),
    lanes: parseLanes(text('current_link_width')),
    maxLanes: parseLanes(text('max_link_width')),
  };
  return Object.values(link).some((value) => value !== undefined) ? link : undefined;
}

/** `16.0 GT/s PCIe`; other words stand for a link that is down. */
export function parseTransferRate(text: string | undefined): number | undefined {
  const number = /^(\d{1,4}(?:\.\d)?) GT\/s(?: PCIe)?$/.exec(text ?? '')?.[1];
  return number === undefined ? undefined : Math.round(Number(number) * 10) * 1e8;
}

/** 0 and 63 stand for a link that is down, or no PCI Express. */
export function parseLanes(text: string | undefined): number | undefined {
  const lanes = /^\d{1,2}$/.test(text ?? '') ? Number(text) : 0;
  return lanes >= 1 && lanes <= 32 ? lanes : undefined;
}

/** Lines of a name and a count, without their total; undefined where one is none. */
export function parseAer(text: string): ReadonlyMap<string, number> | undefined {
  const errors = new Map<string, number>();
  const lines = text.split('\n', MOST_AER_LINES + 1);
  if (lines.length > MOST_AER_LINES) return undefined;
  for (const line of lines) {
    const [name = '', count = '', ...more] = line.trim().split(' ');
    if (name === '') continue;
    if (!AER_NAME.test(name) || !DECIMAL.test(count) || more.length > 0) return undefined;
    if (!TOTAL.test(name)) errors.set(name, Number(count));
  }
  return errors;
}
