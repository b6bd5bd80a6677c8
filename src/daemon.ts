// SPDX-License-Identifier: Apache-2.0
// The running exporter: what happens when. Start order, the interval, the watch over interfaces,
// stop order. Parts come by interface; this file imports types only and touches nothing itself.

import type { Attachments } from './attach/attachments.js';
import type { Clock } from './clock.js';
import { ExporterError } from './errors.js';
import type { FlowAccounts } from './flows/flow-accounts.js';
import type { IntervalSummary } from './flows/views.js';
import type { Drain, DrainResult } from './reader/drain.js';
import { RefreshOutcomes } from './refresh-outcomes.js';
import { TurnGuard } from './turn-guard.js';

export interface DaemonOptions {
  readonly intervalMs: number;
  /** How often a lost interface is looked for. */
  readonly watchMs: number;
}

export interface DaemonParts {
  readonly drain: Drain;
  /** Whether a predecessor's counts are still to come, so that the next refresh is due at once. */
  isTakingOver?(): boolean;
  readonly accounts: FlowAccounts;
  readonly attachments: Pick<Attachments, 'check' | 'states' | 'sentences' | 'close'>;
  /** At every look at the interfaces. */
  onWatch?(): void;
  /** After each refresh: whether it and its drain succeeded. */
  onRefreshed?(succeeded: boolean): void;
  /** New requests of clients: none begins during a refresh. */
  readonly requests?: { hold(): void; release(): void };
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly clock: Pick<Clock, 'nowMs' | 'wallMs' | 'schedule'>;
}

/**
 * What follows the accounts in a refresh, within the guard, in this order. What is not wanted does nothing.
 * They come with start(): some of them need to know where we listen, which serving needs the daemon for.
 */
export interface RefreshSteps {
  /** Before the accounts: until the next refresh everything that is shown has the same host_ip. Never rejects. */
  followHostIp(): Promise<void>;
  /** Into the metrics about ourselves. */
  record(refresh: Refresh): void;
  addRoce(refresh: Refresh): Promise<void>;
  /** Ends series of flows where an exposition would be too large with what came before. */
  fitExposition(): Promise<void>;
  /** After all of the above, or what came of them, as it will be shown: nothing is shown before. Must not reject. */
  keepState(): Promise<void>;
  /** After that: what was drained may leave the kernel. Never rejects. */
  clearDrained(): Promise<void>;
  /** Asks for readings, and waits for none. */
  readRdma(): void;
  /** To those who look, and on the terminal. */
  show(refresh: Refresh): Promise<void>;
  push(refresh: Refresh): Promise<void>;
}

/** One refresh, good or failed. */
export interface Refresh {
  /** Counts up from 1. */
  readonly number: number;
  readonly result: DrainResult;
  readonly summary: IntervalSummary;
  readonly durationMs: number;
  readonly finishedAtMs: number;
  /** Monotonic: when it began, and its counts were cut off. */
  readonly takenMs: number;
  /** Of the start, or of what predecessors have counted: nobody knows in what time. */
  readonly isOfUnknownTime: boolean;
}

export interface Readiness {
  readonly ready: boolean;
  /** One sentence, in either case. */
  readonly reason: string;
}

/** hasRefreshed: as often as was asked for. */
export type ReconfigureTask = (hasRefreshed: boolean) => Promise<{ readonly intervalMs: number }>;

export interface Daemon {
  /**
   * Attaches what is there, refreshes once, or until it has what predecessors counted, and goes on every interval;
   * what is missing is attached when it appears. Nothing but what is pinned stays attached when it rejects.
   * @throws ExporterError NOTHING_ATTACHED (rejects) when nothing could be attached: no privilege, or no program taken.
   */
  start(steps: RefreshSteps): Promise<void>;
  /**
   * Detaches, unless links are pinned, drains what the programs counted until then, and ends all timers. Resolves with
   * whether that drain worked: if not, the totals lack what was counted since the last good one.
   */
  stop(): Promise<boolean>;
  /**
   * Calls begin between two refreshes, and runs task, beside no snapshot and with clients held, after as many good
   * refreshes of its own as begin has asked for; what is shown is another refresh from then on. The beat goes on, by the interval that the task
   * returns. In turn; rejects as the task does, and with an Error during a start or a stop.
   */
  reconfigure(begin: () => number, task: ReconfigureTask): Promise<void>;
  /** Runs fn while no refresh changes accounts or books; they wait for each other in turn, the patient for all others. */
  withSnapshot<T>(fn: (refresh: number) => Promise<T>, place?: 'last' | 'patient'): Promise<T>;
  /** Number of the last refresh; 0 before the first. */
  currentRefresh(): number;
  readiness(): Readiness;
}

/** Ready means: the last good refresh is younger than this many intervals. */
const READY_INTERVALS = 3;
/** There is no next refresh to bring what the last drain could not. */
const LAST_DRAIN_ATTEMPTS = 3;
/** Refreshes that a change of configuration waits for are tried so often, all in all. */
const REFRESH_ATTEMPTS = 8;
/** That nothing is attached is told again after so long. */
const REMINDER_MS = 60_000;

export function createDaemon(options: DaemonOptions, parts: DaemonParts): Daemon {
  const { log, attachments } = parts;
  let { intervalMs } = options;
  /** Of accounts and books: refreshes come first, snapshots in turn. */
  const guard = new TurnGuard();
  /** Refreshes and changes of configuration, one after the other. */
  const turns = new TurnGuard();
  let refreshNumber = 0;
  const outcomes = new RefreshOutcomes(parts);
  let originMs = 0;
  /** Between start and stop. */
  let isRunning = false;
  /** False while the beat's own refresh runs, or waits for its turn. */
  let isScheduled = false;
  let cancelRefresh = (): void => undefined;
  let cancelWatch = (): void => undefined;
  let stopping = false;
  let steps: RefreshSteps | undefined;
  /** Why nothing is attached, and when that was told to the log; '' while something is. */
  let reasons = '';
  let toldMs = Number.NEGATIVE_INFINITY;

  /** Clients wait meanwhile. */
  async function held<T>(task: () => Promise<T>): Promise<T> {
    parts.requests?.hold();
    try {
      return await task();
    } finally {
      parts.requests?.release();
    }
  }

  /** Whether the drain was complete. */
  const refresh = (): Promise<boolean> => held(refreshNow);

  async function change(begin: () => number, task: ReconfigureTask): Promise<void> {
    if (!isRunning) throw new Error(`the exporter ${stopping ? 'is stopping' : 'has not started yet'}`);
    const refreshesBefore = begin();
    let good = 0;
    for (let attempts = 0; good < refreshesBefore && attempts < REFRESH_ATTEMPTS; attempts++) {
      const isOfOthers = parts.isTakingOver?.() === true;
      if ((await refreshNow().catch((error: unknown) => outcomes.note(error))) && !isOfOthers) good++;
    }
    const before = intervalMs;
    await guard.run('first', async () => {
      ({ intervalMs } = await task(good === refreshesBefore).finally(() => steps?.keepState()));
      refreshNumber++;
    });
    if (intervalMs === before || stopping || !isScheduled) return;
    cancelRefresh();
    scheduleRefresh();
  }

  async function refreshNow(): Promise<boolean> {
    const takenMs = parts.clock.nowMs();
    const isOfUnknownTime = (!isRunning && !stopping) || parts.isTakingOver?.() === true;
    const result = await parts.drain.drain();
    await guard.run('first', async () => {
      // Also where a part failed: what there is will be shown.
      const refresh = await takeIn(result, { takenMs, isOfUnknownTime }).finally(settle);
      await show(refresh);
    });
    return outcomes.note(result.error);
  }

  /** What the refresh has counted, or could. */
  async function settle(): Promise<void> {
    await steps?.keepState();
    await steps?.clearDrained();
  }

  async function takeIn(result: DrainResult, cut: Pick<Refresh, 'takenMs' | 'isOfUnknownTime'>) {
    const number = refreshNumber + 1;
    await steps?.followHostIp();
    const summary = await parts.accounts.apply(result.rows, result.overflow, parts.clock.wallMs(), number);
    refreshNumber = number;
    const refresh: Refresh = {
      number,
      result,
      summary,
      durationMs: parts.clock.nowMs() - cut.takenMs,
      finishedAtMs: parts.clock.wallMs(),
      ...cut,
    };
    steps?.record(refresh); // there are none at a stop without a start
    await steps?.addRoce(refresh);
    await steps?.fitExposition();
    return refresh;
  }

  async function show(refresh: Refresh): Promise<void> {
    steps?.readRdma();
    await steps?.show(refresh);
    await steps?.push(refresh);
  }

  /** Refreshes keep to the beat of the start; a beat that passes during a long one is left out. */
  function scheduleRefresh(): void {
    const beats = Math.floor((parts.clock.nowMs() - originMs) / intervalMs) + 1;
    isScheduled = true;
    cancelRefresh = parts.clock.schedule(
      () => {
        isScheduled = false;
        void turns
          .run('last', () => refresh().catch((error: unknown) => outcomes.note(error)))
          .then(() => {
            if (!stopping) scheduleRefresh();
          });
      },
      Math.max(0, originMs + beats * intervalMs - parts.clock.nowMs()),
    );
  }

  /** Each reason was told when it came up; while nothing at all is counted it is told again, now and then. */
  function remind(): void {
    const isCounting = attachments.states.some((state) => state.attached);
    const sentences = isCounting ? '' : attachments.sentences.join('; ');
    if (sentences !== reasons) {
      reasons = sentences;
      toldMs = parts.clock.nowMs();
    } else if (!isCounting && parts.clock.nowMs() - toldMs >= REMINDER_MS) {
      toldMs = parts.clock.nowMs();
      log.error({}, `no interface is attached, so nothing is counted: ${sentences}`);
    }
  }

  function scheduleWatch(): void {
    cancelWatch = parts.clock.schedule(() => {
      try {
        attachments.check();
        parts.onWatch?.();
      } catch (error) {
        log.error({ err: error }, 'checking the interfaces failed; trying again');
      }
      remind();
      scheduleWatch();
    }, options.watchMs);
  }

  return {
    async start(refreshSteps) {
      steps = refreshSteps;
      try {
        attachments.check();
        const { states } = attachments;
        const isHopeless = states.every((s) => s.isLoadRefused) || states.some((s) => s.lacksPrivilege);
        if (isHopeless && states.length > 0 && !states.some((state) => state.attached)) {
          const sentences = states.map((state) => state.sentence).join('; ');
          throw new ExporterError('NOTHING_ATTACHED', `no interface could be attached: ${sentences}`);
        }
        do await refresh();
        while (parts.isTakingOver?.() === true);
      } catch (error) {
        attachments.close();
        throw error;
      }
      originMs = parts.clock.nowMs();
      isRunning = true;
      scheduleRefresh();
      scheduleWatch();
    },
    async stop() {
      stopping = true;
      isRunning = false;
      cancelRefresh();
      cancelWatch();
      await turns.run('last', async () => undefined); // what is under way ends
      attachments.close(); // first: what is counted until now, and only that, comes with the last drain
      for (let attempt = 0; attempt < LAST_DRAIN_ATTEMPTS; attempt++) {
        if (await refresh()) return true;
      }
      return false;
    },
    reconfigure: (begin, task) => turns.run('last', () => held(() => change(begin, task))),
    withSnapshot: (fn, place = 'last') => guard.run(place, () => fn(refreshNumber)),
    currentRefresh: () => refreshNumber,
    readiness() {
      const attached = attachments.states.filter((state) => state.attached).map((state) => state.name);
      if (attached.length === 0) return { ready: false, reason: 'Not ready: no interface is attached.' };
      const ageMs = parts.clock.nowMs() - outcomes.lastGoodMs;
      if (ageMs >= READY_INTERVALS * intervalMs) {
        return {
          ready: false,
          reason: `Not ready: the last good refresh is older than ${READY_INTERVALS} intervals of ${intervalMs} ms.`,
        };
      }
      return { ready: true, reason: `Ready: attached to ${attached.join(', ')}.` };
    },
  };
}
