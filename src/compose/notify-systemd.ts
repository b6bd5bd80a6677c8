// SPDX-License-Identifier: Apache-2.0
// What systemd is told of us, by sd_notify(3): that we are ready, what we count on, that a refresh
// worked. Decides when; the datagrams are kernel/notify-socket.ts's. Without systemd nothing is told.

import type { AttachmentState } from '../attach/attachments.js';
import type { NotifySocket } from '../kernel/notify-socket.js';

/** As systemd gives them to the main process of a unit; they are nobody else's. */
const VARIABLES = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID'] as const;
/** A step of the start may take this long before systemd gives up, TimeoutStartSec= notwithstanding. */
const STEP_LIMIT_US = 60_000_000;
/** A watchdog that is shorter than this many intervals is set to as many. */
const WATCHDOG_INTERVALS = 3;
/** What `systemctl status` shows is one line; a long reason is cut. */
const STATUS_CHARACTERS = 400;
const FEED = 'WATCHDOG=1';
const RELOADING = 'reading the configuration again';

export interface SystemdEnvironment {
  /** '' where no service manager waits for us. */
  readonly notifySocket: string;
  /** undefined: no watchdog waits for us. */
  readonly watchdogUs: number | undefined;
}

export interface SystemdParts {
  /** Opens the socket at that address, or says in one sentence why not. */
  open(address: string): NotifySocket | string;
  readonly log: { warn(message: string): void };
  /** CLOCK_MONOTONIC in whole microseconds, as systemd reads it. */
  monotonicUs(): number;
}

/** What came of a refresh. */
export interface RefreshOutcome {
  readonly number: number;
  /** Whether it and its drain succeeded. */
  readonly succeeded: boolean;
  readonly interfaces: readonly Pick<AttachmentState, 'name' | 'attached' | 'sentence'>[];
}

export interface SystemdNotifier {
  /** A step of the start begins, such as `loading the programs`; it may take a minute. */
  starting(step: string): void;
  /** After the start, and after a reload. Of a start it is told once a refresh has succeeded, too. */
  ready(): void;
  reloading(): void;
  stopping(): void;
  /** After each refresh. One that succeeded feeds the watchdog, where that is due. */
  refreshed(outcome: RefreshOutcome): void;
  /** One line, shown until the next; told only where it is another one. */
  status(text: string): void;
  /** At the start, and where a reload changes it: the watchdog must not bite between two refreshes. */
  setInterval(intervalMs: number): void;
  /** Nothing is told afterwards. */
  close(): void;
}

/** Takes the variables out of the environment: a child of ours must not speak for us. */
export function takeSystemdEnvironment(
  env: Record<string, string | undefined>,
  pid: number,
): SystemdEnvironment {
  const [notifySocket = '', watchdogUsec = '', watchdogPid = ''] = VARIABLES.map((name) => env[name]);
  for (const name of VARIABLES) delete env[name];
  const isOurs = watchdogPid === '' || watchdogPid === String(pid);
  const hasWatchdog = isOurs && /^[1-9]\d{0,15}$/.test(watchdogUsec);
  return { notifySocket, watchdogUs: hasWatchdog ? Number(watchdogUsec) : undefined };
}

export function createSystemdNotifier(
  { notifySocket, watchdogUs: configuredWatchdogUs }: SystemdEnvironment,
  { open, log, monotonicUs }: SystemdParts,
): SystemdNotifier {
  const opened = notifySocket === '' ? undefined : open(notifySocket);
  if (typeof opened === 'string') log.warn(opened);
  let socket = typeof opened === 'string' ? undefined : opened;

  let state: 'starting' | 'started' | 'ready' | 'reloading' | 'stopping' = 'starting';
  let hasRefreshed = false;
  let shown = '';
  /** What we count on, as of the last refresh; shown or not. */
  let counting = '';
  /** What systemd could not take yet; it goes out with what is said next. */
  let unsent: string[] = [];
  let hasWarned = false;
  let watchdogUs = configuredWatchdogUs ?? 0;
  let intervalUs = 0;
  let fedUs = Number.NEGATIVE_INFINITY;

  function tell(...lines: readonly string[]): void {
    if (socket === undefined) return;
    for (const line of lines) {
      // Of each kind the last word counts, so that what waits never grows; systemd takes them in order.
      unsent = unsent.filter((one) => kindOf(one) !== kindOf(line));
      unsent.push(line);
    }
    const problem = socket.send(unsent.join('\n'));
    if (problem === undefined) {
      unsent = [];
      return;
    }
    if (unsent.includes(FEED)) fedUs = Number.NEGATIVE_INFINITY; // by the next good refresh, not by this one later
    unsent = unsent.filter((one) => one !== FEED);
    if (!hasWarned)
      log.warn(`systemd takes no notification (${problem}); it is told again with the next one`);
    hasWarned = true;
  }

  function show(text: string): string[] {
    const line = text.replace(/\s+/g, ' ').slice(0, STATUS_CHARACTERS);
    if (line === shown) return [];
    shown = line;
    return [`STATUS=${line}`];
  }

  function becomeReady(): string[] {
    if (state !== 'started' || !hasRefreshed) return [];
    state = 'ready';
    fedUs = monotonicUs(); // the watchdog begins to wait now
    return ['READY=1'];
  }

  /** Where the next refresh may come later than half its time from the last word, it is told now. */
  function feed(): string[] {
    const nowUs = monotonicUs();
    if (watchdogUs === 0 || state === 'stopping' || nowUs + intervalUs - fedUs <= watchdogUs / 2) return [];
    fedUs = nowUs;
    return [FEED];
  }

  return {
    starting(step) {
      tell(...show(step), `EXTEND_TIMEOUT_USEC=${STEP_LIMIT_US}`);
    },
    ready() {
      if (state === 'reloading') {
        state = 'ready';
        if (shown === RELOADING) counting = ''; // the next refresh says again what we count on
        tell('READY=1');
        return;
      }
      if (state !== 'starting') return;
      state = 'started';
      const lines = becomeReady();
      if (lines.length > 0) tell(...lines);
    },
    reloading() {
      if (state !== 'ready') return; // a reload before that is part of the start
      state = 'reloading';
      tell('RELOADING=1', `MONOTONIC_USEC=${monotonicUs()}`, ...show(RELOADING));
    },
    stopping() {
      state = 'stopping';
      tell('STOPPING=1', ...show('stopping: the last packets are counted'));
    },
    refreshed({ number, succeeded, interfaces }) {
      if (state === 'stopping') {
        if (unsent.length > 0) tell();
        return;
      }
      const sentence = succeeded ? describeInterfaces(interfaces) : 'the last refresh failed, see the log';
      const isNews = sentence !== counting;
      counting = sentence;
      const status = isNews ? show(`${sentence} (refresh ${number})`) : [];
      if (succeeded) hasRefreshed = true;
      const lines = succeeded ? [...becomeReady(), ...feed(), ...status] : status;
      if (lines.length + unsent.length > 0) tell(...lines);
    },
    status(text) {
      const lines = show(text);
      if (lines.length > 0) tell(...lines);
    },
    setInterval(intervalMs) {
      intervalUs = intervalMs * 1000;
      if (configuredWatchdogUs === undefined || socket === undefined) return;
      const isTooShort = intervalUs > configuredWatchdogUs / 2;
      const neededUs = isTooShort
        ? Math.max(configuredWatchdogUs, WATCHDOG_INTERVALS * intervalUs)
        : configuredWatchdogUs;
      if (isTooShort && neededUs !== watchdogUs) {
        log.warn(
          `the watchdog of the unit waits ${configuredWatchdogUs / 1e6} s and interval_ms is ${intervalMs}: it is told to wait ${neededUs / 1e6} s; set WatchdogSec= to more than twice the interval`,
        );
      }
      if (neededUs === watchdogUs) return;
      watchdogUs = neededUs;
      tell(`WATCHDOG_USEC=${watchdogUs}`);
    },
    close() {
      socket?.close();
      socket = undefined;
    },
  };
}

function kindOf(line: string): string {
  return line.slice(0, line.indexOf('='));
}

function describeInterfaces(interfaces: RefreshOutcome['interfaces']): string {
  const attached = interfaces.filter((one) => one.attached).map(({ name }) => name);
  const awaited = interfaces.filter((one) => !one.attached).map(({ sentence }) => sentence);
  const counts = attached.length > 0 ? `counting on ${attached.join(', ')}` : 'counting nothing yet';
  return [counts, ...awaited].join('; ');
}
