// SPDX-License-Identifier: Apache-2.0
// RDMA, wired: the rounds of readings as configured, with a process of this program to read, and their families.

import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import { rdmaFamilies } from '../metrics/rdma-families.js';
import {
  createRdmaRounds,
  type RdmaPortsReading,
  type RdmaRoundsOptions,
  type RdmaView,
} from '../rdma/rounds.js';
import { startRdmaReader } from '../rdma/start-reader.js';

export interface RdmaLine {
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

/** undefined where no RDMA device is to be read. */
export function connectRdma(
  options: Pick<RdmaRoundsOptions, 'interfaces' | 'roceSeen'> & {
    readonly config: Pick<Config, 'rdma'>;
    /** May change. */
    readonly hostIp: string;
    readonly collectAgg: string;
  },
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): RdmaLine | undefined {
  const { enabled, sysfsPath } = options.config.rdma;
  if (!enabled) return undefined;
  const rounds = createRdmaRounds(
    {
      sysfsPath,
      get interfaces() {
        return options.interfaces;
      },
      roceSeen: options.roceSeen,
    },
    { log, clock, startReader: () => startRdmaReader(sysfsPath) },
  );
  return {
    refresh: () => rounds.refresh(),
    families() {
      const view = rounds.view();
      return view === undefined ? [] : rdmaFamilies(view, options);
    },
    reading: () => rounds.reading(),
    view: () => rounds.view(),
    close: () => rounds.close(),
  };
}
