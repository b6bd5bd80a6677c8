// SPDX-License-Identifier: Apache-2.0
// Rounds of readings beside the refreshes, and what the last round and XDP's own counts say together:
// what passes the interface unseen. Nothing here waits for a reading.

import type { Clock } from '../clock.js';
import type { RdmaAnswer, RdmaQuestion } from './answers.js';
import { createIsolatedReader } from './isolated-reader.js';
import type { OwnerRegisterOptions } from './owner-register.js';
import { createRdmaReader, keyOf, type RdmaPortStatus, type RdmaRound } from './port-reader.js';
import { createQueuePairRounds, type QueuePairRounds } from './queue-pair-rounds.js';
import type { ReaderProcess } from './reader-process.js';
import { createUnseenPackets } from './unseen-packets.js';
import {
  type InterfaceVisibility,
  type RoceVisibility,
  receivedRdmaPackets,
  visibilityOf,
} from './visibility.js';

/** Whether RoCE of an interface can be seen, and how many packets of the device's port were not. */
export interface VisibilityView {
  readonly interfaceName: string;
  /** '' where no RDMA device belongs to the interface. */
  readonly rdmaDevice: string;
  readonly state: RoceVisibility;
  /** Undefined where the device does not count packets. */
  readonly unseenPackets: number | undefined;
}

/** What ports have told in a round. */
export interface RdmaPortsReading {
  readonly ports: readonly RdmaPortStatus[];
  readonly readDurationMs: number;
  /** When the round began; monotonic. */
  readonly readAtMs: number;
}

export interface RdmaView extends RdmaPortsReading {
  readonly visibility: readonly VisibilityView[];
}

export interface RdmaRounds {
  /** Starts a round of readings, unless one is under way. Call it right after the totals were refreshed. */
  refresh(): void;
  /** Of the last round that is over: costs nothing. Undefined before the first round. */
  reading(): RdmaPortsReading | undefined;
  /** Of the last round that is over, and what XDP has seen by now. Undefined before the first round. */
  view(): RdmaView | undefined;
  /** Whose queue pairs are, and where what XDP counts is added up by owner. */
  readonly queuePairs: Pick<QueuePairRounds, 'beginDrain' | 'note' | 'isNoting' | 'view'>;
  /** Rounds that are over. */
  readonly count: number;
  /** Waits for nothing: a reading that hangs is left behind. */
  close(): void;
}

export interface RdmaRoundsOptions {
  readonly sysfsPath: string;
  readonly owners: OwnerRegisterOptions;
  /** May change; read anew for each round and view. */
  readonly interfaces: readonly string[];
  /** RoCE packets XDP has seen on an interface since the exporter began, as of the call; they never fall. */
  roceSeen(): (interfaceName: string) => number;
  /** For tests; READER_LIMITS otherwise. */
  readonly limits?: { readonly limitMs: number; readonly restMs: number };
}

export interface RdmaRoundsParts {
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  readonly clock: Pick<Clock, 'nowMs' | 'schedule'>;
  startReader(): ReaderProcess<RdmaQuestion, RdmaAnswer>;
}

/**
 * Drivers answer within milliseconds; mlx5 gives its firmware 60 s before it calls a command lost. A process
 * of Node takes 50 ms to start; a host that swaps may need much longer.
 */
export const READER_LIMITS = { limitMs: 1000, startLimitMs: 10_000, restMs: 30_000, maxHanging: 2 } as const;

export function createRdmaRounds(options: RdmaRoundsOptions, parts: RdmaRoundsParts): RdmaRounds {
  const { sysfsPath } = options;
  const { clock, log } = parts;
  const isolated = createIsolatedReader<RdmaQuestion, RdmaAnswer>(
    { ...READER_LIMITS, ...options.limits },
    { start: parts.startReader, clock },
  );
  const reader = createRdmaReader(
    {
      sysfsPath,
      get interfaces() {
        return options.interfaces;
      },
    },
    { isolated, clock, log },
  );
  const unseen = createUnseenPackets();
  const queuePairs = createQueuePairRounds(options.owners, { isolated, clock, log });
  let isReading = false;
  let count = 0;
  let last: (RdmaRound & { readonly readAtMs: number }) | undefined;

  async function readRound(): Promise<void> {
    const roceSeen = options.roceSeen();
    const seen = new Map(options.interfaces.map((name) => [name, roceSeen(name)]));
    const readAtMs = clock.nowMs();
    const round = await reader.read();
    const counts = new Map(
      round.ports.flatMap(({ name, counters }) => {
        const packets = counters === undefined ? undefined : receivedRdmaPackets(counters);
        return packets === undefined ? [] : [[keyOf(name), packets] as const];
      }),
    );
    unseen.note(counts, new Set(round.ports.map(({ name }) => keyOf(name))), seen);
    last = { ...round, readAtMs };
    await queuePairs.read(round);
    count++;
  }

  function visibilityViews(round: RdmaRound): VisibilityView[] {
    // Port 0 is the device, which has no interfaces and no identity.
    const ports = round.ports.filter(({ name }) => name.port !== 0).map(({ identity }) => identity);
    const roceSeen = options.roceSeen();
    return options.interfaces.flatMap((interfaceName) => {
      const seenNow = roceSeen(interfaceName);
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
        .catch((error: unknown) => log.error({ err: error }, 'RDMA ports could not be read'))
        .finally(() => {
          isReading = false;
        });
    },
    reading: () => (last === undefined ? undefined : readingOf(last)),
    view: () => (last === undefined ? undefined : { ...readingOf(last), visibility: visibilityViews(last) }),
    queuePairs,
    get count() {
      return count;
    },
    close: () => isolated.close(),
  };
}

function readingOf({
  ports,
  durationMs: readDurationMs,
  readAtMs,
}: RdmaRound & { readonly readAtMs: number }): RdmaPortsReading {
  return { ports, readDurationMs, readAtMs };
}

/** RoCE seen on an IPoIB interface is none of what the port received as native InfiniBand. */
function subtracted(row: InterfaceVisibility, seenNow: number): number | undefined {
  return row.state === 'hidden_infiniband' ? undefined : seenNow;
}
