// SPDX-License-Identifier: Apache-2.0
// Descriptors of maps, programs and links: what the kernel says of each, and their pins in a bpffs.

import { closeSync } from 'node:fs';
import { KernelError } from '../errors.js';
import { errnoName } from './errno.js';
import type { Libbpf } from './ffi.js';

// The parts we read of struct bpf_map_info, bpf_prog_info and bpf_link_info in include/uapi/linux/bpf.h.
const MAP_INFO = { size: 80, keySize: 8, valueSize: 12, maxEntries: 16 } as const;
const PROGRAM_INFO = { size: 80, id: 4, name: 64, nameSize: 16 } as const;
/** xdp.ifindex is the first field of the union behind type, id, prog_id and padding. */
const LINK_INFO = { size: 32, type: 0, id: 4, programId: 8, xdpIfindex: 16 } as const;
const BPF_LINK_TYPE_XDP = 6;

export interface MapInfo {
  readonly keySizeBytes: number;
  readonly valueSizeBytes: number;
  readonly maxEntries: number;
}

export interface XdpLinkInfo {
  readonly id: number;
  readonly programId: number;
  /** 0 once the interface is gone. */
  readonly ifindex: number;
}

function readInfo(libbpf: Libbpf, fd: number, sizeBytes: number): Buffer | undefined {
  const info = Buffer.alloc(sizeBytes);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(info.length);
  return libbpf.bpf_obj_get_info_by_fd(fd, info, length) === 0 ? info : undefined;
}

/** undefined where the descriptor is of no map. */
export function readMapInfo(libbpf: Libbpf, fd: number): MapInfo | undefined {
  const info = readInfo(libbpf, fd, MAP_INFO.size);
  return (
    info && {
      keySizeBytes: info.readUInt32LE(MAP_INFO.keySize),
      valueSizeBytes: info.readUInt32LE(MAP_INFO.valueSize),
      maxEntries: info.readUInt32LE(MAP_INFO.maxEntries),
    }
  );
}

/** Id and name (15 characters of it) of a program; undefined where the kernel does not tell. */
export function readProgramInfo(
  libbpf: Libbpf,
  fd: number,
): { readonly id: number; readonly name: string } | undefined {
  const info = readInfo(libbpf, fd, PROGRAM_INFO.size);
  if (info === undefined) return undefined;
  const name = info.subarray(PROGRAM_INFO.name, PROGRAM_INFO.name + PROGRAM_INFO.nameSize);
  const end = name.indexOf(0);
  return {
    id: info.readUInt32LE(PROGRAM_INFO.id),
    name: name.toString('latin1', 0, end < 0 ? name.length : end),
  };
}

/** undefined where the descriptor is of no XDP link. */
export function readXdpLinkInfo(libbpf: Libbpf, fd: number): XdpLinkInfo | undefined {
  const info = readInfo(libbpf, fd, LINK_INFO.size);
  if (info === undefined || info.readUInt32LE(LINK_INFO.type) !== BPF_LINK_TYPE_XDP) return undefined;
  return {
    id: info.readUInt32LE(LINK_INFO.id),
    programId: info.readUInt32LE(LINK_INFO.programId),
    ifindex: info.readUInt32LE(LINK_INFO.xdpIfindex),
  };
}

/** Makes a pin. Throws KernelError. */
export function pinTo(libbpf: Libbpf, fd: number, path: string): void {
  const rc = libbpf.bpf_obj_pin(fd, path);
  if (rc < 0) throw new KernelError('bpf_obj_pin', -rc, `${path} cannot be pinned: ${errnoName(-rc)}`);
}

/** A descriptor of what is pinned there, the caller's to close. Throws KernelError. */
export function openPin(libbpf: Libbpf, path: string): number {
  const fd = libbpf.bpf_obj_get(path);
  if (fd < 0)
    throw new KernelError('bpf_obj_get', -fd, `the pin ${path} cannot be opened: ${errnoName(-fd)}`);
  return fd;
}

/** Descriptors of one owner; close() closes them once. */
export class OpenFds {
  readonly #fds: number[] = [];

  add(fd: number): number {
    this.#fds.push(fd);
    return fd;
  }

  close(): void {
    for (const fd of this.#fds.splice(0)) closeSync(fd);
  }
}
