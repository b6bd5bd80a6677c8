// SPDX-License-Identifier: Apache-2.0
// Our object from file to running kernel: check the version, write the options, size the maps,
// load. What is loaded is not attached yet: that is attach.ts, one interface at a time.

import { randomBytes } from 'node:crypto';
import { endianness, totalmem } from 'node:os';
import { FLOW_KEY4, FLOW_KEY6 } from '../abi/layout.js';
import { KernelError } from '../errors.js';
import { readMissingCapabilities } from './capabilities.js';
import { ERRNO } from './errno.js';
import { openLibbpf, openLibc } from './ffi.js';
import { createKernelObject, type KernelObject } from './kernel-object.js';
import { LatePrograms } from './late-programs.js';
import { loadError } from './load-error.js';
import { loadInTries } from './load-tries.js';
import type { LoadedMapsOptions } from './maps.js';
import type { BpfObject } from './object.js';
import {
  type Attempt,
  firstProgram,
  type LoadOptions,
  type LoadParts,
  loadAttempts,
  openPrepared,
  programsOfAttempt,
} from './prepare-object.js';
import { withSignalsBlocked } from './signal-mask.js';
import { chooseSlotSizes, slotBytesOfHost } from './slot-sizing.js';
import { DEFAULT_ROCE, psnSets } from './write-options.js';

export type { KernelObject } from './kernel-object.js';
export { type LoadOptions, type ProgramFlavour, programName } from './prepare-object.js';

export const DEFAULT_SLOTS_PER_CPU = 131_072;

/** Opens the libraries, and chooses the sizes of the slots. Throws KernelError. */
export function openLoadParts(options: LoadOptions): LoadParts {
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
  return { libbpf, libc, slotSizes };
}

/**
 * Loads the object: its maps, and of its programs the one for most interfaces; the others when they are asked for, over
 * the bytes that were read now, unless options.isWhole says otherwise. Throws AbiError when it is not of this build, KernelError with code
 * NO_PRIVILEGE without the capabilities, KernelError (verifier's log in `detail`) when the kernel
 * refuses it in every flavour.
 *
 * @param onLoaded is given what was loaded before it is taken into use; what it throws unloads it.
 */
export function loadKernelObject(
  options: LoadOptions,
  parts: LoadParts = openLoadParts(options),
  onLoaded?: (loaded: LoadedObject) => void,
): KernelObject {
  const hashSeed = options.hashSeed ?? randomBytes(4).readUInt32LE();
  const loaded = loadBest({ ...options, hashSeed }, parts);
  try {
    onLoaded?.(loaded);
  } catch (error) {
    loaded.object.close();
    throw error;
  }
  const seeded = { ...options, hashSeed };
  const handles = new LatePrograms({
    libc: parts.libc,
    object: loaded.object,
    names: programsOfAttempt(loaded),
    nowMs: () => performance.now(),
    openWith: (name) => openPrepared(loaded, seeded, parts, { programs: [name], bytes: loaded.object.bytes }),
  });
  return createKernelObject(loaded, describeMaps(seeded, parts, loaded.opcodeFacts), { ...parts, handles });
}

function describeMaps(
  options: LoadOptions & { readonly hashSeed: number },
  { slotSizes }: LoadParts,
  opcodeFacts: Uint8Array,
): LoadedMapsOptions {
  const { flowCapacity, hashSeed, drainBatchEntries } = options;
  const { streamCapacity } = options.roce ?? DEFAULT_ROCE;
  return {
    slotSizes,
    flowCapacity,
    hashSeed,
    roceCapacity: streamCapacity,
    psnSets: psnSets(streamCapacity),
    roceDerivation: {
      mask4: options.mask4 ?? new Uint8Array(FLOW_KEY4.size).fill(0xff),
      mask6: options.mask6 ?? new Uint8Array(FLOW_KEY6.size).fill(0xff),
      ephemeralPorts: options.ephemeralPorts,
      opcodeFacts,
    },
    ...(drainBatchEntries === undefined ? {} : { batchEntries: drainBatchEntries }),
  };
}

/** An object in the kernel. opcodeFacts: read before, as libbpf's copy is gone after. */
export interface LoadedObject extends Attempt {
  readonly object: BpfObject;
  readonly opcodeFacts: Uint8Array;
}

function loadBest(options: LoadOptions, parts: LoadParts): LoadedObject {
  let error: unknown;
  for (const attempt of loadAttempts(options)) {
    // A program takes 60 ms to verify, and the kernel gives up at any signal: one that a profiler's
    // timer sends every millisecond would never let it end.
    const programs = options.isWhole === true ? {} : { programs: [firstProgram(attempt)] };
    const { object, errno } = withSignalsBlocked(parts.libc, () =>
      loadInTries(() => openPrepared(attempt, options, parts, programs)),
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
