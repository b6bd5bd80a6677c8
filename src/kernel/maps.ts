// SPDX-License-Identifier: Apache-2.0
// KernelMaps over a loaded object. Moves bytes; in which order a drain does that is reader/'s.

import { CONTROL, MARK_LINE_BYTES, SKETCH_SIZE } from '../abi/layout.js';
import { PSN_SET, PSN_WAYS, PSN_WINDOW } from '../abi/roce-records.js';
import { KernelError } from '../errors.js';
import type { VariablePlace } from './data-section.js';
import { errnoName } from './errno.js';
import { callAsync, type Libbpf, type Libc } from './ffi.js';
import type {
  BatchSink,
  DrainedMap,
  Half,
  KernelMaps,
  OverflowMap,
  OverflowSink,
  PsnMemory,
  RoceDerivation,
  SlotMemory,
} from './kernel-maps.js';
import { type MapMemory, mapMemory } from './map-memory.js';
import { clearOverflowMap, type PerCpuMap, readOverflowMap, readUnattributedMap } from './overflow-read.js';
import {
  type BatchBuffers,
  type BatchCall,
  createBatchBuffers,
  type HashMap,
  readBatches,
} from './read-batches.js';
import { SLOT_ARRAYS, type SlotArray, type SlotSizes } from './slot-sizing.js';
import { runSweep, SWEEP_PROGRAM } from './sweep-run.js';

/**
 * Entries of one batch call. 100,000 entries in one run on 2 cores: 1,024 a call 73 ms, 8,192 64 ms,
 * 65,536 61 ms; but what the sink does with a batch, it does in one turn of the event loop.
 */
const DEFAULT_BATCH_ENTRIES = 8192;

/** Of RoCE streams, 624 bytes each: decoding 512 takes 0.3 ms. */
const ROCE_BATCH_ENTRIES = 512;
/** Of port_spread, 2 KiB each. */
const PORTS_BATCH_ENTRIES = 128;

export interface LoadedMapsOptions {
  readonly slotSizes: SlotSizes;
  readonly flowCapacity: number;
  readonly roceCapacity: number;
  readonly psnSets: number;
  readonly roceDerivation: RoceDerivation;
  readonly hashSeed: number;
  /** Flow map entries per call; small numbers are for tests. */
  readonly batchEntries?: number;
}

/** Maps and programs in the kernel by their names in the object: those of a BpfObject, or pinned ones. */
export interface KernelHandles {
  /** Throws KernelError where there is none. */
  map(name: string): { readonly keySizeBytes: number; readonly valueSizeBytes: number };
  mapFd(name: string): number;
  maxEntries(name: string): number;
  /** undefined where there is none. May load it first; throws KernelError where the kernel refuses it. */
  programFd(name: string): number | undefined;
  /** The same without keeping the event loop waiting. */
  programFdOffLoop(name: string): Promise<number | undefined>;
  /** programFd(), but where it would load it, that begins off the event loop; once it has failed, throws likewise. */
  programFdSoon(name: string): number | undefined | 'loading';
  /** Where `control` lies in .bss. */
  variablePlace(section: '.bss', name: string): VariablePlace;
}

/** Both halves of a map, and what emptying them shares. */
interface Drained {
  readonly halves: readonly [HashMap, HashMap];
  readonly buffers: BatchBuffers;
  /** Of the drain that began last. */
  turn: Promise<void>;
}

export class LoadedMaps implements KernelMaps {
  readonly cpuCount: number;
  readonly slotSizes: SlotSizes;
  readonly flowCapacity: number;
  readonly roceCapacity: number;
  readonly hashSeed: number;
  readonly roceDerivation: RoceDerivation;
  readonly psn: PsnMemory;
  readonly #libbpf: Libbpf;
  readonly #bss: MapMemory;
  readonly #control: Uint32Array;
  readonly #slots: Readonly<Record<SlotArray, MapMemory>>;
  readonly #marks: MapMemory;
  readonly #psnMemory: readonly MapMemory[];
  readonly #refused: MapMemory;
  readonly #drained: Readonly<Record<DrainedMap, Drained>>;
  readonly #overflow: Readonly<Record<OverflowMap, PerCpuMap>>;
  readonly #unattributed: PerCpuMap;
  readonly #fence: { fd: number; key: Buffer; innerFd: Buffer };
  #isClosed = false;

  /** @param object what is loaded, kept open by whoever made it until close(). Throws KernelError. */
  constructor(options: LoadedMapsOptions, parts: { object: KernelHandles; libbpf: Libbpf; libc: Libc }) {
    const { object, libbpf, libc } = parts;
    this.slotSizes = options.slotSizes;
    this.cpuCount = options.slotSizes.cpuCount;
    this.flowCapacity = options.flowCapacity;
    this.roceCapacity = options.roceCapacity;
    this.hashSeed = options.hashSeed;
    this.#libbpf = libbpf;
    // What libbpf calls the initial value of .bss is a copy after load (but in skeletons); the map
    // itself can be mapped like ours.
    const place = object.variablePlace('.bss', 'control');
    const bssBytes = place.offsetBytes + place.sizeBytes;
    this.#bss = mapMemory(libc, object.mapFd('.bss'), '.bss', bssBytes);
    const { buffer, byteOffset } = this.#bss.bytes;
    this.#control = new Uint32Array(buffer, byteOffset + place.offsetBytes, CONTROL.size / 4);
    const mapSlots = (name: SlotArray): MapMemory =>
      mapMemory(libc, object.mapFd(name), name, 2 * this.#halfBytes(name));
    this.#slots = {
      slots4: mapSlots('slots4'),
      slots6: mapSlots('slots6'),
      roce_slots4: mapSlots('roce_slots4'),
      roce_slots6: mapSlots('roce_slots6'),
    };
    const markBytes = this.slotSizes.markLines * MARK_LINE_BYTES;
    this.#marks = mapMemory(libc, object.mapFd('slot_marks'), 'slot_marks', markBytes);
    this.roceDerivation = options.roceDerivation;
    const sets = mapMemory(libc, object.mapFd('roce_psn'), 'roce_psn', options.psnSets * PSN_SET.size);
    const windowBytes = options.psnSets * PSN_WAYS * PSN_WINDOW.size;
    const windows = mapMemory(libc, object.mapFd('roce_windows'), 'roce_windows', windowBytes);
    this.#psnMemory = [sets, windows];
    this.psn = {
      sets: sets.bytes,
      windows: windows.bytes,
      refresh: () => Atomics.load(this.#control, CONTROL.refresh / 4),
      sweep: async (element) => {
        this.#assertOpen();
        await runSweep(libbpf, await object.programFdOffLoop(SWEEP_PROGRAM), element);
      },
    };
    this.#refused = mapMemory(libc, object.mapFd('refused'), 'refused', 2 * SKETCH_SIZE);
    const hashMap = (name: string): HashMap => {
      const { keySizeBytes, valueSizeBytes } = object.map(name);
      return { name, fd: object.mapFd(name), keySizeBytes, valueSizeBytes };
    };
    const drained = (name: DrainedMap, batchEntries: number): Drained => {
      const halves = [hashMap(`${name}_0`), hashMap(`${name}_1`)] as const;
      return { halves, buffers: createBatchBuffers(halves[0], batchEntries), turn: Promise.resolve() };
    };
    const batchEntries = options.batchEntries ?? DEFAULT_BATCH_ENTRIES;
    this.#drained = {
      flows4: drained('flows4', batchEntries),
      flows6: drained('flows6', batchEntries),
      roce: drained('roce', ROCE_BATCH_ENTRIES),
      roce_ports: drained('roce_ports', PORTS_BATCH_ENTRIES),
    };
    const perCpuMap = (name: string): PerCpuMap => ({
      name,
      fd: object.mapFd(name),
      maxEntries: object.maxEntries(name),
    });
    this.#overflow = { overflow: perCpuMap('overflow'), roce_overflow: perCpuMap('roce_overflow') };
    this.#unattributed = perCpuMap('unattributed');
    const innerFd = Buffer.alloc(4);
    innerFd.writeInt32LE(object.mapFd('fence_inner'));
    this.#fence = { fd: object.mapFd('fence'), key: Buffer.alloc(4), innerFd };
  }

  #halfBytes(array: SlotArray): number {
    const { sets, setBytes } = this.slotSizes.arrays[array];
    return this.cpuCount * sets * setBytes;
  }

  readEpoch(): Half {
    this.#assertOpen();
    return Atomics.load(this.#control, CONTROL.epoch / 4) === 0 ? 0 : 1;
  }

  writeEpoch(half: Half): void {
    this.#assertOpen();
    Atomics.add(this.#control, CONTROL.refresh / 4, 1);
    Atomics.store(this.#control, CONTROL.epoch / 4, half);
  }

  async fence(): Promise<void> {
    this.#assertOpen();
    const { fd, key, innerFd } = this.#fence;
    // The update is of no consequence; that it returns is: maybe_wait_bpf_programs() in
    // kernel/bpf/syscall.c waits for a grace period after every update of an array of maps.
    const rc = await callAsync(this.#libbpf.bpf_map_update_elem, fd, key, innerFd, 0);
    if (rc < 0) {
      const message = `waiting for running programs (map "fence") failed: ${errnoName(-rc)}`;
      throw new KernelError('bpf_map_update_elem', -rc, message);
    }
  }

  slots(array: SlotArray, half: Half): SlotMemory {
    this.#assertOpen();
    const halfBytes = this.#halfBytes(array);
    const { firstMark, marksPerHalf } = this.slotSizes.arrays[array];
    const mark = firstMark + half * marksPerHalf;
    return {
      slots: this.#slots[array].bytes.subarray(half * halfBytes, (half + 1) * halfBytes),
      marks: this.#marks.bytes.subarray(mark, mark + marksPerHalf),
    };
  }

  refused(half: Half): Uint8Array {
    this.#assertOpen();
    return this.#refused.bytes.subarray(half * SKETCH_SIZE, (half + 1) * SKETCH_SIZE);
  }

  async drain(name: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    await this.#readBatches('lookup_and_delete', name, half, sink);
  }

  async copy(name: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    await this.#readBatches('lookup', name, half, sink);
  }

  async #readBatches(call: BatchCall, name: DrainedMap, half: Half, sink: BatchSink): Promise<void> {
    this.#assertOpen();
    const one = this.#drained[name];
    const read = () => readBatches(this.#libbpf, call, one.halves[half], one.buffers, sink);
    // One at a time for each name: its halves share buffers. A failed one does not fail the next.
    one.turn = one.turn.then(read, read);
    await one.turn;
  }

  async readOverflow(name: OverflowMap, sink: OverflowSink): Promise<void> {
    this.#assertOpen();
    await readOverflowMap(this.#libbpf, this.#overflow[name], this.cpuCount, sink);
  }

  async clearOverflow(name: OverflowMap, half: Half): Promise<void> {
    this.#assertOpen();
    await clearOverflowMap(this.#libbpf, this.#overflow[name], this.cpuCount, half);
  }

  async readUnattributed(): Promise<{ packets: number; bytes: number }> {
    this.#assertOpen();
    return await readUnattributedMap(this.#libbpf, this.#unattributed, this.cpuCount);
  }

  /** Lets go of the mapped memory; views of it read zeros from then on. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#bss.close();
    for (const name of SLOT_ARRAYS) this.#slots[name].close();
    this.#marks.close();
    for (const memory of this.#psnMemory) memory.close();
    this.#refused.close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KernelError('KernelMaps', 0, 'the BPF maps are closed');
  }
}
