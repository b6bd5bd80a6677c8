// SPDX-License-Identifier: Apache-2.0
// What one network interface is among others, from <sysfs>/class/net: part of a bond, a VLAN, a virtual
// function. For people; nothing is decided by it. Any file may be missing: the fact is then left out.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from './sysfs-files.js';

export interface NetdevRole {
  /** DEVTYPE of uevent: `bond`, `bridge`, `vlan`, `vxlan`, `wlan`, ...; undefined of a plain one, and of veth. */
  readonly deviceType: string | undefined;
  /** The bond, bridge or other interface that it is a port of. */
  readonly master: string | undefined;
  readonly masterType: string | undefined;
  /** What it stands on, or consists of: a VLAN's parent, a bond's ports. */
  readonly lowers: readonly string[];
  /** An SR-IOV virtual function. */
  readonly isVirtualFunction: boolean;
  /** Virtual functions that it has handed out. */
  readonly virtualFunctions: number;
  /** Port of a switch in the NIC that stands for another's function: `pf0vf3`, `pf0sf1`. */
  readonly representorOf: string | undefined;
  /** `0000:03:00.0`. */
  readonly pciAddress: string | undefined;
  readonly isPromiscuous: boolean;
  /** RFC 2863: `up`, `down`, `dormant`, `lowerlayerdown`; `unknown` where the driver does not say. */
  readonly operState: string | undefined;
}

export interface NetdevRoleOptions {
  /** Where sysfs is mounted: /sys. */
  readonly sysfsPath: string;
}

const IFF_PROMISC = 0x100;

export function readNetdevRole(
  { sysfsPath }: NetdevRoleOptions,
  name: string,
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): NetdevRole {
  const folder = join(sysfsPath, 'class/net', name);
  const text = (file: string): string | undefined => files.read(join(folder, file)).text || undefined;
  const master = files.linkName(join(folder, 'master'));
  const portName = text('phys_port_name');
  const device = files.linkName(join(folder, 'device'));
  return {
    deviceType: deviceTypeOf(text('uevent')),
    master,
    masterType: master === undefined ? undefined : deviceTypeOf(text('master/uevent')),
    lowers: files.list(folder).flatMap((file) => /^lower_(.+)$/.exec(file)?.[1] ?? []),
    isVirtualFunction: files.linkName(join(folder, 'device/physfn')) !== undefined,
    virtualFunctions: Number(/^\d{1,4}$/.exec(text('device/sriov_numvfs') ?? '')?.[0] ?? 0),
    // Names as devlink_port_phys_port_name_get() in the kernel's net/devlink/port.c makes them.
    representorOf: /^(?:c\d+)?pf\d+(?:[vs]f\d+)?$/.test(portName ?? '') ? portName : undefined,
    pciAddress: /^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(device ?? '') ? device : undefined,
    isPromiscuous: (Number(text('flags') ?? 0) & IFF_PROMISC) !== 0,
    operState: text('operstate'),
  };
}

function deviceTypeOf(uevent: string | undefined): string | undefined {
  return /^DEVTYPE=(\S+)$/m.exec(uevent ?? '')?.[1];
}

/**
 * Whether <sysfs>/class/net shows these interfaces and no others. sysfs keeps showing the network
 * namespace of whoever mounted it: after nsenter --net it is another's. Undefined where there is none.
 */
export function isSysfsOf(
  { sysfsPath }: NetdevRoleOptions,
  interfaces: readonly { readonly name: string; readonly index: number; readonly mtuBytes: number }[],
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): boolean | undefined {
  const folder = join(sysfsPath, 'class/net');
  const number = (name: string, file: string): number =>
    Number(files.read(join(folder, name, file)).text || Number.NaN);
  // bonding_masters, which is no interface, has no number.
  const shown = files.list(folder).filter((name) => number(name, 'ifindex') > 0);
  if (shown.length === 0) return undefined;
  return (
    shown.length === interfaces.length &&
    interfaces.every(
      (one) => number(one.name, 'ifindex') === one.index && number(one.name, 'mtu') === one.mtuBytes,
    )
  );
}
