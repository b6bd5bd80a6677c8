// SPDX-License-Identifier: Apache-2.0
// The address that stands for this host, as configured, and the step of a refresh that takes over a new one.

import { networkInterfaces } from 'node:os';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Audience } from '../flows/audience.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { Logger } from '../log.js';
import { createHostIpFollower, type HostIpFollower } from '../system/host-ip-follower.js';
import type { LinkTable } from '../system/link-table.js';
import type { RoceLine } from './connect-roce.js';

export function connectHostIp(
  { hostIp }: Pick<Config, 'hostIp'>,
  { linkTable, clock }: { readonly linkTable: LinkTable; readonly clock: Clock },
): HostIpFollower {
  const takeChange = (): boolean => linkTable.takeAddressChange();
  return createHostIpFollower({ readAddresses: networkInterfaces, clock, takeChange }, hostIp);
}

/**
 * Within the guard, before the counts of a refresh are added: they are the first under the new address. Waits,
 * maxIntervalMs at most, for a refresh before which everybody who scrapes has seen what the last one showed: nothing
 * that was counted is then missing from the series that end. Never rejects: the counts are still to come.
 */
export function createHostIpStep(
  options: { readonly maxIntervalMs: number },
  parts: {
    readonly hostIp: HostIpFollower;
    readonly accounts: Pick<FlowAccounts, 'beginAnew'>;
    readonly roce: Pick<RoceLine, 'beginAnew'> | undefined;
    readonly roceSeen: { keep(): void };
    readonly audiences: readonly Audience[];
    /** Number of the last refresh. */
    lastRefresh(): number;
    /** All begins at 0 now. */
    onBegun?(): void;
    readonly clock: Pick<Clock, 'nowMs'>;
    readonly log: Pick<Logger, 'info' | 'error'>;
  },
): () => Promise<void> {
  const { hostIp, accounts, roce, log } = parts;
  let dueSinceMs: number | undefined;
  let mustBegin = false;

  function mayChange(): boolean {
    if (!hostIp.isDue) {
      dueSinceMs = undefined;
      return false;
    }
    dueSinceMs ??= parts.clock.nowMs();
    const areSeen = parts.audiences.every((one) => one.seen().ends >= parts.lastRefresh());
    return areSeen || parts.clock.nowMs() - dueSinceMs >= options.maxIntervalMs;
  }

  return async () => {
    if (mayChange()) {
      dueSinceMs = undefined;
      const before = hostIp.current;
      hostIp.adopt();
      const change = before === '' ? hostIp.current : `${before} -> ${hostIp.current}`;
      log.info(`the address of this host, label host_ip: ${change}; its series begin anew under it`);
      parts.roceSeen.keep();
      mustBegin = true;
    }
    if (!mustBegin) return;
    try {
      await accounts.beginAnew();
      await roce?.beginAnew();
      mustBegin = false;
      parts.onBegun?.();
    } catch (error) {
      log.error({ err: error }, 'the series of the former address could not be ended; trying again');
    }
  };
}
