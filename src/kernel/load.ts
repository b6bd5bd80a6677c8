// SPDX-License-Identifier: Apache-2.0
// Our object from file to running kernel: check the version, write the options, size the maps,
// load. What is loaded is not attached yet: that is attach.ts, one interface at a time.

import { randomBytes } from 'node:crypto';
import { endianness } from 'node:os';
import { FRAMING, FRAMING_MAX, type Framing } from '../abi/kinds.js';
import { ABI_VERSION, FLOW_KEY4, FLOW_KEY6, OPTIONS, PORT_WORDS } from '../abi/layout.js';
import { PSN_WAYS } from '../abi/roce-records.js';
import { AbiError, KernelError } from '../errors.js';
import { readMissingCapabilities } from './capabilities.js';
import { ERRNO } from './errno.js';
import { type Libbpf, type Libc, openLibbpf, openLibc } from './ffi.js';
import type { KernelMaps } from './kernel-maps.js';
import { loadError } from './load-error.js';
import { loadInTries } from './load-tries.js';
import { LoadedMaps } from './maps.js';
import { BpfObject, readObjectFile } from './object.js';
import { withSignalsBlocked } from './signal-mask.js';
import { chooseSetsPerCpu } from './slot-sizing.js';
import { SWEEP_PROGRAM } from './sweep-run.js';

/** `frags`: takes frames of several buffers (kernel 5.18 and later); `plain`: its twin for the rest. */
export type ProgramFlavour = 'frags' | 'plain';

export interface LoadOptions {
  /** The built object, flow.bpf.o. */
  readonly objectPath: string;
  /**
   * The same programs without a look at the kernel's own types (bpf/length.h), for kernels and
   * privileges that do not allow it. Tried where the first is refused.
   */
  readonly portableObjectPath?: string;
  /** Entries of each flow map (IP version, half): bounds the flows of one interval. */
  readonly flowCapacity: number;
  /** Slots wanted per CPU, half and IP version; see slot-sizing.ts. Default 4,096. */
  readonly slotsPerCpu?: number;
  /** Bound of all slot memory. Default 32 MiB. */
  readonly maxSlotBytes?: number;
  /** u32 mixed into the slot hash. Default: random. */
  readonly hashSeed?: number;
  /** By framing, bit n = kind n keeps its addresses and ports. Default: every kind. */
  readonly kindsWanted?: readonly [number, number, number];
  /** FLOW_KEY4.size bytes ANDed with every IPv4 key. Default: all ones. */
  readonly mask4?: Uint8Array;
  /** FLOW_KEY6.size bytes ANDed with every IPv6 key. Default: all ones. */
  readonly mask6?: Uint8Array;
  /** Ports that may be a client's (abi/port-folding.ts), which keys then leave out. Default: none is left out. */
  readonly ephemeralPorts?: Uint32Array;
  /** Whether, and how, the headers of RoCE packets are read. Default: read, mirrors left alone. */
  readonly roce?: RoceOptions;
  /** What to try, in this order. Default: both flavours, and plain alone where the kernel refuses frags. */
  readonly flavours?: readonly ProgramFlavour[];
  /** Flow map entries per drain call; for tests. */
  readonly drainBatchEntries?: number;
}

export interface RoceOptions {
  readonly isEnabled: boolean;
  /** RoCE inside ERSPAN and GRE counts as what it was. */
  readonly decapMirror: boolean;
  /** Entries of each stream map (half), and streams whose PSNs can be followed. */
  readonly streamCapacity: number;
  /** A stream of PSNs silent for more refreshes than this begins anew; at most 8,191. */
  readonly psnIdleMaxRefreshes: number;
}

const DEFAULT_ROCE: RoceOptions = {
  isEnabled: true,
  decapMirror: false,
  streamCapacity: 16_384,
  psnIdleMaxRefreshes: 12,
};

export const DEFAULT_SLOTS_PER_CPU = 4096;
export const DEFAULT_MAX_SLOT_BYTES = 32 * 1024 * 1024;

/** Our object in the kernel. close() detaches nothing: links live on their own, see attach.ts. */
export interface KernelObject {
  /** Of the two objects the one that the kernel took. */
  readonly objectPath: string;
  /** What was loaded, best first. */
  readonly flavours: readonly ProgramFlavour[];
  readonly maps: KernelMaps;
  readonly libbpf: Libbpf;
  readonly libc: Libc;
  /** The program that counts frames of this framing; undefined where the flavour is not loaded. */
  programFd(framing: Framing, flavour: ProgramFlavour): number | undefined;
  /** By the name in the object, for tests and benches; undefined where not loaded. */
  programFdByName(name: string): number | undefined;
  /** For tests and benches. */
  mapFd(name: string): number;
  /** Closes maps and programs. Not while a call of `maps` is under way. Safe to call twice. */
  close(): void;
}

const FRAMING_NAMES: Readonly<Record<Framing, string>> = {
  [FRAMING.ethernet]: 'ethernet',
  [FRAMING.infiniband]: 'infiniband',
  [FRAMING.l3]: 'l3',
};

/** Every program of ours has a name that starts so; the kernel keeps 15 characters of it. */
export const PROGRAM_PREFIX = 'count_';

export function programName(framing: Framing, flavour: ProgramFlavour): string {
  return `${PROGRAM_PREFIX}${FRAMING_NAMES[framing]}${flavour === 'frags' ? '_frags' : ''}`;
}

/**
 * Loads the object. Throws AbiError when it is not of this build, KernelError with code
 * NO_PRIVILEGE without the capabilities, KernelError (verifier's log in `detail`) when the kernel
 * refuses it in every flavour.
 */
export function loadKernelObject(options: LoadOptions): KernelObject {
  if (endianness() !== 'LE') {
    throw new KernelError('load', 0, 'this machine is big-endian; only little-endian ones are supported');
  }
  const libbpf = openLibbpf();
  const libc = openLibc();
  const cpuCount = libbpf.libbpf_num_possible_cpus();
  if (cpuCount <= 0) {
    throw new KernelError(
      'libbpf_num_possible_cpus',
      -cpuCount,
      'the number of possible CPUs cannot be read',
    );
  }
  const setsPerCpu = chooseSetsPerCpu({
    slotsPerCpu: options.slotsPerCpu ?? DEFAULT_SLOTS_PER_CPU,
    maxSlotBytes: options.maxSlotBytes ?? DEFAULT_MAX_SLOT_BYTES,
    cpuCount,
  });
  const hashSeed = options.hashSeed ?? randomBytes(4).readUInt32LE();
  const { object, objectPath, flavours, opcodeFacts } = loadBest(
    { ...options, hashSeed },
    { libbpf, libc, cpuCount, setsPerCpu },
  );
  try {
    const { flowCapacity, drainBatchEntries } = options;
    const maps = new LoadedMaps(
      {
        cpuCount,
        setsPerCpu,
        flowCapacity,
        hashSeed,
        roceCapacity: (options.roce ?? DEFAULT_ROCE).streamCapacity,
        ...roceSets(setsPerCpu),
        psnSets: psnSets((options.roce ?? DEFAULT_ROCE).streamCapacity),
        roceDerivation: {
          mask4: options.mask4 ?? new Uint8Array(FLOW_KEY4.size).fill(0xff),
          mask6: options.mask6 ?? new Uint8Array(FLOW_KEY6.size).fill(0xff),
          ephemeralPorts: options.ephemeralPorts,
          opcodeFacts,
        },
        ...(drainBatchEntries === undefined ? {} : { batchEntries: drainBatchEntries }),
      },
      { object, libbpf, libc },
    );
    return {
      objectPath,
      flavours,
      maps,
      libbpf,
      libc,
      programFd: (framing, flavour) => object.programFd(programName(framing, flavour)),
      programFdByName: (name) => object.programFd(name),
      mapFd: (name) => object.mapFd(name),
      close() {
        maps.close();
        object.close();
      },
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

interface LoadParts {
  readonly libbpf: Libbpf;
  readonly libc: Libc;
  readonly cpuCount: number;
  readonly setsPerCpu: number;
}

/** One way to load: an object and the flavours of it that are wanted. */
interface Attempt {
  readonly objectPath: string;
  readonly flavours: readonly ProgramFlavour[];
}

/** An object in the kernel. opcodeFacts: read before, as libbpf's copy is gone after. */
interface Loaded extends Attempt {
  readonly object: BpfObject;
  readonly opcodeFacts: Uint8Array;
}

/** From the best to the most modest. libbpf loads all that is wanted of an object, or nothing. */
function loadAttempts(options: LoadOptions): Attempt[] {
  const { objectPath, portableObjectPath } = options;
  const wanted = options.flavours ?? ['frags', 'plain'];
  const last = portableObjectPath ?? objectPath;
  const attempts: Attempt[] = [{ objectPath, flavours: wanted }];
  if (last !== objectPath) attempts.push({ objectPath: last, flavours: wanted });
  // A kernel before 5.18 answers EINVAL to the flag of xdp.frags.
  if (wanted.length > 1) attempts.push({ objectPath: last, flavours: ['plain'] });
  return attempts;
}

function loadBest(options: LoadOptions, parts: LoadParts): Loaded {
  let error: unknown;
  for (const attempt of loadAttempts(options)) {
    // A program takes 60 ms to verify, and the kernel gives up at any signal: one that a profiler's
    // timer sends every millisecond would never let it end.
    const { object, errno } = withSignalsBlocked(parts.libc, () =>
      loadInTries(() => openPrepared(attempt, options, parts)),
    );
    if (errno === 0) {
      const opcodeFacts = Uint8Array.from(object.initialValue('.rodata', 'opcode_facts'));
      return { ...attempt, object, opcodeFacts };
    }
    const refusal = loadError(errno, object.verifierLog, readMissingCapabilities({ root: '/' }));
    object.close();
    // Neither says anything about this object, so that a more modest one would not do either.
    if (refusal.code === 'NO_PRIVILEGE' || errno === ERRNO.EAGAIN) throw refusal;
    error = refusal; // the last word is that on the most modest attempt
  }
  throw error;
}

function openPrepared(attempt: Attempt, options: LoadOptions, parts: LoadParts): BpfObject {
  const object = new BpfObject(readObjectFile(attempt.objectPath), 'xtrace', parts.libbpf);
  try {
    prepare(object, attempt.flavours, options, parts);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}

function prepare(
  object: BpfObject,
  flavours: readonly ProgramFlavour[],
  options: LoadOptions,
  { cpuCount, setsPerCpu }: Pick<LoadParts, 'cpuCount' | 'setsPerCpu'>,
): void {
  writeOptions(object.initialValue('.rodata', 'options'), options, { cpuCount, setsPerCpu });
  if (options.ephemeralPorts !== undefined) {
    writePorts(object.initialValue('.rodata', 'ephemeral_ports'), options.ephemeralPorts);
  }
  const sets = 2 * cpuCount * setsPerCpu;
  object.setMaxEntries('slots4', sets);
  object.setMaxEntries('slots6', sets);
  for (const name of ['flows4_0', 'flows4_1', 'flows6_0', 'flows6_1']) {
    object.setMaxEntries(name, options.flowCapacity);
  }
  const { streamCapacity } = options.roce ?? DEFAULT_ROCE;
  for (const name of ['roce_0', 'roce_1']) object.setMaxEntries(name, streamCapacity);
  object.setMaxEntries('roce_psn', psnSets(streamCapacity));
  object.setMaxEntries('roce_windows', PSN_WAYS * psnSets(streamCapacity));
  for (const name of ['roce_ports_0', 'roce_ports_1'])
    object.setMaxEntries(name, portsCapacity(streamCapacity));
  const { roceSets4, roceSets6 } = roceSets(setsPerCpu);
  object.setMaxEntries('roce_slots4', 2 * cpuCount * roceSets4);
  object.setMaxEntries('roce_slots6', 2 * cpuCount * roceSets6);
  const programs = new Set(
    Object.values(FRAMING).flatMap((framing) => flavours.map((flavour) => programName(framing, flavour))),
  );
  object.selectPrograms((name) => programs.has(name) || name === SWEEP_PROGRAM);
}

function writeOptions(
  target: Buffer,
  options: LoadOptions,
  { cpuCount, setsPerCpu }: Pick<LoadParts, 'cpuCount' | 'setsPerCpu'>,
): void {
  const abiVersion = target.length >= 4 ? target.readUInt32LE(OPTIONS.abiVersion) : 0;
  if (abiVersion !== ABI_VERSION) throw new AbiError('abi_version', ABI_VERSION, abiVersion);
  if (target.length !== OPTIONS.size) throw new AbiError('struct options', OPTIONS.size, target.length);
  target.writeUInt32LE(cpuCount, OPTIONS.cpuCount);
  target.writeUInt32LE(setsPerCpu, OPTIONS.setsPerCpu);
  target.writeUInt32LE(options.hashSeed ?? randomBytes(4).readUInt32LE(), OPTIONS.hashSeed);
  for (let framing = 0; framing < FRAMING_MAX; framing++) {
    const kinds = options.kindsWanted?.[framing] ?? 0xffffffff;
    target.writeUInt32LE(kinds >>> 0, OPTIONS.kindsWanted + framing * 4);
  }
  const roce = options.roce ?? DEFAULT_ROCE;
  target.writeUInt8(roce.isEnabled ? 1 : 0, OPTIONS.roce);
  target.writeUInt8(roce.decapMirror ? 1 : 0, OPTIONS.decapMirror);
  target.writeUInt16LE(roce.psnIdleMaxRefreshes, OPTIONS.psnIdleMax);
  target.writeUInt32LE(psnSets(roce.streamCapacity), OPTIONS.psnSets);
  const { roceSets4, roceSets6 } = roceSets(setsPerCpu);
  target.writeUInt32LE(roceSets4, OPTIONS.roceSets4);
  target.writeUInt32LE(roceSets6, OPTIONS.roceSets6);
  target.writeUInt8(options.ephemeralPorts === undefined ? 0 : 1, OPTIONS.foldPorts);
  writeMask(target.subarray(OPTIONS.mask4, OPTIONS.mask4 + FLOW_KEY4.size), options.mask4, 'mask4');
  writeMask(target.subarray(OPTIONS.mask6, OPTIONS.mask6 + FLOW_KEY6.size), options.mask6, 'mask6');
}

function writePorts(target: Buffer, words: Uint32Array): void {
  const found = Math.min(words.length, target.length / 4);
  if (found !== PORT_WORDS) throw new AbiError('ephemeral_ports', PORT_WORDS, found);
  words.forEach((word, i) => {
    target.writeUInt32LE(word, 4 * i);
  });
}

/**
 * Room for twice as many streams as the map takes, as the acknowledgements of each are one, too; rounded up
 * to a power of two of sets; 208 bytes a stream.
 */
function psnSets(streamCapacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, (2 * streamCapacity) / PSN_WAYS)));
}

/** Streams that may have more than one source port: 2 KiB each. */
function portsCapacity(streamCapacity: number): number {
  return Math.max(1, streamCapacity >> 2);
}

function roceSets(setsPerCpu: number): { roceSets4: number; roceSets6: number } {
  return { roceSets4: setsPerCpu, roceSets6: Math.max(1, setsPerCpu >> 1) };
}

function writeMask(target: Buffer, mask: Uint8Array | undefined, name: string): void {
  if (mask === undefined) {
    target.fill(0xff);
    return;
  }
  if (mask.length !== target.length) throw new AbiError(name, target.length, mask.length);
  target.set(mask);
}
