// SPDX-License-Identifier: Apache-2.0
// RDMA ports and what is known of each, from <sysfs>/class/infiniband/DEV/ports/N. Reads no counters.
// Any file may be missing, refused or senseless: the fact is then left out, and nothing throws.
// state, phys_state and rate ask the device's firmware (ib_query_port) and may block for a minute
// (MLX5_CMD_TIMEOUT_MSEC): the running exporter reads them in a process of its own.

import { join } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from '../system/sysfs-files.js';

/** Link layer of a port: link_layer_show() in drivers/infiniband/core/sysfs.c; Unknown is left out. */
export type RdmaLinkLayer = 'Ethernet' | 'InfiniBand';

export interface RdmaPortName {
  /** `mlx5_0`, `bnxt_re0`, `rxe0`. */
  readonly device: string;
  /** From 1; 0 stands for what a driver keeps for the whole device. */
  readonly port: number;
}

/** What is known of a port without asking its firmware. */
export interface RdmaPortIdentity extends RdmaPortName {
  /**
   * `rdma_rxe` or `siw` for software; else the driver the device hangs on, which for bnxt_re is
   * `bnxt_en` and for irdma `ice` or `i40e`. '' where it is unknown.
   */
  readonly driver: string;
  /** RDMA in software over an ordinary interface: soft-RoCE or soft-iWARP. */
  readonly isSoft: boolean;
  readonly linkLayer: RdmaLinkLayer | undefined;
  /** Network interfaces of the port, by name, each once: its own, and bonds and VLANs that have its GIDs. */
  readonly netdevs: readonly string[];
  /**
   * Whether these come from the port's GIDs. Where RoCE is on, there are some; a card without may have
   * it switched off (enable_roce), and then leaves RoCE to the interface.
   */
  readonly hasGidNetdevs: boolean;
  readonly nodeGuid: string | undefined;
  readonly firmwareVersion: string | undefined;
  readonly hcaType: string | undefined;
  readonly boardId: string | undefined;
  /** An SR-IOV virtual function. */
  readonly isVirtualFunction: boolean;
}

/** What the firmware is asked for. */
export interface RdmaLinkState {
  /** In lower case: `active`, `down`, `init`, `armed`, `active_defer`, `nop`. */
  readonly state: string | undefined;
  /** As the kernel spells it: `LinkUp`, `Disabled`, `Polling`. */
  readonly physState: string | undefined;
  readonly rateBitsPerSecond: number | undefined;
}

export interface RdmaPort extends RdmaPortIdentity, RdmaLinkState {}

export interface RdmaPortOptions {
  /** Where sysfs is mounted: /sys. */
  readonly sysfsPath: string;
}

export interface RdmaPortParts {
  readonly files?: SysfsFiles;
}

/** Folder of all RDMA devices, whatever they speak: RoCE, iWARP, InfiniBand, EFA. */
export function rdmaDevicesPath({ sysfsPath }: RdmaPortOptions): string {
  return join(sysfsPath, 'class/infiniband');
}

export function rdmaPortPath(options: RdmaPortOptions, { device, port }: RdmaPortName): string {
  return join(rdmaDevicesPath(options), device, 'ports', String(port));
}

/** All ports there are now, by name and number. Lists folders only, which asks no firmware. */
export function listRdmaPorts(
  options: RdmaPortOptions,
  { files = SYSFS_FILES }: RdmaPortParts = {},
): RdmaPortName[] {
  return files.list(rdmaDevicesPath(options)).flatMap((device) =>
    files
      .list(join(rdmaDevicesPath(options), device, 'ports'))
      .filter((name) => /^[1-9]\d{0,2}$/.test(name))
      .map((name) => ({ device, port: Number(name) }))
      .sort((a, b) => a.port - b.port),
  );
}

/** Facts of all ports. Blocks as long as the slowest of them. */
export function readRdmaPorts(options: RdmaPortOptions, parts: RdmaPortParts = {}): RdmaPort[] {
  return listRdmaPorts(options, parts).map((name) => readRdmaPort(options, name, parts));
}

/** Facts of one port; of one that is gone meanwhile nothing but its name. */
export function readRdmaPort(
  options: RdmaPortOptions,
  name: RdmaPortName,
  parts: RdmaPortParts = {},
): RdmaPort {
  return { ...readRdmaPortIdentity(options, name, parts), ...readRdmaLinkState(options, name, parts) };
}

export function readRdmaLinkState(
  options: RdmaPortOptions,
  name: RdmaPortName,
  { files = SYSFS_FILES }: RdmaPortParts = {},
): RdmaLinkState {
  const port = rdmaPortPath(options, name);
  return {
    state: parseNumberedName(files.read(join(port, 'state')).text)?.toLowerCase(),
    physState: parseNumberedName(files.read(join(port, 'phys_state')).text),
    rateBitsPerSecond: parseRate(files.read(join(port, 'rate')).text),
  };
}

/** The facts that can be had while the firmware answers nothing. Reads the GID table: some 70 files. */
export function readRdmaPortIdentity(
  options: RdmaPortOptions,
  name: RdmaPortName,
  { files = SYSFS_FILES }: RdmaPortParts = {},
): RdmaPortIdentity {
  const device = join(rdmaDevicesPath(options), name.device);
  const port = rdmaPortPath(options, name);
  const text = (path: string): string | undefined => files.read(path).text;
  const linkLayer = text(join(port, 'link_layer'));
  const softDriver = softDriverOf(device, name.device, text);
  const gidNetdevs = gidNetdevsOf(device, port, files);
  return {
    ...name,
    driver: softDriver ?? files.linkName(join(device, 'device/driver')) ?? '',
    isSoft: softDriver !== undefined,
    linkLayer: linkLayer === 'Ethernet' || linkLayer === 'InfiniBand' ? linkLayer : undefined,
    netdevs: gidNetdevs.length > 0 ? gidNetdevs : siblingsOf(device, name.port, files),
    hasGidNetdevs: gidNetdevs.length > 0,
    nodeGuid: word(text(join(device, 'node_guid'))),
    firmwareVersion: word(text(join(device, 'fw_ver'))),
    hcaType: word(text(join(device, 'hca_type'))),
    boardId: word(text(join(device, 'board_id'))),
    isVirtualFunction: files.linkName(join(device, 'device/physfn')) !== undefined,
  };
}

type ReadText = (path: string) => string | undefined;

/**
 * Software devices may hang on the same parent as the card below them, so that their driver link names
 * the card's driver. Only rxe has a file `parent` (rxe_verbs.c); siw is an RNIC whose first description
 * is siw's (siw_main.c), and has siw's name by custom where someone has overwritten the description.
 */
function softDriverOf(path: string, name: string, text: ReadText): string | undefined {
  if (text(join(path, 'parent')) !== undefined) return 'rdma_rxe';
  if (parseNumberedName(text(join(path, 'node_type'))) !== 'RNIC') return undefined;
  const isSiw = /^Software iWARP/i.test(text(join(path, 'node_desc')) ?? '') || /^siw/.test(name);
  return isSiw ? 'siw' : undefined;
}

/**
 * After so many free slots in a row the rest of a GID table is taken for free too. The kernel gives each
 * new GID the lowest free slot (find_gid() in drivers/infiniband/core/cache.c), so a table is dense at its
 * start, but for holes where addresses were removed: a VLAN or bond leaves as many free slots as it had
 * GIDs, up to two per address. Tables have 256 slots on mlx5 and 1,024 on rxe, and a free one costs a failed
 * read: all of rxe's took 0.45 s on a busy host.
 */
const MAX_FREE_SLOTS_IN_A_ROW = 64;

/** The interfaces of the port's GIDs; of rxe its parent too, which may have no GID while it is down. */
function gidNetdevsOf(devicePath: string, portPath: string, files: SysfsFiles): string[] {
  const folder = join(portPath, 'gid_attrs/ndevs');
  const slots = files.list(folder).filter((name) => /^\d+$/.test(name));
  const names = new Set([files.read(join(devicePath, 'parent')).text].filter(isInterfaceName));
  let freeInARow = 0;
  for (const slot of slots.sort((a, b) => Number(a) - Number(b))) {
    const name = files.read(join(folder, slot)).text;
    if (isInterfaceName(name)) names.add(name);
    freeInARow = isInterfaceName(name) ? 0 : freeInARow + 1;
    if (freeInARow === MAX_FREE_SLOTS_IN_A_ROW) break;
  }
  return [...names].sort();
}

/**
 * The interfaces of the same device: those of InfiniBand ports, which have no GIDs with interfaces.
 * A card with two ports on one PCI function (mlx4, mthca) numbers its interfaces in `dev_port`, from 0.
 * An IPoIB child (`ib0.8001`) names its interface in `parent` (ipoib_vlan.c) and is on that one's port.
 */
function siblingsOf(devicePath: string, port: number, files: SysfsFiles): string[] {
  const folder = join(devicePath, 'device/net');
  return files.list(folder).filter((name) => {
    const parent = files.read(join(folder, name, 'parent')).text;
    const owner = isInterfaceName(parent) ? parent : name;
    const number = files.read(join(folder, owner, 'dev_port')).text;
    return number === undefined || !/^\d+$/.test(number) || Number(number) === port - 1;
  });
}

/** As dev_valid_name() in net/core/dev.c has it. */
function isInterfaceName(text: string | undefined): text is string {
  return text !== undefined && text !== '.' && text !== '..' && /^[^\s/:]{1,15}$/.test(text);
}

/** What an identification looks like; anything else is noise and no label value. */
function word(text: string | undefined): string | undefined {
  return text !== undefined && /^[\x21-\x7e][\x20-\x7e]{0,63}$/.test(text) ? text : undefined;
}

/** `4: ACTIVE` -> `ACTIVE`. */
export function parseNumberedName(text: string | undefined): string | undefined {
  return /^\d+: ([A-Za-z][\w ]*)$/.exec(text ?? '')?.[1];
}

/** `100 Gb/sec (4X EDR)` -> 100e9; 0 is no rate but a port without one. */
export function parseRate(text: string | undefined): number | undefined {
  const match = /^(\d{1,6})(?:\.(\d))? Gb\/sec\b/.exec(text ?? '');
  if (match === null) return undefined;
  const tenths = Number(match[1]) * 10 + Number(match[2] ?? 0);
  return tenths === 0 ? undefined : tenths * 1e8;
}
