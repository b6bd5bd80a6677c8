// SPDX-License-Identifier: Apache-2.0
// Readings of queue pairs, from a description. For tests only.

import type { QueuePairOwner } from '../../../src/rdma/process-owners.js';
import { NO_NUMBER, type QueuePairTable } from '../../../src/rdma/queue-pair-table.js';

export interface QueuePairSpec {
  readonly number: number;
  readonly owner: QueuePairOwner;
  readonly remoteNumber?: number;
  readonly port?: number;
  readonly type?: number;
  readonly state?: number;
}

export function processOwner(
  pid: number,
  more: {
    readonly startTicks?: number;
    readonly comm?: string;
    readonly podUid?: string;
    readonly slurmJob?: string;
  } = {},
): QueuePairOwner {
  return {
    ...{ kind: 'process', pid, startTicks: 100 + pid, comm: 'nccl' },
    ...{ podUid: '', containerId: '', slurmJob: '', slurmStep: '', ...more },
  };
}

/** Connected RC queue pairs of port 1 unless told otherwise. */
export function tableOf(specs: readonly QueuePairSpec[], more: Partial<QueuePairTable> = {}): QueuePairTable {
  const owners = [...new Set(specs.map(({ owner }) => owner))];
  return {
    numbers: specs.map(({ number }) => number),
    remoteNumbers: specs.map(({ remoteNumber }) => remoteNumber ?? NO_NUMBER),
    ports: specs.map(({ port }) => port ?? 1),
    types: specs.map(({ type }) => type ?? 2),
    states: specs.map(({ state }) => state ?? 3),
    ownerPlaces: specs.map(({ owner }) => owners.indexOf(owner)),
    owners,
    leftOut: 0,
    refused: 0,
    netlinkMs: 2,
    procMs: 1,
    ...more,
  };
}
