// SPDX-License-Identifier: Apache-2.0
// The step of a refresh that takes over a new address of the host.

import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { Logger } from '../log.js';
import type { HostIpFollower } from '../system/host-ip-follower.js';

/** Within the guard: until the next refresh everything that is shown has the same host_ip. */
export function createHostIpStep(parts: {
  readonly hostIp: HostIpFollower;
  readonly accounts: FlowAccounts;
  readonly log: Logger;
  /** After the accounts have rendered all labels anew. */
  onRelabel(): void;
}): () => Promise<void> {
  const { hostIp, accounts, log } = parts;
  let labelledIp = hostIp.current;
  return async () => {
    const before = hostIp.current;
    if (hostIp.adopt()) {
      const change = before === '' ? hostIp.current : `${before} -> ${hostIp.current}`;
      log.info(`the address of this host, label host_ip: ${change}; its series begin anew under it`);
    }
    if (labelledIp === hostIp.current) return;
    await accounts.relabel();
    parts.onRelabel();
    labelledIp = hostIp.current;
  };
}
