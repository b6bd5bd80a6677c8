// SPDX-License-Identifier: Apache-2.0
// Programs of a loaded object that nobody needed when it was: each is loaded when it is first asked for, over the
// maps that are there. Verifying one takes 60 ms, and a host mostly needs one of six.

import { KernelError } from '../errors.js';
import { readMissingCapabilities } from './capabilities.js';
import type { VariablePlace } from './data-section.js';
import { isLastingRefusal, loadError, shortageError } from './load-error.js';
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
  /** Monotonic. */
  nowMs(): number;
}

/** So long a refusal stands that may pass. Each look at the interfaces, once a second, would else verify for 60 ms. */
const RETRY_MS = 60_000;

interface Refusal {
  readonly error: Error;
  readonly untilMs: number;
}

/** What came of loading. */
interface Tried {
  readonly object: BpfObject;
  readonly errno: number;
}

export class LatePrograms implements KernelHandles {
  readonly #parts: LateProgramsParts;
  readonly #late = new Map<string, BpfObject>();
  readonly #underWay = new Map<string, Promise<number | undefined>>();
  readonly #refusals = new Map<string, Refusal>();
  #isClosed = false;

  constructor(parts: LateProgramsParts) {
    this.#parts = parts;
  }

  /** Loads it where it is not there yet, and keeps the event loop waiting meanwhile. Throws KernelError where the kernel refuses it. */
  programFd(name: string): number | undefined {
    const known = this.#known(name);
    if (known !== undefined || !this.#isLate(name)) return known;
    const { libc } = this.#parts;
    let tried: Tried;
    try {
      tried = withSignalsBlocked(libc, () => loadInTries(() => this.#open(name)));
    } catch (error) {
      throw this.#refuse(name, error);
    }
    return this.#keep(name, tried);
  }

  /** Begins to load it off the event loop where it is not there yet. Throws as programFd(), once that has failed. */
  programFdSoon(name: string): number | undefined | 'loading' {
    const known = this.#known(name);
    if (known !== undefined || !this.#isLate(name)) return known;
    void this.programFdOffLoop(name).catch(() => undefined); // kept, and told to who asks next
    return 'loading';
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
    let tried: Tried;
    try {
      tried = await loadInTriesOffLoop(() => this.#open(name));
    } catch (error) {
      throw this.#refuse(name, error);
    }
    return this.#keep(name, tried);
  }

  #known(name: string): number | undefined {
    return this.#parts.object.programFd(name) ?? this.#late.get(name)?.programFd(name);
  }

  #isLate(name: string): boolean {
    const refusal = this.#refusals.get(name);
    if (refusal !== undefined && this.#parts.nowMs() < refusal.untilMs) throw refusal.error;
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

  /** Keeps why it could not be loaded, and returns it. */
  #refuse(name: string, thrown: unknown): Error {
    const { errno, detail } = thrown instanceof KernelError ? thrown : { errno: 0, detail: '' };
    const cause = thrown instanceof Error ? thrown : new Error(String(thrown));
    const error = shortageError(name, errno, detail) ?? cause;
    const untilMs = isLastingRefusal(errno) ? Number.POSITIVE_INFINITY : this.#parts.nowMs() + RETRY_MS;
    this.#refusals.set(name, { error, untilMs });
    return error;
  }

  #keep(name: string, { object, errno }: Tried): number | undefined {
    if (errno !== 0) {
      const { verifierLog } = object;
      object.close();
      // A shortage first: without a file left, capabilities cannot be read either.
      const error =
        shortageError(name, errno, verifierLog) ??
        loadError(errno, verifierLog, readMissingCapabilities({ root: '/' }));
      throw this.#refuse(name, error);
    }
    this.#refusals.delete(name);
    // Asked for both ways at once, it was loaded twice.
    const known = this.#isClosed ? undefined : this.#known(name);
    if (this.#isClosed || known !== undefined) {
      object.close();
      return known;
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
