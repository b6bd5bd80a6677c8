// SPDX-License-Identifier: Apache-2.0
// NICs, wired: the rounds of readings as configured, with a process of this program to read, and their families.

import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import { nicFamilies } from '../metrics/nic-families.js';
import { createNicRounds, type NicView } from '../nic/nic-rounds.js';
import { startNicReader } from '../nic/start-nic-reader.js';
import { hasDevice } from '../nic/sysfs-facts.js';
import type { WatchedHost } from './watched-host.js';

export interface NicLine {
  /** Starts a round of readings, unless one is under way. */
  refresh(): void;
  /** Of the last round that is over; none before the first. */
  families(): readonly Family[];
  /** Likewise; undefined before the first. */
  view(): NicView | undefined;
  close(): void;
}

/** undefined where no NIC is to be read. */
export function connectNic(
  { config, host }: { readonly config: Pick<Config, 'nic'>; readonly host: WatchedHost },
  { log, clock }: { readonly log: Logger; readonly clock: Clock },
): NicLine | undefined {
  const { enabled, sysfsPath, raw } = config.nic;
  if (!enabled) return undefined;
  // What is virtual is asked only where somebody wants to see its counters, whatever they are.
  const isAsked = (name: string): boolean => raw.length > 0 || hasDevice({ sysfsPath }, name);
  const rounds = createNicRounds(
    {
      get interfaces() {
        return host.interfaces.filter(isAsked);
      },
    },
    { log, clock, startReader: () => startNicReader({ sysfsPath, raw }) },
  );
  return {
    refresh: () => rounds.refresh(),
    families() {
      const view = rounds.view();
      // Where there is no NIC, their names and help would be a third of the page for nothing.
      return view === undefined || view.nics.length === 0 ? [] : nicFamilies(view, host);
    },
    view: () => rounds.view(),
    close: () => rounds.close(),
  };
}
