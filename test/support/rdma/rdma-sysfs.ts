// SPDX-License-Identifier: Apache-2.0
// A tree as /sys shows RDMA devices and network interfaces, from a description. Names as the drivers have
// them (drivers/infiniband). For tests only.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { atEnd } from '../cleanup.js';

/** A file that cannot be read: a folder stands in its place (EISDIR, as EINVAL and EIO are hard to have). */
export const REFUSED = { kind: 'refused' } as const;
/** A file whose open never returns: a FIFO that nobody writes. */
export const HANGING = { kind: 'hanging' } as const;

export type FileContent = string | number | bigint | typeof REFUSED | typeof HANGING;
export type Folder = Readonly<Record<string, FileContent>>;

export interface PortSpec extends Readonly<Record<string, unknown>> {
  /** state, phys_state, rate, link_layer. */
  readonly files?: Folder;
  /** gid_attrs/ndevs. */
  readonly ndevs?: Folder;
  readonly counters?: Folder;
  readonly hwCounters?: Folder;
}

export interface DeviceSpec {
  /** Of the device: node_type, node_guid, fw_ver, hca_type, board_id, parent. */
  readonly files?: Folder;
  readonly driver?: string;
  readonly isVirtualFunction?: boolean;
  /** device/net, by interface. */
  readonly siblings?: Readonly<Record<string, Folder>>;
  readonly ports: Readonly<Record<string, PortSpec>>;
  readonly hwCounters?: Folder;
}

export interface NetdevSpec {
  readonly files?: Folder;
  readonly lowers?: readonly string[];
  readonly master?: string;
}

export class RdmaSysfs {
  readonly path: string;
  readonly #remove: () => void;

  constructor(
    devices: Readonly<Record<string, DeviceSpec>> = {},
    netdevs: Readonly<Record<string, NetdevSpec>> = {},
  ) {
    const path = mkdtempSync(join(tmpdir(), 'xtrace-sysfs-'));
    this.path = path;
    this.#remove = atEnd(() => rmSync(path, { recursive: true, force: true }));
    for (const [name, spec] of Object.entries(devices)) this.addDevice(name, spec);
    for (const [name, spec] of Object.entries(netdevs)) this.#addNetdev(name, spec);
  }

  addDevice(name: string, spec: DeviceSpec): void {
    const device = join('class/infiniband', name);
    this.#folder(device, spec.files);
    this.#folder(join(device, 'device'));
    if (spec.driver !== undefined) {
      symlinkSync(join('../../../../bus/pci/drivers', spec.driver), join(this.path, device, 'device/driver'));
    }
    if (spec.isVirtualFunction === true)
      symlinkSync('../0000:01:00.0', join(this.path, device, 'device/physfn'));
    for (const [netdev, files] of Object.entries(spec.siblings ?? {})) {
      this.#folder(join(device, 'device/net', netdev), files);
    }
    if (spec.hwCounters !== undefined) this.#folder(join(device, 'hw_counters'), spec.hwCounters);
    for (const [number, port] of Object.entries(spec.ports)) {
      const folder = join(device, 'ports', number);
      this.#folder(folder, port.files);
      if (port.ndevs !== undefined) this.#folder(join(folder, 'gid_attrs/ndevs'), port.ndevs);
      if (port.counters !== undefined) this.#folder(join(folder, 'counters'), port.counters);
      if (port.hwCounters !== undefined) this.#folder(join(folder, 'hw_counters'), port.hwCounters);
    }
  }

  removeDevice(name: string): void {
    rmSync(join(this.path, 'class/infiniband', name), { recursive: true });
  }

  /** @param path below class/infiniband. */
  write(path: string, content: FileContent): void {
    const full = join(this.path, 'class/infiniband', path);
    rmSync(full, { recursive: true, force: true });
    mkdirSync(dirname(full), { recursive: true });
    if (typeof content !== 'object') writeFileSync(full, `${content}\n`);
    else if (content.kind === 'refused') mkdirSync(full);
    else execFileSync('mkfifo', [full]);
  }

  remove(): void {
    this.#remove();
  }

  #addNetdev(name: string, spec: NetdevSpec): void {
    const folder = join('class/net', name);
    this.#folder(folder, spec.files);
    for (const lower of spec.lowers ?? []) {
      symlinkSync(`../${lower}`, join(this.path, folder, `lower_${lower}`));
    }
    if (spec.master !== undefined) symlinkSync(`../${spec.master}`, join(this.path, folder, 'master'));
  }

  #folder(path: string, files: Folder = {}): void {
    mkdirSync(join(this.path, path), { recursive: true });
    for (const [name, content] of Object.entries(files)) {
      this.write(join('../..', path, name), content);
    }
  }
}
