// SPDX-License-Identifier: Apache-2.0
// What this process uses: CPU, memory, and how long its event loop was held up. Asks Node only;
// what must be read from /proc comes in as a part.

export interface ProcessUsage {
  /** User and system time since the process started. */
  readonly cpuSeconds: number;
  readonly residentMemoryBytes: number;
  /** Unix time. */
  readonly startTimeSeconds: number;
  /** Undefined where it cannot be read. */
  readonly openFds: number | undefined;
  /** Longest hold-up of the event loop since the read before this one. */
  readonly eventLoopStallSeconds: number;
}

export interface ProcessUsageParts {
  /** Entries of /proc/self/fd; undefined where it cannot be read. */
  countOpenFds(): number | undefined;
  monotonicMs(): number;
}

export interface ProcessUsageReader {
  read(): ProcessUsage;
  /** Ends the watch on the event loop. */
  close(): void;
}

/** The watch wakes this often, for some 0.02 % of a CPU. */
const WATCH_PERIOD_MS = 20;

/**
 * The watch is a timer that notes how late it comes. Not perf_hooks.monitorEventLoopDelay: after a
 * reset it leaves out the first period, and that is when an exposition is rendered.
 */
export function createProcessUsageReader(parts: ProcessUsageParts): ProcessUsageReader {
  const startTimeSeconds = Date.now() / 1000 - process.uptime();
  let wokeMs = parts.monotonicMs();
  let stallMs = 0;
  const noteDelay = (): void => {
    const nowMs = parts.monotonicMs();
    stallMs = Math.max(stallMs, nowMs - wokeMs - WATCH_PERIOD_MS);
    wokeMs = nowMs;
  };
  const watch = setInterval(noteDelay, WATCH_PERIOD_MS).unref();
  return {
    read() {
      const { user, system } = process.cpuUsage();
      const eventLoopStallSeconds = stallMs / 1000;
      stallMs = 0;
      return {
        cpuSeconds: (user + system) / 1e6,
        residentMemoryBytes: process.memoryUsage.rss(),
        startTimeSeconds,
        openFds: parts.countOpenFds(),
        eventLoopStallSeconds,
      };
    },
    close() {
      clearInterval(watch);
    },
  };
}
