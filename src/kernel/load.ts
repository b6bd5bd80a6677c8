// SPDX-License-Identifier: Apache-2.0
// Our object from file to running kernel: check the version, write the options, size the maps,
// load. What is loaded is not attached yet: that is attach.ts, one interface at a time.

import { randomBytes } from 'node:crypto';
import { endianness, totalmem } from 'node:os';
import { FRAMING, type Framing } from '../abi/kinds.js';
import { FLOW_KEY4, FLOW_KEY6 } from '../abi/layout.js';
import { PSN_WAYS } from '../abi/roce-records.js';
import { KernelError } from '../errors.js';
import { readMissingCapabilities } from './capabilities.js';
import { ERRNO } from './errno.js';
import { type Libbpf, type Libc, openLibbpf, openLibc } from './ffi.js';
import type { KernelMaps } from './kernel-maps.js';
import { loadError } from './load-error.js';
import { loadInTries } from './load-tries.js';
import { LoadedMaps } from './maps.js';
import { BpfObject, readObjectFile } from './object.js';
import { withSignalsBlocked } from './signal-mask.js';
import { chooseSlotSizes, SLOT_ARRAYS, type SlotSizes, slotBytesOfHost } from './slot-sizing.js';
import { SWEEP_PROGRAM } from './sweep-run.js';
import {
  DEFAULT_ROCE,
  type ProgramOptions,
  portsCapacity,
  psnSets,
  writeOptions,
  writePorts,
} from './write-options.js';

/** `frags`: takes frames of several buffers (kernel 5.18 and later); `plain`: its twin for the rest. */
export type ProgramFlavour = 'frags' | 'plain';

export interface LoadOptions extends ProgramOptions {
  /** The built object, flow.bpf.o. */
  readonly objectPath: string;
  /**
   * The same programs without a look at the kernel's own types (bpf/length.h), for kernels and
   * privileges that do not allow it. Tried where the first is refused.
   */
  readonly portableObjectPath?: string;
  /** Entries of each flow map (IP version, half): bounds the flows of one interval. */
  readonly flowCapacity: number;
  /** IPv4 slots wanted per CPU and half; see slot-sizing.ts. Default 131,072. */
  readonly slotsPerCpu?: number;
  /** Bound of all slot memory. Default, and where it is 0: by the memory of the host. */
  readonly maxSlotBytes?: number;
  /** What to try, in this order. Default: both flavours, and plain alone where the kernel refuses frags. */
  readonly flavours?: readonly ProgramFlavour[];
  /** Flow map entries per drain call; for tests. */
  readonly drainBatchEntries?: number;
}

export const DEFAULT_SLOTS_PER_CPU = 131_072;

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
  const slotSizes = chooseSlotSizes({
    slotsPerCpu: options.slotsPerCpu ?? DEFAULT_SLOTS_PER_CPU,
    maxSlotBytes: options.maxSlotBytes || slotBytesOfHost(totalmem()),
    cpuCount,
    hasRoce: (options.roce ?? DEFAULT_ROCE).isEnabled,
  });
  const hashSeed = options.hashSeed ?? randomBytes(4).readUInt32LE();
  const { object, objectPath, flavours, opcodeFacts } = loadBest(
    { ...options, hashSeed },
    { libbpf, libc, slotSizes },
  );
  try {
    const { flowCapacity, drainBatchEntries } = options;
    const maps = new LoadedMaps(
      {
        slotSizes,
        flowCapacity,
        hashSeed,
        roceCapacity: (options.roce ?? DEFAULT_ROCE).streamCapacity,
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
  readonly slotSizes: SlotSizes;
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
  { slotSizes }: Pick<LoadParts, 'slotSizes'>,
): void {
  writeOptions(object.initialValue('.rodata', 'options'), options, slotSizes);
  if (options.ephemeralPorts !== undefined) {
    writePorts(object.initialValue('.rodata', 'ephemeral_ports'), options.ephemeralPorts);
  }
  const { cpuCount, arrays, markLines } = slotSizes;
  for (const name of SLOT_ARRAYS) {
    object.setMaxEntries(name, 2 * cpuCount * arrays[name].sets);
  }
  object.setMaxEntries('slot_marks', markLines);
  object.setMaxEntries('slot_states', cpuCount);
  for (const name of ['flows4_0', 'flows4_1', 'flows6_0', 'flows6_1']) {
    object.setMaxEntries(name, options.flowCapacity);
  }
  const { streamCapacity } = options.roce ?? DEFAULT_ROCE;
  for (const name of ['roce_0', 'roce_1']) object.setMaxEntries(name, streamCapacity);
  object.setMaxEntries('roce_psn', psnSets(streamCapacity));
  object.setMaxEntries('roce_windows', PSN_WAYS * psnSets(streamCapacity));
  for (const name of ['roce_ports_0', 'roce_ports_1'])
    object.setMaxEntries(name, portsCapacity(streamCapacity));
  const programs = new Set(
    Object.values(FRAMING).flatMap((framing) => flavours.map((flavour) => programName(framing, flavour))),
  );
  object.selectPrograms((name) => programs.has(name) || name === SWEEP_PROGRAM);
}
