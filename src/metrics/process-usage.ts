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
  /** The returned function tells the longest hold-up since its own last call, in milliseconds. */
  watchStalls(): () => number;
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
  /** Longest hold-up since each was last asked; the first is of read(). */
  const stallsMs = [0];
  const noteDelay = (): void => {
    const nowMs = parts.monotonicMs();
    const stallMs = nowMs - wokeMs - WATCH_PERIOD_MS;
    for (let i = 0; i < stallsMs.length; i++) stallsMs[i] = Math.max(stallsMs[i] ?? 0, stallMs);
    wokeMs = nowMs;
  };
  const takeStallMs = (place: number): number => {
    const stallMs = stallsMs[place] ?? 0;
    stallsMs[place] = 0;
    return stallMs;
  };
  const watch = setInterval(noteDelay, WATCH_PERIOD_MS).unref();
  return {
    read() {
      const { user, system } = process.cpuUsage();
      const eventLoopStallSeconds = takeStallMs(0) / 1000;
      return {
        cpuSeconds: (user + system) / 1e6,
        residentMemoryBytes: process.memoryUsage.rss(),
        startTimeSeconds,
        openFds: parts.countOpenFds(),
        eventLoopStallSeconds,
      };
    },
    watchStalls() {
      const place = stallsMs.push(0) - 1;
      return () => takeStallMs(place);
    },
    close() {
      clearInterval(watch);
    },
  };
}
