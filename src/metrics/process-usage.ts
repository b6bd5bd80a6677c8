// SPDX-License-Identifier: Apache-2.0
// What this process uses: CPU, memory, and how long its event loop was held up. Asks Node only;
// what must be read from /proc comes in as a part.
import { monitorEventLoopDelay } from 'node:perf_hooks';

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
}

export interface ProcessUsageReader {
  read(): ProcessUsage;
  /** Ends the watch on the event loop. */
  close(): void;
}

/** The watch wakes this often; a shorter one shows in idle CPU, a stall below it is not of interest. */
const WATCH_PERIOD_MS = 20;

export function createProcessUsageReader(parts: ProcessUsageParts): ProcessUsageReader {
  const delays = monitorEventLoopDelay({ resolution: WATCH_PERIOD_MS });
  delays.enable();
  const startTimeSeconds = Date.now() / 1000 - process.uptime();
  return {
    read() {
      const { user, system } = process.cpuUsage();
      // The histogram holds the time between two wake-ups, which is the period where nothing stalls.
      const stallMs = delays.max / 1e6 - WATCH_PERIOD_MS;
      delays.reset();
      return {
        cpuSeconds: (user + system) / 1e6,
        residentMemoryBytes: process.memoryUsage.rss(),
        startTimeSeconds,
        openFds: parts.countOpenFds(),
        eventLoopStallSeconds: Math.max(0, stallMs) / 1000,
      };
    },
    close() {
      delays.disable();
    },
  };
}
