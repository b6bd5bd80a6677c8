// SPDX-License-Identifier: Apache-2.0
// KernelMaps over a loaded object. Moves bytes; in which order a drain does that is reader/'s.

import { CONTROL, SLOT_SET_SIZE } from '../abi/layout.js';
import { KernelError } from '../errors.js';
import { errnoName } from './errno.js';
import { callAsync, type Libbpf, type Libc } from './ffi.js';
import { type BatchBuffers, createBatchBuffers, drainFlowMap, type FlowMap } from './flow-drain.js';
import type {
  FlowBatchSink,
  Half,
  IpVersion,
  KernelMaps,
  OverflowSink,
  RoceBatchSink,
  RoceOverflowSink,
} from './kernel-maps.js';
import { type MapMemory, mapMemory } from './map-memory.js';
import type { BpfObject } from './object.js';
import { type PerCpuMap, readOverflowMap, readUnattributedMap } from './overflow-read.js';

/**
 * Entries of one batch call. 100,000 entries in one run on 2 cores: 1,024 a call 73 ms, 8,192 64 ms,
 * 65,536 61 ms; but what the sink does with a batch, it does in one turn of the event loop.
 */
const DEFAULT_BATCH_ENTRIES = 8192;

/** Of RoCE streams, 560 bytes each: decoding 512 takes 0.3 ms. */
const ROCE_BATCH_ENTRIES = 512;

export interface LoadedMapsOptions {
  readonly cpuCount: number;
  readonly setsPerCpu: number;
  readonly flowCapacity: number;
  readonly roceCapacity: number;
  /** Flow map entries per call; small numbers are for tests. */
  readonly batchEntries?: number;
}

export class LoadedMaps implements KernelMaps {
  readonly cpuCount: number;
  readonly setsPerCpu: number;
  readonly flowCapacity: number;
  readonly roceCapacity: number;
  readonly #libbpf: Libbpf;
  readonly #bss: MapMemory;
  readonly #control: Uint32Array;
  readonly #slots: Record<IpVersion, MapMemory>;
  readonly #flows: Record<IpVersion, readonly [FlowMap, FlowMap]>;
  readonly #buffers: Record<IpVersion, BatchBuffers>;
  readonly #draining: Record<IpVersion, Promise<void>> = { 4: Promise.resolve(), 6: Promise.resolve() };
  readonly #roce: readonly [FlowMap, FlowMap];
  readonly #roceBuffers: BatchBuffers;
  #roceDraining: Promise<void> = Promise.resolve();
  readonly #roceOverflow: PerCpuMap;
  readonly #overflow: PerCpuMap;
  readonly #unattributed: PerCpuMap;
  readonly #fence: { fd: number; key: Buffer; innerFd: Buffer };
  #isClosed = false;

  /** @param object a loaded object, kept open by whoever made it until close(). Throws KernelError. */
  constructor(options: LoadedMapsOptions, parts: { object: BpfObject; libbpf: Libbpf; libc: Libc }) {
    const { object, libbpf, libc } = parts;
    this.cpuCount = options.cpuCount;
    this.setsPerCpu = options.setsPerCpu;
    this.flowCapacity = options.flowCapacity;
    this.roceCapacity = options.roceCapacity;
    this.#libbpf = libbpf;
    // What libbpf calls the initial value of .bss is a copy after load (but in skeletons); the map
    // itself can be mapped like ours.
    const place = object.variablePlace('.bss', 'control');
    const bssBytes = place.offsetBytes + place.sizeBytes;
    this.#bss = mapMemory(libc, object.mapFd('.bss'), '.bss', bssBytes);
    const { buffer, byteOffset } = this.#bss.bytes;
    this.#control = new Uint32Array(buffer, byteOffset + place.offsetBytes, CONTROL.size / 4);
    const slotBytes = 2 * this.#halfBytes;
    this.#slots = {
      4: mapMemory(libc, object.mapFd('slots4'), 'slots4', slotBytes),
      6: mapMemory(libc, object.mapFd('slots6'), 'slots6', slotBytes),
    };
    const flowMap = (name: string): FlowMap => {
      const { keySizeBytes, valueSizeBytes } = object.map(name);
      return { name, fd: object.mapFd(name), keySizeBytes, valueSizeBytes };
    };
    this.#flows = {
      4: [flowMap('flows4_0'), flowMap('flows4_1')],
      6: [flowMap('flows6_0'), flowMap('flows6_1')],
    };
    const batchEntries = options.batchEntries ?? DEFAULT_BATCH_ENTRIES;
    this.#buffers = {
      4: createBatchBuffers(this.#flows[4][0], batchEntries),
      6: createBatchBuffers(this.#flows[6][0], batchEntries),
    };
    const perCpuMap = (name: string): PerCpuMap => ({
      name,
      fd: object.mapFd(name),
      maxEntries: object.maxEntries(name),
    });
    this.#roce = [flowMap('roce_0'), flowMap('roce_1')];
    this.#roceBuffers = createBatchBuffers(this.#roce[0], ROCE_BATCH_ENTRIES);
    this.#roceOverflow = perCpuMap('roce_overflow');
    this.#overflow = perCpuMap('overflow');
    this.#unattributed = perCpuMap('unattributed');
    const innerFd = Buffer.alloc(4);
    innerFd.writeInt32LE(object.mapFd('fence_inner'));
    this.#fence = { fd: object.mapFd('fence'), key: Buffer.alloc(4), innerFd };
  }

  get #halfBytes(): number {
    return this.cpuCount * this.setsPerCpu * SLOT_SET_SIZE;
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

  slots(ipVersion: IpVersion, half: Half): Uint8Array {
    this.#assertOpen();
    const start = half * this.#halfBytes;
    return this.#slots[ipVersion].bytes.subarray(start, start + this.#halfBytes);
  }

  async drainFlows(ipVersion: IpVersion, half: Half, sink: FlowBatchSink): Promise<void> {
    this.#assertOpen();
    const drain = () =>
      drainFlowMap(this.#libbpf, this.#flows[ipVersion][half], this.#buffers[ipVersion], sink);
    // One at a time for each IP version: they share buffers. A failed one does not fail the next.
    const turn = this.#draining[ipVersion].then(drain, drain);
    this.#draining[ipVersion] = turn;
    await turn;
  }

  async drainRoce(half: Half, sink: RoceBatchSink): Promise<void> {
    this.#assertOpen();
    const drain = () => drainFlowMap(this.#libbpf, this.#roce[half], this.#roceBuffers, sink);
    const turn = this.#roceDraining.then(drain, drain);
    this.#roceDraining = turn;
    await turn;
  }

  async readRoceOverflow(sink: RoceOverflowSink): Promise<void> {
    this.#assertOpen();
    await readOverflowMap(this.#libbpf, this.#roceOverflow, this.cpuCount, sink);
  }

  async readOverflow(sink: OverflowSink): Promise<void> {
    this.#assertOpen();
    await readOverflowMap(this.#libbpf, this.#overflow, this.cpuCount, sink);
  }

  async readUnattributed(): Promise<{ packets: number; bytes: number }> {
    this.#assertOpen();
    return await readUnattributedMap(this.#libbpf, this.#unattributed, this.cpuCount);
  }

  /** Lets go of the mapped memory; views of it read zeros from then on. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    this.#bss.close();
    this.#slots[4].close();
    this.#slots[6].close();
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new KernelError('KernelMaps', 0, 'the BPF maps are closed');
  }
}
