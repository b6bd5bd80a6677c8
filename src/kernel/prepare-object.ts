// SPDX-License-Identifier: Apache-2.0
// An object file as it is to be loaded: which one, with which flavours, options and sizes of maps. Loads
// nothing.

import { FRAMING, type Framing } from '../abi/kinds.js';
import { PSN_WAYS } from '../abi/roce-records.js';
import type { Libbpf, Libc } from './ffi.js';
import { BpfObject, readObjectFile } from './object.js';
import { SLOT_ARRAYS, type SlotSizes } from './slot-sizing.js';
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
  /** Load every program at once: to pin them, or to see whether the kernel takes each. Default: as they are needed. */
  readonly isWhole?: boolean;
  /** Flow map entries per drain call; for tests. */
  readonly drainBatchEntries?: number;
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

/** What opening an object takes, beside its options. */
export interface LoadParts {
  readonly libbpf: Libbpf;
  readonly libc: Libc;
  readonly slotSizes: SlotSizes;
}

/** One way to load: an object and the flavours of it that are wanted. */
export interface Attempt {
  readonly objectPath: string;
  readonly flavours: readonly ProgramFlavour[];
}

/** From the best to the most modest. libbpf loads all that is wanted of an object, or nothing. */
export function loadAttempts(options: LoadOptions): Attempt[] {
  const { objectPath, portableObjectPath } = options;
  const wanted = options.flavours ?? ['frags', 'plain'];
  const last = portableObjectPath ?? objectPath;
  const attempts: Attempt[] = [{ objectPath, flavours: wanted }];
  if (last !== objectPath) attempts.push({ objectPath: last, flavours: wanted });
  // A kernel before 5.18 answers EINVAL to the flag of xdp.frags.
  if (wanted.length > 1) attempts.push({ objectPath: last, flavours: ['plain'] });
  return attempts;
}

/** By name, what an attempt may come to need. */
export function programsOfAttempt({ flavours }: Pick<Attempt, 'flavours'>): readonly string[] {
  const counting = Object.values(FRAMING).flatMap((framing) =>
    flavours.map((flavour) => programName(framing, flavour)),
  );
  return [...counting, SWEEP_PROGRAM];
}

/** What shows whether the kernel takes an attempt: most interfaces need no other program. */
export function firstProgram({ flavours }: Pick<Attempt, 'flavours'>): string {
  return programName(FRAMING.ethernet, flavours[0] ?? 'plain');
}

/**
 * Opens an attempt's object and prepares it for load, by default of all its programs. Throws AbiError, KernelError.
 *
 * @param bytes of the object, where they were read before.
 */
export function openPrepared(
  attempt: Attempt,
  options: LoadOptions,
  parts: LoadParts,
  {
    programs = programsOfAttempt(attempt),
    bytes,
  }: { readonly programs?: readonly string[]; readonly bytes?: Buffer } = {},
): BpfObject {
  const object = new BpfObject(bytes ?? readObjectFile(attempt.objectPath), 'xtrace', parts.libbpf);
  try {
    prepare(object, programs, options, parts);
    return object;
  } catch (error) {
    object.close();
    throw error;
  }
}

function prepare(
  object: BpfObject,
  programs: readonly string[],
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
  object.selectPrograms((name) => programs.includes(name));
}
