// SPDX-License-Identifier: Apache-2.0
// Follows one file of networks: when to read it, what to keep, what to say. Goes by no clock: a file has
// settled when two looks found the same.

import { describeReadFailure } from '../errors.js';
import { Pacer } from '../pacer.js';
import { readFileVersion } from '../system/regular-file.js';
import type { FollowedNetworks, NetworksParts, NetworksStats } from './followed-networks.js';
import { type LoadedNetworks, loadNetworks } from './load-networks.js';
import { readNetworkFile } from './network-file.js';
import { NetworkNames } from './network-names.js';
import type { NetworkTable } from './network-table.js';

/** A file that changes all the time is read nevertheless, after so many looks: it may never settle. */
const UNSETTLED_LOOKS_MAX = 30;

class LoadStopped extends Error {}

export class FileFollower implements FollowedNetworks {
  readonly names: NetworkNames;
  readonly #path: string;
  readonly #parts: NetworksParts;
  readonly #pacer: Pacer;
  #current: LoadedNetworks | undefined;
  #next: LoadedNetworks | undefined;
  #looking: Promise<void> | undefined;
  #isStopped = false;

  /** Of the file that was read last, and what was wrong with it. */
  #readSignature = '';
  #readProblem: string | undefined;
  /** Of the file that the last look has found. */
  #seenSignature = '';
  #unsettledLooks = 0;
  /** What is wrong now, as it was told. */
  #problem: string | undefined;

  #loadsSucceeded = 0;
  #loadsFailed = 0;
  #lastSuccessMs = 0;

  constructor(path: string, parts: NetworksParts) {
    this.#path = path;
    this.#parts = parts;
    this.names = parts.names ?? new NetworkNames();
    this.#pacer = new Pacer(async () => {
      await parts.clock.yieldToLoop();
      if (this.#isStopped) throw new LoadStopped();
    });
  }

  get current(): NetworkTable {
    if (this.#current === undefined) throw new Error('networks are asked for before loadFirst()');
    return this.#current.table;
  }

  get stats(): NetworksStats {
    return {
      loadsSucceeded: this.#loadsSucceeded,
      loadsFailed: this.#loadsFailed,
      prefixes: this.#current?.table.prefixes ?? 0,
      names: this.#current?.names ?? 0,
      namesBeyond: this.#current?.namesBeyond ?? 0,
      isLastLoadSuccessful: this.#problem === undefined,
      lastSuccessMs: this.#lastSuccessMs,
    };
  }

  /** What is wrong with the file, one sentence. Without waiting for it to settle. */
  async loadFirst(): Promise<string | undefined> {
    const problem = await this.#load();
    this.adopt();
    return problem;
  }

  look(): Promise<void> {
    this.#looking ??= this.#lookOnce()
      .catch((error: unknown) => {
        // Whatever it is (no memory, say): the table in use is whole.
        if (!(error instanceof LoadStopped)) this.#tell(`${this.#path} cannot be loaded: ${String(error)}`);
      })
      .finally(() => {
        this.#looking = undefined;
      });
    return this.#looking;
  }

  adopt(): boolean {
    if (this.#next === undefined) return false;
    this.#current = this.#next;
    this.#next = undefined;
    return true;
  }

  stop(): void {
    this.#isStopped = true;
  }

  async #lookOnce(): Promise<void> {
    if (this.#isStopped) return;
    let signature: string;
    try {
      signature = (await readFileVersion(this.#path)).signature;
    } catch (error) {
      this.#seenSignature = '';
      this.#tell(`${this.#path} cannot be read: ${describeReadFailure(error)}`);
      return;
    }
    if (signature === this.#readSignature) {
      this.#unsettledLooks = 0;
      this.#tell(this.#readProblem);
      return;
    }
    const isSettled = signature === this.#seenSignature;
    this.#seenSignature = signature;
    if (!isSettled && ++this.#unsettledLooks < UNSETTLED_LOOKS_MAX) return;
    this.#unsettledLooks = 0;
    this.#tell(await this.#load());
  }

  /** What is wrong, or undefined when there is a table to adopt. */
  async #load(): Promise<string | undefined> {
    const read = await readNetworkFile(this.#path, this.#pacer);
    let problem = 'problem' in read ? read.problem : undefined;
    if (!('problem' in read)) {
      const loaded = await loadNetworks(read.list, this.names, this.#pacer, this.#parts.keptBits);
      if ('problem' in loaded) problem = `${this.#path}: ${loaded.problem}`;
      else this.#take(loaded);
    }
    // Another fault is counted when it is told.
    if (problem !== undefined && problem === this.#problem && read.signature !== undefined)
      this.#loadsFailed++;
    if (read.signature !== undefined) {
      this.#readSignature = read.signature;
      this.#readProblem = problem;
    }
    return problem;
  }

  #take(loaded: LoadedNetworks): void {
    const { clock, log } = this.#parts;
    this.#next = loaded;
    this.#problem = undefined;
    this.#loadsSucceeded++;
    this.#lastSuccessMs = clock.wallMs();
    const { table, names, namesBeyond } = loaded;
    log.info(`networks: ${table.prefixes} networks with ${names} names from ${this.#path}`);
    if (namesBeyond > 0) {
      log.warn(
        `networks: ${namesBeyond} of the names show as "other", as this process has had too many names; a restart begins anew`,
      );
    }
  }

  /** Says what has changed between right and wrong, or from one fault to another; nothing else. */
  #tell(problem: string | undefined): void {
    const { log } = this.#parts;
    const before = this.#problem;
    this.#problem = problem;
    if (problem === before) return;
    if (problem !== undefined) {
      this.#loadsFailed++;
      log.warn(`networks: ${problem}; those that were loaded before stay`);
    } else log.info(`networks: ${this.#path} is right again`);
  }
}
