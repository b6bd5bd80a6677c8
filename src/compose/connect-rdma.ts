// SPDX-License-Identifier: Apache-2.0
// RDMA, wired: a round of readings beside each refresh, and what the last round and XDP's counts say
// together. Nothing here waits for a reading.

import { fileURLToPath } from 'node:url';
import type { Config } from '../config/config.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/family.js';
import { type RdmaPortView, rdmaFamilies, type VisibilityView } from '../metrics/rdma-families.js';
import { createIsolatedReader } from '../system/isolated-reader.js';
import type { RdmaAnswer, RdmaQuestion } from '../system/rdma-answers.js';
import { createRdmaReader, keyOf, type RdmaPortStatus, type RdmaRound } from '../system/rdma-reader.js';
import { type InterfaceVisibility, receivedRdmaPackets, visibilityOf } from '../system/rdma-visibility.js';
import { type ReaderProcess, startReaderProcess } from '../system/reader-process.js';
import { createUnseenPackets } from '../system/unseen-packets.js';

const READER_SCRIPT = fileURLToPath(new URL('./rdma-reader-process.js', import.meta.url));

export interface RdmaLine {
  /** Starts a round of readings, unless one is under way. Call it right after the totals were refreshed. */
  refresh(): void;
  /** Of the last round that is over, and what XDP has seen by now. None before the first round. */
  families(): readonly Family[];
  /** Rounds that are over. */
  rounds(): number;
  /** Waits for nothing: a reading that hangs is left behind. */
  close(): void;
}

export interface RdmaLineOptions {
  readonly config: Pick<Config, 'rdma'>;
  readonly interfaces: readonly string[];
  readonly hostIp: string;
  readonly collectAgg: string;
  /** RoCE packets XDP has seen on the interface since the exporter began; they never fall. */
  roceSeen(interfaceName: string): number;
  /** For tests; a port has a second otherwise, and rests for half a minute when it hung. */
  readonly limits?: { readonly limitMs: number; readonly restMs: number };
}

export interface RdmaLineParts {
  readonly log: Logger;
  /** Runs `task` once, `delayMs` from now; the returned function calls it off. */
  readonly schedule: (task: () => void, delayMs: number) => () => void;
  readonly nowMs: () => number;
  /** For tests; a process of this program otherwise. */
  readonly startReader?: () => ReaderProcess<RdmaQuestion, RdmaAnswer>;
}

/** Drivers answer within milliseconds; mlx5 gives its firmware 60 s before it calls a command lost. */
const LIMITS = { limitMs: 1000, restMs: 30_000 } as const;
/** A process of Node takes 50 ms to start; a host that swaps may need much longer. */
const START_LIMIT_MS = 10_000;
const MAX_HANGING = 2;

export function connectRdma(options: RdmaLineOptions, parts: RdmaLineParts): RdmaLine {
  const { interfaces } = options;
  const { enabled, sysfsPath } = options.config.rdma;
  if (!enabled) {
    return { refresh: () => undefined, families: () => [], rounds: () => 0, close: () => undefined };
  }

  const isolated = createIsolatedReader<RdmaQuestion, RdmaAnswer>(
    { ...(options.limits ?? LIMITS), startLimitMs: START_LIMIT_MS, maxHanging: MAX_HANGING },
    {
      start: parts.startReader ?? (() => startReaderProcess(READER_SCRIPT, [sysfsPath])),
      nowMs: parts.nowMs,
      schedule: parts.schedule,
    },
  );
  const reader = createRdmaReader(
    { sysfsPath, interfaces },
    { isolated, nowMs: parts.nowMs, log: parts.log },
  );
  const unseen = createUnseenPackets();
  let isReading = false;
  let rounds = 0;
  let last: RdmaRound | undefined;

  async function readRound(): Promise<void> {
    const seen = new Map(interfaces.map((name) => [name, options.roceSeen(name)]));
    const round = await reader.read();
    const counts = new Map(
      round.ports.flatMap(({ name, counters }) => {
        const count = counters === undefined ? undefined : receivedRdmaPackets(counters);
        return count === undefined ? [] : [[keyOf(name), count] as const];
      }),
    );
    unseen.note(counts, new Set(round.ports.map(({ name }) => keyOf(name))), seen);
    last = round;
    rounds++;
  }

  function visibilityViews(round: RdmaRound): VisibilityView[] {
    // Port 0 is the device, which has no interfaces and no identity.
    const ports = round.ports.filter(({ name }) => name.port !== 0).map(({ identity }) => identity);
    return interfaces.flatMap((interfaceName) => {
      const seenNow = options.roceSeen(interfaceName);
      const relatives = round.relatives.get(interfaceName) ?? [interfaceName];
      return visibilityOf({ relatives, ports, roceSeenPackets: seenNow }).map((row) => ({
        interfaceName,
        rdmaDevice: row.rdmaDevice,
        state: row.state,
        unseenPackets: unseen.of(row.ports.map(keyOf), interfaceName, subtracted(row, seenNow)),
      }));
    });
  }

  return {
    refresh() {
      if (isReading) return;
      isReading = true;
      readRound()
        .catch((error: unknown) => parts.log.error({ err: error }, 'RDMA ports could not be read'))
        .finally(() => {
          isReading = false;
        });
    },
    families() {
      if (last === undefined) return [];
      const view = {
        ports: last.ports.map(portView),
        visibility: visibilityViews(last),
        readDurationMs: last.durationMs,
      };
      return rdmaFamilies(view, options);
    },
    rounds: () => rounds,
    close: () => isolated.close(),
  };
}

/** RoCE seen on an IPoIB interface is none of what the port received as native InfiniBand. */
function subtracted(row: InterfaceVisibility, seenNow: number): number | undefined {
  return row.state === 'hidden_infiniband' ? undefined : seenNow;
}

function portView({ name, identity, link, counters, timeouts, errors }: RdmaPortStatus): RdmaPortView {
  return {
    ...name,
    identity,
    state: link?.state,
    physState: link?.physState,
    rateBitsPerSecond: link?.rateBitsPerSecond,
    receivedBytes: counters?.receivedBytes,
    transmittedBytes: counters?.transmittedBytes,
    standard: counters?.standard ?? {},
    hardware: counters?.hardware ?? {},
    isRead: counters !== undefined,
    timeouts,
    errors,
  };
}
