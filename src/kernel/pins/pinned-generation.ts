// SPDX-License-Identifier: Apache-2.0
// The maps and programs of one load, pinned: made from what was loaded, and opened again by a later process.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ABI_VERSION } from '../../abi/layout.js';
import { KernelError } from '../../errors.js';
import { type MapInfo, OpenFds, openPin, pinTo, readMapInfo } from '../bpf-fds.js';
import type { VariablePlace } from '../data-section.js';
import { errnoName } from '../errno.js';
import { callAsync, type Libbpf, type Libc } from '../ffi.js';
import { createKernelObject, type KernelObject } from '../kernel-object.js';
import type { LoadedObject } from '../load.js';
import type { KernelHandles } from '../maps.js';
import { readOptions } from '../read-options.js';
import { describeCounts } from './count-description.js';
import { type ForeignCount, readForeignCounts } from './foreign-counts.js';
import { decodeMeta, encodeMeta, type GenerationMeta, type PlacedVariable } from './generation-meta.js';
import { META, mapFile, namesIn, programFile } from './pin-folder.js';

const BPF_MAP_TYPE_ARRAY = 2;
const RODATA_VARIABLES = ['options', 'ephemeral_ports', 'opcode_facts'] as const;

export interface Libraries {
  readonly libbpf: Libbpf;
  readonly libc: Libc;
}

/** Pins all maps and programs, then the meta. Throws KernelError; then what there is, is half a generation. */
export function pinGeneration(
  { libbpf, libc }: Libraries,
  folder: string,
  { object, flavours }: LoadedObject,
  { id, digest, cpuCount }: Pick<GenerationMeta, 'id' | 'digest' | 'cpuCount'>,
): void {
  for (const path of [folder, join(folder, 'maps'), join(folder, 'programs')])
    mkdirSync(path, { mode: 0o700 });
  for (const name of object.mapNames) pinTo(libbpf, object.mapFd(name), mapFile(folder, name));
  for (const name of object.programNames) {
    const fd = object.programFd(name);
    if (fd !== undefined) pinTo(libbpf, fd, programFile(folder, name));
  }
  const meta: GenerationMeta = {
    abiVersion: ABI_VERSION,
    digest,
    flavours,
    id,
    cpuCount,
    places: {
      options: object.variablePlace('.rodata', 'options'),
      ephemeral_ports: object.variablePlace('.rodata', 'ephemeral_ports'),
      opcode_facts: object.variablePlace('.rodata', 'opcode_facts'),
      control: object.variablePlace('.bss', 'control'),
    },
    fence: { map: 'fence', inner: 'fence_inner' },
    counts: describeCounts(),
  };
  pinMeta({ libbpf, libc }, folder, encodeMeta(meta));
}

/** Throws KernelError. */
export function pinMeta({ libbpf, libc }: Libraries, folder: string, bytes: Buffer): void {
  const fd = libbpf.bpf_map_create(BPF_MAP_TYPE_ARRAY, 'xtrace_meta', 4, bytes.length, 1, libbpf.memory.NULL);
  if (fd < 0) {
    throw new KernelError('bpf_map_create', -fd, `the map of a pin cannot be made: ${errnoName(-fd)}`);
  }
  try {
    const rc = libbpf.bpf_map_update_elem(fd, Buffer.alloc(4), bytes, 0);
    if (rc < 0) {
      throw new KernelError(
        'bpf_map_update_elem',
        -rc,
        `the map of a pin cannot be written: ${errnoName(-rc)}`,
      );
    }
    pinTo(libbpf, fd, join(folder, META));
  } finally {
    libc.close(fd);
  }
}

/** A generation that another process has pinned, as it is in the kernel. */
export class PinnedGeneration implements KernelHandles {
  readonly folder: string;
  readonly meta: GenerationMeta;
  readonly rodata: Buffer;
  readonly #libraries: Libraries;
  readonly #fds = new OpenFds();
  readonly #maps = new Map<string, MapInfo & { readonly fd: number }>();
  readonly #programs = new Map<string, number>();

  /** Throws KernelError. */
  constructor(libraries: Libraries, folder: string) {
    this.#libraries = libraries;
    this.folder = folder;
    try {
      const meta = this.#readOnly(this.#open(join(folder, META)), META);
      this.meta = decodeMeta(meta, folder);
      this.rodata = this.#readOnly(this.mapFd('.rodata'), '.rodata');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** This build knows the layouts of its maps. */
  get isReadable(): boolean {
    return this.meta.abiVersion === ABI_VERSION;
  }

  #open(path: string): number {
    return this.#fds.add(openPin(this.#libraries.libbpf, path));
  }

  /** The one value of an array. */
  #readOnly(fd: number, name: string): Buffer {
    const { libbpf } = this.#libraries;
    const value = Buffer.alloc(readMapInfo(libbpf, fd)?.valueSizeBytes ?? 0);
    const rc = libbpf.bpf_map_lookup_elem(fd, Buffer.alloc(4), value);
    if (rc < 0) {
      throw new KernelError(
        'bpf_map_lookup_elem',
        -rc,
        `pinned map "${name}" in ${this.folder} could not be read: ${errnoName(-rc)}`,
      );
    }
    return value;
  }

  map(name: string): MapInfo & { readonly fd: number } {
    const known = this.#maps.get(name);
    if (known !== undefined) return known;
    const fd = this.#open(mapFile(this.folder, name));
    const info = readMapInfo(this.#libraries.libbpf, fd);
    if (info === undefined) {
      throw new KernelError('bpf_obj_get_info_by_fd', 0, `${mapFile(this.folder, name)} is no map`);
    }
    const found = { ...info, fd };
    this.#maps.set(name, found);
    return found;
  }

  mapFd(name: string): number {
    return this.map(name).fd;
  }

  maxEntries(name: string): number {
    return this.map(name).maxEntries;
  }

  programFd(name: string): number | undefined {
    const known = this.#programs.get(name);
    if (known !== undefined) return known;
    if (!namesIn(join(this.folder, 'programs')).includes(name)) return undefined;
    const fd = this.#open(programFile(this.folder, name));
    this.#programs.set(name, fd);
    return fd;
  }

  async programFdOffLoop(name: string): Promise<number | undefined> {
    return this.programFd(name);
  }

  programFdSoon(name: string): number | undefined {
    return this.programFd(name);
  }

  variablePlace(_section: '.bss' | '.rodata', name: string): VariablePlace {
    return this.meta.places[name as PlacedVariable];
  }

  /** A variable of .rodata. */
  variable(name: (typeof RODATA_VARIABLES)[number]): Buffer {
    const { offsetBytes, sizeBytes } = this.variablePlace('.rodata', name);
    return this.rodata.subarray(offsetBytes, offsetBytes + sizeBytes);
  }

  /**
   * Its maps and programs, as if we had loaded them; closes this with it, also where it throws (KernelError). Only
   * where it is readable.
   */
  toKernelObject(objectPath: string, batchEntries?: number): KernelObject {
    const loaded = readOptions(
      {
        options: this.variable('options'),
        ephemeralPorts: this.variable('ephemeral_ports'),
        opcodeFacts: this.variable('opcode_facts'),
      },
      this.maxEntries('slot_marks'),
    );
    const sizes = {
      flowCapacity: this.maxEntries('flows4_0'),
      roceCapacity: this.maxEntries('roce_0'),
      ...(batchEntries === undefined ? {} : { batchEntries }),
    };
    const { flavours } = this.meta;
    return createKernelObject(
      { objectPath, flavours },
      { ...loaded, ...sizes },
      { ...this.#libraries, handles: this },
    );
  }

  /** Waits for programs that run now; rejects with KernelError. */
  async fence(): Promise<void> {
    const { map, inner } = this.meta.fence;
    const innerFd = Buffer.alloc(4);
    innerFd.writeInt32LE(this.mapFd(inner));
    const { libbpf } = this.#libraries;
    const rc = await callAsync(libbpf.bpf_map_update_elem, this.mapFd(map), Buffer.alloc(4), innerFd, 0);
    if (rc < 0) {
      const message = `waiting for running programs (map "${map}") failed: ${errnoName(-rc)}`;
      throw new KernelError('bpf_map_update_elem', -rc, message);
    }
  }

  /** Waits, then sums; rejects with KernelError. */
  async foreignCounts(): Promise<readonly ForeignCount[]> {
    await this.fence();
    const { cpuCount, counts } = this.meta;
    const mapFd = (name: string): number => this.mapFd(name);
    const map = (name: string): MapInfo => this.map(name);
    return await readForeignCounts({ cpuCount, counts, mapFd, map }, this.#libraries);
  }

  close(): void {
    this.#maps.clear();
    this.#programs.clear();
    this.#fds.close();
  }
}
