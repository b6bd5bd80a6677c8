// SPDX-License-Identifier: Apache-2.0
// Rounds of readings of NICs beside the refreshes: who is asked, what is remembered of those that do not answer, and
// what is counted. The reading itself is another process's; nothing here waits for it.

import type { Clock } from '../clock.js';
import { createIsolatedReader, type Reading } from '../rdma/isolated-reader.js';
import type { ReaderProcess } from '../rdma/reader-process.js';
import { READER_LIMITS } from '../rdma/rounds.js';
import type { ModuleReading } from './module-memory.js';
import { createPauseSampler } from './pause-sampler.js';
import type { PauseView } from './pause-watch.js';
import type { NicAnswer, NicNumbers, NicQuestion, NicSource } from './questions.js';

export interface NicStatus {
  readonly interfaceName: string;
  /** Of this round; undefined where the NIC did not answer. */
  readonly numbers: NicNumbers | undefined;
  /** At most MODULE_MS old; undefined where there is none, or nothing to tell. */
  readonly module: ModuleReading | undefined;
  readonly durationsMs: Readonly<Partial<Record<NicSource, number>>>;
  /** Of the time between this round's start and that of the one before. */
  readonly pauses: readonly PauseView[];
  /** Since the interface was first asked. */
  readonly failures: { readonly timeout: number; readonly error: number; readonly malformed: number };
}

export interface NicView {
  readonly nics: readonly NicStatus[];
  /** Undefined while there is no PFC to sample. */
  readonly pauseIntervalMs: number | undefined;
}

export interface NicRounds {
  /** Starts a round of readings, unless one is under way. */
  refresh(): void;
  /** Of the last round that is over; undefined before the first. */
  view(): NicView | undefined;
  /** Rounds that are over. */
  readonly count: number;
  /** Waits for nothing: a reading that hangs is left behind. */
  close(): void;
}

export interface NicRoundsOptions {
  /** Those with something to tell; may change, and is read anew for each round. */
  readonly interfaces: readonly string[];
  /** For tests; NIC_LIMITS otherwise. */
  readonly limits?: { readonly limitMs: number; readonly restMs: number };
}

export interface NicRoundsParts {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
  startReader(): ReaderProcess<NicQuestion, NicAnswer>;
}

/**
 * An answer waits for the kernel's RTNL, which others may hold for seconds: interfaces that are made by the hundred, a
 * driver that resets its card. That is not the card's that is asked.
 */
const NIC_LIMITS = { ...READER_LIMITS, limitMs: 4000 } as const;
/** A module is read over a bus of 100 kHz, half a page in 12 ms, and warms up no faster. */
const MODULE_MS = 60_000;

/** What stays of an interface between rounds, as long as it is asked. */
interface Memory {
  module: ModuleReading | undefined;
  moduleReadMs: number;
  moduleDurationMs: number | undefined;
  timeout: number;
  error: number;
  malformed: number;
  isFailing: boolean;
}

export function createNicRounds(options: NicRoundsOptions, parts: NicRoundsParts): NicRounds {
  const { clock, log } = parts;
  const isolated = createIsolatedReader<NicQuestion, NicAnswer>(
    { ...NIC_LIMITS, ...options.limits },
    { start: parts.startReader, clock },
  );
  const memories = new Map<string, Memory>();
  /** Interfaces where PFC has ever stopped anything. */
  const paused = new Set<string>();
  const sampler = createPauseSampler({
    clock,
    async sample(interfaceName) {
      const outcome = await ask({ about: 'pause', interfaceName });
      const memory = memories.get(interfaceName);
      // An error, which is of the process, meets the numbers as well, and is counted there.
      if (memory !== undefined && outcome.failure === 'timeout') memory.timeout++;
      return outcome.answer?.pause;
    },
  });
  let isReading = false;
  let isClosed = false;
  let count = 0;
  let last: readonly NicStatus[] | undefined;
  let queue: Promise<unknown> = Promise.resolve();

  /**
   * One after the other, so that none waits within the limit of another. What hangs is the interface, whatever was asked:
   * it rests, and takes one of the places of what may hang, not one for each question.
   */
  function ask(question: NicQuestion): Promise<Reading<NicAnswer>> {
    const turn = queue.then(() => isolated.ask(question.interfaceName, question));
    queue = turn;
    return turn;
  }

  function remember(interfaceName: string): Memory {
    const memory = memories.get(interfaceName) ?? {
      ...{ module: undefined, moduleReadMs: Number.NEGATIVE_INFINITY, moduleDurationMs: undefined },
      ...{ timeout: 0, error: 0, malformed: 0, isFailing: false },
    };
    memories.set(interfaceName, memory);
    return memory;
  }

  async function readModule(interfaceName: string, memory: Memory): Promise<void> {
    if (clock.nowMs() - memory.moduleReadMs < MODULE_MS) return;
    const outcome = await ask({ about: 'module', interfaceName });
    countFailure(memory, outcome.failure);
    memory.module = outcome.answer?.module?.reading;
    memory.moduleDurationMs = outcome.answer?.module?.durationMs;
    memory.moduleReadMs = clock.nowMs();
  }

  async function readNic(interfaceName: string, pauses: readonly PauseView[]): Promise<NicStatus> {
    const memory = remember(interfaceName);
    const outcome = await ask({ about: 'numbers', interfaceName });
    const numbers = outcome.answer?.numbers;
    countFailure(memory, outcome.failure);
    memory.error += numbers?.errors ?? 0;
    memory.malformed += numbers?.malformed ?? 0;
    noteFailing(interfaceName, memory, outcome.failure === undefined ? undefined : outcome.reason);
    // What hangs is not asked for more.
    if (outcome.failure === undefined) await readModule(interfaceName, memory);
    const { module, moduleDurationMs, timeout, error, malformed } = memory;
    const ofModule = moduleDurationMs === undefined ? {} : { module: moduleDurationMs };
    return {
      ...{ interfaceName, numbers, module, pauses },
      durationsMs: { ...numbers?.durationsMs, ...ofModule },
      failures: { timeout, error, malformed },
    };
  }

  /** The log hears of a change, not of every round. */
  function noteFailing(interfaceName: string, memory: Memory, reason: string | undefined): void {
    const fields = { interface: interfaceName };
    if (reason !== undefined && !memory.isFailing) {
      log.warn({ ...fields, reason }, 'a NIC cannot be read; its counters are left out until it can');
    }
    if (reason === undefined && memory.isFailing) log.info(fields, 'the NIC can be read again');
    memory.isFailing = reason !== undefined;
  }

  async function readRound(): Promise<void> {
    const names = [...options.interfaces];
    for (const name of memories.keys()) if (!names.includes(name)) memories.delete(name);
    for (const name of paused) if (!names.includes(name)) paused.delete(name);
    const pauses = sampler.cut();
    const nics: NicStatus[] = [];
    for (const name of names) nics.push(await readNic(name, pauses.get(name) ?? []));
    if (isClosed) return;
    // One that did not answer this time stays: its storms go on counting.
    for (const nic of nics) if (hasPaused(nic)) paused.add(nic.interfaceName);
    sampler.watch([...paused]);
    if (names.length === 0) isolated.release();
    last = nics;
    count++;
  }

  return {
    refresh() {
      if (isReading || isClosed) return;
      isReading = true;
      readRound()
        .catch((error: unknown) => log.error({ err: error }, 'NICs could not be read'))
        .finally(() => {
          isReading = false;
        });
    },
    view: () => (last === undefined ? undefined : { nics: last, pauseIntervalMs: sampler.intervalMs }),
    get count() {
      return count;
    },
    close() {
      isClosed = true;
      sampler.close();
      isolated.close();
    },
  };
}

/** What rests was not asked, and its failure is counted already. */
function countFailure(memory: Memory, failure: Reading<NicAnswer>['failure']): void {
  if (failure === 'timeout') memory.timeout++;
  if (failure === 'error') memory.error++;
}

/** Whether PFC has ever stopped anything there: only then is it worth a look ten times a second. */
function hasPaused({ numbers }: NicStatus): boolean {
  return (
    numbers?.counters.some(
      ({ meaning, value }) => (meaning === 'pfc_frames' || meaning === 'pfc_pause_seconds') && value > 0,
    ) ?? false
  );
}
