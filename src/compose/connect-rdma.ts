// SPDX-License-Identifier: Apache-2.0
// RDMA, wired: the rounds of readings as configured, with a process of this program to read, and their families.

import { setImmediate as nextTurn } from 'node:timers/promises';
import { ROCE_CELL, ROCE_KEY_WORDS, ROCE_TRANSPORT, type RoceRows } from '../abi/roce-records.js';
import { streamInterfaceIdOf, streamQueuePairOf, transportOf } from '../abi/roce-row-key.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import { ownerFamilies } from '../metrics/owner-families.js';
import { rdmaFamilies } from '../metrics/rdma-families.js';
import { Pacer } from '../pacer.js';
import type { QueuePairRounds } from '../rdma/queue-pair-rounds.js';
import {
  createRdmaRounds,
  type RdmaPortsReading,
  type RdmaRoundsOptions,
  type RdmaView,
} from '../rdma/rounds.js';
import { startRdmaReader } from '../rdma/start-reader.js';
import { hasPsn } from '../roce/roce-pair.js';
import type { WatchedHost } from './watched-host.js';

export interface RdmaLine {
  /** Adds up one drain by who has the queue pairs; once per refresh, before refresh(). */
  addRoce(rows: RoceRows): Promise<void>;
  /** Starts a round of readings, unless one is under way. */
  refresh(): void;
  /** Of the last round that is over; none before the first. */
  families(): readonly Family[];
  /** Likewise; undefined before the first. Costs nothing. */
  reading(): RdmaPortsReading | undefined;
  /** With what XDP has seen by now. */
  view(): RdmaView | undefined;
  close(): void;
}

/** Names of jobs come and go; a minute bridges what a reading that hangs takes. */
const LEAST_OWNER_MS = 60_000;
/** Price of a row for the slices, nanoseconds. */
const ROW_NS = 600;
/** Cells of ROCE_CELL.naks, and the last of ROCE_CELL.ecn. */
const NAK_CELLS = 6;
const CE = 3;

/** undefined where no RDMA device is to be read. */
export function connectRdma(
  options: Pick<RdmaRoundsOptions, 'roceSeen'> & {
    readonly config: {
      readonly rdma: Config['rdma'];
      readonly flows: Pick<Config['flows'], 'idleTimeoutMs'>;
    };
    /** Of the number that rows have in place of it. */
    interfaceName(id: number): string;
    readonly host: WatchedHost;
  },
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): RdmaLine | undefined {
  const { host } = options;
  const { enabled, sysfsPath, maxOwners, perQueuePair } = options.config.rdma;
  const { idleTimeoutMs } = options.config.flows;
  if (!enabled) return undefined;
  const rounds = createRdmaRounds(
    {
      sysfsPath,
      owners: { maxOwners, idleTimeoutMs: Math.max(idleTimeoutMs, LEAST_OWNER_MS) },
      get interfaces() {
        return host.interfaces;
      },
      roceSeen: options.roceSeen,
    },
    { log, clock, startReader: () => startRdmaReader(sysfsPath) },
  );
  const pacer = new Pacer(() => nextTurn());
  return {
    async addRoce(rows) {
      rounds.queuePairs.beginDrain();
      if (!rounds.queuePairs.isNoting) return;
      await pacer.run(rows.length, ROW_NS, (from, to) => {
        for (let row = from; row < to; row++) noteRow(rounds.queuePairs, rows, row, options);
      });
    },
    refresh: () => rounds.refresh(),
    families() {
      const view = rounds.view();
      if (view === undefined) return [];
      const queuePairs = rounds.queuePairs.view();
      const labels = { hostIp: host.hostIp, collectAgg: host.collectAgg, perQueuePair };
      const owners = queuePairs === undefined ? [] : ownerFamilies(queuePairs, view.ports, labels);
      return [...rdmaFamilies(view, host), ...owners];
    },
    reading: () => rounds.reading(),
    view: () => rounds.view(),
    close: () => rounds.close(),
  };
}

/** What pairs count of the row, too (roce/roce-pair.ts): not what is no RoCE, and no PSNs where there is no order. */
function noteRow(
  queuePairs: Pick<QueuePairRounds, 'note'>,
  rows: RoceRows,
  row: number,
  { interfaceName }: { interfaceName(id: number): string },
): void {
  const wordOffset = row * ROCE_KEY_WORDS;
  const transport = transportOf(rows.keys, wordOffset);
  if (transport === ROCE_TRANSPORT.malformed) return;
  const cells = rows.cellsOf(row);
  const bytes = cells[ROCE_CELL.bytes] ?? 0;
  const retransmittedPackets = hasPsn(transport) ? (cells[ROCE_CELL.psnRetransmitted] ?? 0) : 0;
  if (bytes === 0 && retransmittedPackets === 0) return;
  let naks = 0;
  for (let code = 0; code < NAK_CELLS; code++) naks += cells[ROCE_CELL.naks + code] ?? 0;
  queuePairs.note(
    interfaceName(streamInterfaceIdOf(rows.keys, wordOffset)),
    streamQueuePairOf(rows.keys, wordOffset),
    {
      bytes,
      cePackets: cells[ROCE_CELL.ecn + CE] ?? 0,
      naks,
      rnrNaks: cells[ROCE_CELL.rnrNaks] ?? 0,
      retransmittedPackets,
    },
  );
}
