// SPDX-License-Identifier: Apache-2.0
// Whether a user may log in. A hash takes a twentieth of a second of a CPU and more: it is reckoned off the
// event loop, one at a time, and what came of it is kept, in a form that tells nobody a password.

import { createHmac, randomBytes } from 'node:crypto';
import { compare } from '@node-rs/bcrypt';
import type { Schedule } from '../clock.js';

export interface Login {
  readonly user: string;
  readonly password: Buffer;
  /** Address: so that one client does not keep the others waiting. */
  readonly client: string;
}

/** `busy`: too many wait already. `gone`: nobody waits for the answer any more. */
export type LoginVerdict = 'granted' | 'refused' | 'busy' | 'gone';

/** Kept of either outcome; more users than that would be reckoned again now and then. */
const KEPT_MAX = 256;
/** Wait to be reckoned: a few seconds' worth at a usual cost. */
const WAITING_MAX = 32;
/** Of them, of one client. */
const WAITING_OF_ONE_MAX = 4;
/** Of one: a hash may take a minute, and there are others in front. */
const WAIT_MAX_MS = 10_000;
/** bcrypt itself reads 72; whoever sends far more wants to keep us busy. */
const PASSWORD_MAX_BYTES = 1024;

interface Waiting {
  readonly login: Login;
  readonly hash: string;
  /** False: the hash stands in for that of a user that is none. */
  readonly isKnown: boolean;
  isWanted(): boolean;
  /** It waits no longer. */
  cancelExpiry(): void;
  settle(verdict: LoginVerdict): void;
}

export interface PasswordCheckParts {
  readonly schedule: Schedule;
  readonly compare?: typeof compare;
}

export class PasswordCheck {
  readonly #keyOfKept = randomBytes(32);
  readonly #compare: typeof compare;
  readonly #schedule: Schedule;
  /** Apart from each other: wrong passwords must not push out right ones. */
  readonly #granted = new Set<string>();
  readonly #refused = new Set<string>();
  readonly #waiting: Waiting[] = [];
  #isRunning = false;

  constructor(parts: PasswordCheckParts) {
    this.#schedule = parts.schedule;
    this.#compare = parts.compare ?? compare;
  }

  /** hashes: bcrypt's, by user. At once where the outcome is known. */
  check(
    hashes: ReadonlyMap<string, string>,
    login: Login,
    isWanted: () => boolean,
  ): LoginVerdict | Promise<LoginVerdict> {
    const known = hashes.get(login.user);
    const hash = known ?? standInHash(hashes);
    if (login.password.length > PASSWORD_MAX_BYTES) return 'refused';
    const kept = this.#keptName(hash, login);
    if (known !== undefined && this.#granted.has(kept)) return 'granted';
    if (this.#refused.has(kept)) return 'refused';
    const { client } = login;
    const ofOne = this.#waiting.filter((waiting) => waiting.login.client === client).length;
    if (this.#waiting.length >= WAITING_MAX || ofOne >= WAITING_OF_ONE_MAX) return 'busy';
    return new Promise((resolve) => {
      const waiting: Waiting = {
        login,
        hash,
        isKnown: known !== undefined,
        isWanted,
        cancelExpiry: () => undefined,
        settle: (verdict) => {
          if (verdict === 'granted') keep(this.#granted, kept);
          else if (verdict === 'refused') keep(this.#refused, kept);
          resolve(verdict);
        },
      };
      this.#waiting.push(waiting);
      void this.#run();
      if (this.#waiting.includes(waiting)) waiting.cancelExpiry = this.#expire(waiting);
    });
  }

  /** Unless it is called off. */
  #expire(waiting: Waiting): () => void {
    return this.#schedule(() => {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.settle('busy');
    }, WAIT_MAX_MS);
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      next.cancelExpiry();
      if (!next.isWanted()) next.settle('gone');
      else next.settle(await this.#reckon(next));
    }
    this.#isRunning = false;
  }

  async #reckon({ hash, isKnown, login }: Waiting): Promise<'granted' | 'refused'> {
    try {
      return (await this.#compare(login.password, hash)) && isKnown ? 'granted' : 'refused';
    } catch {
      return 'refused'; // the library takes no such hash
    }
  }

  /** Lengths first, so that no two logins have one name. */
  #keptName(hash: string, { user, password }: Login): string {
    const userBytes = Buffer.from(user);
    return createHmac('sha256', this.#keyOfKept)
      .update(`${userBytes.length} ${hash} ${password.length} `)
      .update(userBytes)
      .update(password)
      .digest('base64');
  }
}

/** The oldest goes. */
function keep(kept: Set<string>, name: string): void {
  kept.delete(name);
  kept.add(name);
  const [oldest = ''] = kept;
  if (kept.size > KEPT_MAX) kept.delete(oldest);
}

/** For users that are none, so that their refusal takes as long: no password has it. */
function standInHash(hashes: ReadonlyMap<string, string>): string {
  const [first = '$2b$10$'] = hashes.values();
  const cost = /^\$2[aby]\$(\d\d)\$/.exec(first)?.[1] ?? '10';
  return `$2b$${cost}$${'.'.repeat(53)}`;
}
