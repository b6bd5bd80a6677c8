// SPDX-License-Identifier: Apache-2.0
// Our object in the kernel, whether it was just loaded or found pinned: its maps and its programs.

import type { Framing } from '../abi/kinds.js';
import type { Libbpf, Libc } from './ffi.js';
import type { KernelMaps } from './kernel-maps.js';
import { type KernelHandles, LoadedMaps, type LoadedMapsOptions } from './maps.js';
import { type ProgramFlavour, programName } from './prepare-object.js';
import { SWEEP_PROGRAM } from './sweep-run.js';

/** close() detaches nothing: links live on their own, see attach.ts. */
export interface KernelObject {
  /** Of the two objects the one that the kernel took. */
  readonly objectPath: string;
  /** What can be asked for, best first. */
  readonly flavours: readonly ProgramFlavour[];
  readonly maps: KernelMaps;
  readonly libbpf: Libbpf;
  readonly libc: Libc;
  /**
   * The program that counts frames of this framing, loaded when it is first asked for; undefined where there is no such
   * flavour. Throws KernelError where the kernel refuses it.
   */
  programFd(framing: Framing, flavour: ProgramFlavour): number | undefined;
  /** The same off the event loop. Rejects as that throws. */
  programFdOffLoop(framing: Framing, flavour: ProgramFlavour): Promise<number | undefined>;
  /** programFd(), but where it would load it, that begins off the event loop; once it has failed, throws likewise. */
  programFdSoon(framing: Framing, flavour: ProgramFlavour): number | undefined | 'loading';
  /** Loads what maps.psn.sweep() runs, off the event loop. Rejects with KernelError where the kernel refuses it. */
  loadSweep(): Promise<void>;
  /** The same as programFd() by the name in the object, for tests and benches. */
  programFdByName(name: string): number | undefined;
  /** For tests and benches. */
  mapFd(name: string): number;
  /**
   * Closes maps and programs, which then go unless they are pinned. Not while a call of `maps` is under way.
   * Safe to call twice.
   */
  close(): void;
}

export interface KernelObjectParts {
  readonly handles: KernelHandles & { close(): void };
  readonly libbpf: Libbpf;
  readonly libc: Libc;
}

/** The handles are the object's from now on, also where this throws (KernelError). */
export function createKernelObject(
  { objectPath, flavours }: Pick<KernelObject, 'objectPath' | 'flavours'>,
  mapsOptions: LoadedMapsOptions,
  { handles, libbpf, libc }: KernelObjectParts,
): KernelObject {
  try {
    const maps = new LoadedMaps(mapsOptions, { object: handles, libbpf, libc });
    return {
      objectPath,
      flavours,
      maps,
      libbpf,
      libc,
      programFd: (framing, flavour) => handles.programFd(programName(framing, flavour)),
      programFdOffLoop: (framing, flavour) => handles.programFdOffLoop(programName(framing, flavour)),
      programFdSoon: (framing, flavour) => handles.programFdSoon(programName(framing, flavour)),
      async loadSweep() {
        await handles.programFdOffLoop(SWEEP_PROGRAM);
      },
      programFdByName: (name) => handles.programFd(name),
      mapFd: (name) => handles.mapFd(name),
      close() {
        maps.close();
        handles.close();
      },
    };
  } catch (error) {
    handles.close();
    throw error;
  }
}
