// SPDX-License-Identifier: Apache-2.0
// One BPF object file in libbpf's hands: open, adjust, load, close; maps and programs by name.
// Knows no map or program of ours: that is load.ts.

import { readFileSync } from 'node:fs';
import { KernelError } from '../errors.js';
import { locateVariable, type VariablePlace } from './data-section.js';
import { errnoName } from './errno.js';
import { callAsync, type Libbpf } from './ffi.js';

// struct bpf_object_open_opts of libbpf 1.x, up to kernel_log_level.
const OPEN_OPTS = { size: 80, sz: 0, objectName: 8, kernelLogBuf: 56, kernelLogSize: 64 } as const;

// The log of a refused program may be long, and one that does not fit makes older kernels answer
// ENOSPC instead of the true errno. The pages are touched only when something is written.
const LOG_BYTES = 16 * 1024 * 1024;

// ELF identification: magic, class 64, little endian; e_machine at 18 is EM_BPF.
const ELF_MAGIC = 0x464c457f;
const ELF_CLASS_64 = 2;
const ELF_DATA_LITTLE = 1;
const EM_BPF = 247;

/** A map of an opened object. */
export interface MapHandle {
  readonly name: string;
  readonly keySizeBytes: number;
  readonly valueSizeBytes: number;
  readonly pointer: Buffer;
}

/** Reads an object file. Throws KernelError where it is missing or not little-endian BPF. */
export function readObjectFile(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new KernelError('open', 0, `the BPF object ${path} cannot be read (${reason}): run "make build"`, {
      cause,
    });
  }
  const isBpf =
    bytes.length >= 64 &&
    bytes.readUInt32LE(0) === ELF_MAGIC &&
    bytes[4] === ELF_CLASS_64 &&
    bytes[5] === ELF_DATA_LITTLE &&
    bytes.readUInt16LE(18) === EM_BPF;
  if (!isBpf) throw new KernelError('open', 0, `${path} is not a little-endian BPF object: run "make build"`);
  return bytes;
}

export class BpfObject {
  readonly #libbpf: Libbpf;
  readonly #pointer: Buffer;
  // libbpf keeps addresses into these from open to close.
  readonly #bytes: Buffer;
  readonly #log: Buffer;
  readonly #programs = new Map<string, Buffer>();
  #isClosed = false;

  /** The object file. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** @param bytes a whole object file. Throws KernelError when libbpf refuses it. */
  constructor(bytes: Buffer, name: string, libbpf: Libbpf) {
    this.#libbpf = libbpf;
    this.#bytes = bytes;
    this.#log = Buffer.alloc(LOG_BYTES);
    const { memory } = libbpf;
    const objectName = Buffer.from(`${name}\0`);
    const opts = Buffer.alloc(OPEN_OPTS.size);
    opts.writeBigUInt64LE(BigInt(OPEN_OPTS.size), OPEN_OPTS.sz);
    opts.writeBigUInt64LE(memory.addressOf(objectName), OPEN_OPTS.objectName);
    opts.writeBigUInt64LE(memory.addressOf(this.#log), OPEN_OPTS.kernelLogBuf);
    opts.writeBigUInt64LE(BigInt(this.#log.length), OPEN_OPTS.kernelLogSize);
    this.#pointer = libbpf.bpf_object__open_mem(this.#bytes, this.#bytes.length, opts);
    if (memory.isNull(this.#pointer)) {
      const errno = memory.errno();
      throw new KernelError('bpf_object__open_mem', errno, `libbpf cannot parse the BPF object ${name}`);
    }
    // objectName was copied by the call; naming it here keeps it alive until then.
    objectName.fill(0);
    this.#collectPrograms();
  }

  #collectPrograms(): void {
    const { memory } = this.#libbpf;
    let program = this.#libbpf.bpf_object__next_program(this.#pointer, memory.NULL);
    while (!memory.isNull(program)) {
      this.#programs.set(this.#libbpf.bpf_program__name(program) ?? '', program);
      program = this.#libbpf.bpf_object__next_program(this.#pointer, program);
    }
  }

  /** Before load: leaves out every program that `wanted` says no to. */
  selectPrograms(wanted: (name: string) => boolean): void {
    for (const [name, program] of this.#programs) {
      this.#libbpf.bpf_program__set_autoload(program, wanted(name));
    }
  }

  /** Throws KernelError where the object has no such map. */
  map(name: string): MapHandle {
    this.#assertOpen();
    const pointer = this.#libbpf.bpf_object__find_map_by_name(this.#pointer, name);
    if (this.#libbpf.memory.isNull(pointer)) {
      throw new KernelError('bpf_object__find_map_by_name', 0, `the BPF object has no map "${name}"`);
    }
    const keySizeBytes = this.#libbpf.bpf_map__key_size(pointer);
    const valueSizeBytes = this.#libbpf.bpf_map__value_size(pointer);
    return { name, keySizeBytes, valueSizeBytes, pointer };
  }

  /** Of every map, those of variables (`.bss`) among them. */
  get mapNames(): readonly string[] {
    this.#assertOpen();
    const { memory } = this.#libbpf;
    const names: string[] = [];
    let map = this.#libbpf.bpf_object__next_map(this.#pointer, memory.NULL);
    while (!memory.isNull(map)) {
      const name = this.#libbpf.bpf_map__name(map) ?? '';
      // libbpf puts the object's name before that of a section; it finds the map by either.
      names.push(name.slice(Math.max(0, name.indexOf('.'))));
      map = this.#libbpf.bpf_object__next_map(this.#pointer, map);
    }
    return names;
  }

  /** Of every program, loaded or not. */
  get programNames(): readonly string[] {
    return [...this.#programs.keys()];
  }

  setMaxEntries(name: string, maxEntries: number): void {
    const rc = this.#libbpf.bpf_map__set_max_entries(this.map(name).pointer, maxEntries);
    if (rc < 0) {
      throw new KernelError(
        'bpf_map__set_max_entries',
        -rc,
        `map "${name}" cannot have ${maxEntries} entries`,
      );
    }
  }

  maxEntries(name: string): number {
    return this.#libbpf.bpf_map__max_entries(this.map(name).pointer);
  }

  /** After load. */
  mapFd(name: string): number {
    return this.#libbpf.bpf_map__fd(this.map(name).pointer);
  }

  /** After load; undefined for a program that the object lacks or that was left out. */
  programFd(name: string): number | undefined {
    this.#assertOpen();
    const program = this.#programs.get(name);
    const fd = program === undefined ? -1 : this.#libbpf.bpf_program__fd(program);
    return fd < 0 ? undefined : fd;
  }

  /** Where a global variable lies in its section. Throws AbiError where there is none. */
  variablePlace(section: '.rodata' | '.bss', name: string): VariablePlace {
    this.#assertOpen();
    return locateVariable(this.#libbpf, this.#libbpf.bpf_object__btf(this.#pointer), section, name);
  }

  /** Before load: the initial value of a global variable, to be read or written. Valid until load. */
  initialValue(section: '.rodata' | '.bss', name: string): Buffer {
    const { offsetBytes, sizeBytes } = this.variablePlace(section, name);
    const start = this.#libbpf.bpf_map__initial_value(this.map(section).pointer, Buffer.alloc(8));
    return this.#libbpf.memory.view(start, offsetBytes + sizeBytes).subarray(offsetBytes);
  }

  /** Before load: all initial values of a section. Valid until load. */
  sectionBytes(section: '.rodata'): Buffer {
    const size = Buffer.alloc(8);
    const start = this.#libbpf.bpf_map__initial_value(this.map(section).pointer, size);
    return this.#libbpf.memory.view(start, Number(size.readBigUInt64LE()));
  }

  /** Before load: the maps of an object of the same bytes, which is loaded, in place of its own. Throws KernelError. */
  takeMapsOf(other: BpfObject): void {
    // All by name first: taking one may shorten its name to what the kernel keeps of it.
    const taken = this.mapNames.map((name) => ({ ...this.map(name), fd: other.mapFd(name) }));
    for (const { name, pointer, fd } of taken) {
      const rc = this.#libbpf.bpf_map__reuse_fd(pointer, fd);
      if (rc < 0) {
        throw new KernelError('bpf_map__reuse_fd', -rc, `map "${name}" cannot be shared: ${errnoName(-rc)}`);
      }
    }
  }

  /** Creates the maps and loads the programs; 0, or a positive errno (then see verifierLog). */
  load(): number {
    this.#assertOpen();
    return -this.#libbpf.bpf_object__load(this.#pointer);
  }

  /** load() on a thread of the pool. */
  async loadOffLoop(): Promise<number> {
    this.#assertOpen();
    return -(await callAsync(this.#libbpf.bpf_object__load, this.#pointer));
  }

  /** What the verifier said of the last program it refused; '' if it refused none. */
  get verifierLog(): string {
    const end = this.#log.indexOf(0);
    return this.#log.toString('latin1', 0, end < 0 ? this.#log.length : end);
  }

  /** Closes every map and program that nothing else holds. Safe to call twice. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#libbpf.bpf_object__close(this.#pointer);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KernelError('bpf_object', 0, 'the BPF object is closed');
  }
}
