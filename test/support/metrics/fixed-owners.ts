// SPDX-License-Identifier: Apache-2.0
// Queue pairs of three devices, and what was counted of their packets. For tests only.

import type { Family } from '../../../src/metrics/definition.js';
import { ownerFamilies } from '../../../src/metrics/owner-families.js';
import { ENDED_OWNER, OwnerRegister, UNKNOWN_OWNER } from '../../../src/rdma/owner-register.js';
import { DeviceQueuePairs } from '../../../src/rdma/queue-pair-lookup.js';
import type { QueuePairsView } from '../../../src/rdma/queue-pair-rounds.js';
import { FIXED_LABELS } from '../exposition/series-fixture.js';
import { processOwner, tableOf } from '../rdma/queue-pair-tables.js';
import { FIXED_RDMA } from './fixed-rdma.js';

const JOB = processOwner(4711, { comm: 'python3', slurmJob: '1392969' });
const POD = processOwner(4712, { comm: 'ib_write_bw', podUid: '6c1a2c4e-0d5b-4d0c-9a55-0f3a3f9d7e11' });

const register = () => new OwnerRegister({ maxOwners: 2, idleTimeoutMs: 300_000 });

export function fixedQueuePairs(): QueuePairsView {
  const owners = register();
  const table = tableOf([
    { number: 0x000101, remoteNumber: 0x000201, owner: JOB },
    { number: 0x000102, remoteNumber: 0x000202, owner: JOB },
    { number: 0x000103, owner: POD, type: 4 },
    { number: 1, owner: { kind: 'kernel', comm: 'ib_core' }, type: 1 },
    { number: 0x000104, owner: { kind: 'unknown', reason: 'no_pid' }, port: 0, state: 0 },
  ]);
  const queuePairs = new DeviceQueuePairs(table, (owner) => owners.claim(owner, 0));
  const none = { timeouts: 0, errors: 0, refusedMessages: 0 };
  const counts = { bytes: 1_000_000, cePackets: 10, naks: 2, rnrNaks: 3, retransmittedPackets: 4 };
  return {
    devices: [
      { device: 'mlx5_0', queuePairs, isRead: true, ...none, refusedMessages: 1 },
      { device: 'mlx5_1', queuePairs: undefined, isRead: false, ...none, timeouts: 2 },
      // Of a kernel without RDMA netlink.
      { device: 'siw0', queuePairs: undefined, isRead: true, ...none },
    ],
    sums: {
      rows: [
        { interfaceName: 'eth2', owner: ENDED_OWNER, counts: { ...counts, bytes: 70, naks: 0 } },
        { interfaceName: 'eth2', owner: owners.claim(JOB, 0), counts },
        { interfaceName: 'eth2', owner: UNKNOWN_OWNER, counts: { ...counts, bytes: 500, cePackets: 0 } },
      ],
      waitingBytes: new Map([['eth2', 4096]]),
    },
  };
}

export function fixedOwnerFamilies(perQueuePair = true): Family[] {
  return ownerFamilies(fixedQueuePairs(), FIXED_RDMA.ports, { ...FIXED_LABELS, perQueuePair });
}
