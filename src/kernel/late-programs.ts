// SPDX-License-Identifier: Apache-2.0
// Programs of a loaded object that nobody needed when it was: each is loaded when it is first asked for, over the
// maps that are there. Verifying one takes 60 ms, and a host mostly needs one of six.

import type { KernelError } from '../errors.js';
import { readMissingCapabilities } from './capabilities.js';
import type { VariablePlace } from './data-section.js';
import { ERRNO } from './errno.js';
import { loadError } from './load-error.js';
import { loadInTries, loadInTriesOffLoop } from './load-tries.js';
import type { KernelHandles } from './maps.js';
import type { BpfObject, MapHandle } from './object.js';
import type { LoadParts } from './prepare-object.js';
import { withSignalsBlocked } from './signal-mask.js';

export interface LateProgramsParts extends Pick<LoadParts, 'libc'> {
  /** Loaded; closed with this. */
  readonly object: BpfObject;
  /** Names of what may be asked for. */
  readonly names: readonly string[];
  /** Opens the same bytes once more, with the same options and that program alone selected. Throws KernelError. */
  openWith(name: string): BpfObject;
}

export class LatePrograms implements KernelHandles {
  readonly #parts: LateProgramsParts;
  readonly #late = new Map<string, BpfObject>();
  readonly #underWay = new Map<string, Promise<number | undefined>>();
  /** Of what the kernel refused, so that a look a second does not verify it anew. */
  readonly #refusals = new Map<string, KernelError>();
  #isClosed = false;

  constructor(parts: LateProgramsParts) {
    this.#parts = parts;
  }

  /** Loads it where it is not there yet, and keeps the event loop waiting meanwhile. Throws KernelError where the kernel refuses it. */
  programFd(name: string): number | undefined {
    const known = this.#known(name);
    if (known !== undefined || !this.#isLate(name)) return known;
    const { libc } = this.#parts;
    const { object, errno } = withSignalsBlocked(libc, () => loadInTries(() => this.#open(name)));
    return this.#keep(name, object, errno);
  }

  /** The same on a thread of the pool. Rejects as programFd() throws. */
  async programFdOffLoop(name: string): Promise<number | undefined> {
    const known = this.#known(name);
    if (known !== undefined || !this.#isLate(name)) return known;
    let underWay = this.#underWay.get(name);
    if (underWay === undefined) {
      underWay = this.#loadOffLoop(name).finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, underWay);
    }
    return await underWay;
  }

  async #loadOffLoop(name: string): Promise<number | undefined> {
    const { object, errno } = await loadInTriesOffLoop(() => this.#open(name));
    return this.#keep(name, object, errno);
  }

  #known(name: string): number | undefined {
    return this.#parts.object.programFd(name) ?? this.#late.get(name)?.programFd(name);
  }

  #isLate(name: string): boolean {
    const refusal = this.#refusals.get(name);
    if (refusal !== undefined) throw refusal;
    return !this.#isClosed && this.#parts.names.includes(name);
  }

  #open(name: string): BpfObject {
    const object = this.#parts.openWith(name);
    try {
      object.takeMapsOf(this.#parts.object);
      return object;
    } catch (error) {
      object.close();
      throw error;
    }
  }

  #keep(name: string, object: BpfObject, errno: number): number | undefined {
    if (errno !== 0) {
      const { verifierLog } = object;
      object.close();
      const refusal = loadError(errno, verifierLog, readMissingCapabilities({ root: '/' }));
      // Interrupted each time: that says nothing of the program.
      if (errno !== ERRNO.EAGAIN) this.#refusals.set(name, refusal);
      throw refusal;
    }
    if (this.#isClosed) {
      object.close();
      return undefined;
    }
    this.#late.set(name, object);
    return object.programFd(name);
  }

  map(name: string): MapHandle {
    return this.#parts.object.map(name);
  }

  mapFd(name: string): number {
    return this.#parts.object.mapFd(name);
  }

  maxEntries(name: string): number {
    return this.#parts.object.maxEntries(name);
  }

  variablePlace(section: '.bss', name: string): VariablePlace {
    return this.#parts.object.variablePlace(section, name);
  }

  /** Closes every map and program that nothing else holds. Safe to call twice. */
  close(): void {
    this.#isClosed = true;
    for (const object of this.#late.values()) object.close();
    this.#late.clear();
    this.#parts.object.close();
  }
}
