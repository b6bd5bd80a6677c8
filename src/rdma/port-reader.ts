// SPDX-License-Identifier: Apache-2.0
// One round over all RDMA ports there are: who is asked, what is remembered of those that do not answer,
// and what is counted. The reading itself is another process's (isolated-reader.ts).

import type { Clock } from '../clock.js';
import type { RdmaAnswer, RdmaQuestion } from './answers.js';
import { listRdmaDeviceCounters, type RdmaCounters } from './counters.js';
import type { IsolatedReader, Reading } from './isolated-reader.js';
import { listRdmaPorts, type RdmaLinkState, type RdmaPortIdentity, type RdmaPortName } from './ports.js';

export interface RdmaPortStatus {
  readonly name: RdmaPortName;
  /** At most IDENTITY_MS old, or of the last time it could be read; not of port 0. */
  readonly identity: RdmaPortIdentity | undefined;
  /** Of this round; undefined where the port did not answer, and of port 0. */
  readonly link: RdmaLinkState | undefined;
  /** Of this round; undefined where the port did not answer. */
  readonly counters: RdmaCounters | undefined;
  /** Since the port was first seen: readings given up, and readings or single files that failed. */
  readonly timeouts: number;
  readonly errors: number;
}

export interface RdmaRound {
  readonly ports: readonly RdmaPortStatus[];
  /** By interface of the options as the round began: the interfaces whose RDMA devices count as its own. */
  readonly relatives: ReadonlyMap<string, readonly string[]>;
  readonly durationMs: number;
}

export interface RdmaReaderOptions {
  readonly sysfsPath: string;
  readonly interfaces: readonly string[];
}

export interface RdmaReaderParts {
  readonly isolated: IsolatedReader<RdmaQuestion, RdmaAnswer>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export interface RdmaReader {
  /** To be called again only when the last round is over. Never rejects. */
  read(): Promise<RdmaRound>;
}

/**
 * Of some 100 files of a port 70 are its GID table, and all 256 where that is full: read every time, eight
 * such ports would cost more than 1 % of a CPU. A new port is known at once, a new VLAN on it as late as this.
 */
const IDENTITY_MS = 30_000;

/** What stays of a port between rounds, as long as it is listed. */
interface Memory {
  identity: RdmaPortIdentity | undefined;
  identityReadMs: number;
  timeouts: number;
  errors: number;
  isFailing: boolean;
}

export function createRdmaReader(options: RdmaReaderOptions, parts: RdmaReaderParts): RdmaReader {
  const { isolated, log } = parts;
  const memories = new Map<string, Memory>();
  const relatives = new Map<string, readonly string[]>();

  /** A host without RDMA costs one failed readdir. */
  function list(): RdmaPortName[] {
    const ports = listRdmaPorts(options);
    return ports.length === 0 ? [] : [...ports, ...listRdmaDeviceCounters(options)];
  }

  function remember(name: RdmaPortName): Memory {
    const key = keyOf(name);
    const memory = memories.get(key) ?? {
      identity: undefined,
      identityReadMs: Number.NEGATIVE_INFINITY,
      timeouts: 0,
      errors: 0,
      isFailing: false,
    };
    memories.set(key, memory);
    return memory;
  }

  function forgetAllBut(names: readonly RdmaPortName[]): void {
    const keys = new Set(names.map(keyOf));
    for (const key of memories.keys()) if (!keys.has(key)) memories.delete(key);
  }

  /** Asks no firmware: known of a port that hangs too, whose interface must not pass for one without RDMA. */
  async function readIdentity(name: RdmaPortName, memory: Memory): Promise<void> {
    if (name.port === 0 || parts.clock.nowMs() - memory.identityReadMs < IDENTITY_MS) return;
    const outcome = await isolated.ask(`identity ${keyOf(name)}`, { about: 'identity', name });
    countFailure(memory, outcome.failure);
    if (outcome.answer?.identity === undefined) return;
    memory.identity = outcome.answer.identity;
    memory.identityReadMs = parts.clock.nowMs();
  }

  async function readPort(name: RdmaPortName): Promise<RdmaPortStatus> {
    const memory = remember(name);
    await readIdentity(name, memory);
    const outcome = await isolated.ask(`numbers ${keyOf(name)}`, { about: 'numbers', name });
    const reading = outcome.answer?.numbers;
    countFailure(memory, outcome.failure);
    memory.errors += reading?.counters.unreadable ?? 0;
    noteFailing(name, memory, outcome.failure === undefined ? undefined : outcome.reason);
    return {
      name,
      identity: memory.identity,
      link: reading?.link,
      counters: reading?.counters,
      timeouts: memory.timeouts,
      errors: memory.errors,
    };
  }

  /** The log hears of a change, not of every round. */
  function noteFailing(name: RdmaPortName, memory: Memory, reason: string | undefined): void {
    if (reason !== undefined && !memory.isFailing) {
      log.warn({ ...name, reason }, 'an RDMA port cannot be read; its counters are left out until it can');
    }
    if (reason === undefined && memory.isFailing) log.info({ ...name }, 'the RDMA port can be read again');
    memory.isFailing = reason !== undefined;
  }

  async function readRelatives(interfaces: readonly string[]): Promise<void> {
    for (const interfaceName of interfaces) {
      const outcome = await isolated.ask(`relatives ${interfaceName}`, { about: 'relatives', interfaceName });
      const names = outcome.answer?.relatives ?? relatives.get(interfaceName) ?? [interfaceName];
      relatives.set(interfaceName, names);
    }
  }

  return {
    async read() {
      const startedMs = parts.clock.nowMs();
      const names = list();
      forgetAllBut(names);
      const { interfaces } = options;
      for (const known of relatives.keys()) if (!interfaces.includes(known)) relatives.delete(known);
      const ports: RdmaPortStatus[] = [];
      if (names.length > 0) {
        await readRelatives(interfaces);
        for (const name of names) ports.push(await readPort(name));
      } else isolated.release();
      return { ports, relatives: new Map(relatives), durationMs: parts.clock.nowMs() - startedMs };
    },
  };
}

/** A port that rests was not asked, and its failure is counted already. */
function countFailure(memory: Memory, failure: Reading<RdmaAnswer>['failure']): void {
  if (failure === 'timeout') memory.timeouts++;
  if (failure === 'error') memory.errors++;
}

/** A slash cannot be in a device's name. */
export function keyOf({ device, port }: RdmaPortName): string {
  return `${device}/${port}`;
}
