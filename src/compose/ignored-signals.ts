// SPDX-License-Identifier: Apache-2.0
// Signals that would end this process, or open Node's debugger in it, and that do neither here. Imports
// nothing that takes time: cli.ts calls it before it loads the rest.

/**
 * SIGHUP and SIGUSR2 end a process by default, and Node opens its debugger at SIGUSR1: anyone who may
 * signal the process could then run code with its capabilities.
 */
const IGNORED = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
export type IgnoredSignal = (typeof IGNORED)[number];

/** A signal a second is no reason for a line a second. */
const REPORT_EVERY_MS = 60_000;

const SENTENCES = {
  SIGHUP: 'SIGHUP is ignored: the exporter does not run yet, so there is nothing to reload',
  SIGUSR1: 'SIGUSR1 is ignored: the debugger of Node does not open in this process',
  SIGUSR2: 'SIGUSR2 is ignored: it has no meaning here',
} as const satisfies Record<IgnoredSignal, string>;

export interface IgnoredSignals {
  /** Gives each signal's sentence to `log`, at most one a minute; also of those that came before. */
  reportTo(log: (sentence: string) => void): void;
  /** From now on SIGHUP runs the task instead; the others stay ignored. */
  onHangup(task: () => void): void;
  /** For what is over in a moment: SIGHUP and SIGUSR2 end it again. SIGUSR1 stays ignored. */
  release(): void;
}

export function ignoreSignals(process: NodeJS.Process, nowMs: () => number): IgnoredSignals {
  const came = new Set<IgnoredSignal>();
  let onSignal = (signal: IgnoredSignal): void => {
    came.add(signal);
  };
  const listener = (signal: NodeJS.Signals): void => onSignal(signal as IgnoredSignal);
  for (const signal of IGNORED) process.on(signal, listener);
  return {
    reportTo(log) {
      const loggedAtMs = new Map<IgnoredSignal, number>();
      onSignal = (signal) => {
        const before = loggedAtMs.get(signal);
        if (before !== undefined && nowMs() - before < REPORT_EVERY_MS) return;
        loggedAtMs.set(signal, nowMs());
        log(SENTENCES[signal]);
      };
      for (const signal of came) onSignal(signal);
    },
    onHangup(task) {
      process.off('SIGHUP', listener);
      process.on('SIGHUP', task);
    },
    release() {
      for (const signal of ['SIGHUP', 'SIGUSR2'] as const) process.off(signal, listener);
    },
  };
}
