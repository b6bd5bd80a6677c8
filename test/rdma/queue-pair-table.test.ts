// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { constants } from 'node:os';
import { test } from 'node:test';
import type { Nldev } from '../../src/kernel/rdma/nldev.js';
import { MOST_QUEUE_PAIRS, readQueuePairTable } from '../../src/rdma/queue-pair-table.js';
import { processOwner } from '../support/rdma/queue-pair-tables.js';

const DEVICES = { entries: [{ index: 3, name: 'mlx5_0' }], leftOut: 0, refused: 0 };
const KERNELS = {
  remoteNumber: undefined,
  port: 1,
  type: 1,
  state: 3,
  pid: undefined,
  kernelName: 'ib_core',
};
const OURS = { remoteNumber: 9, port: undefined, type: 2, state: 1, pid: 7, kernelName: undefined };

function read(nldev: Partial<Nldev> | { readonly problem: string }, device = 'mlx5_0') {
  let nowMs = 0;
  return readQueuePairTable(device, {
    nldev:
      'problem' in nldev
        ? nldev
        : { devices: () => DEVICES, queuePairs: () => constants.errno.EINVAL, ...nldev },
    processes: { of: (pid) => processOwner(pid) },
    nowMs: () => ++nowMs,
  });
}

test('columns, each owner once, and the time of each source', () => {
  const asked: number[][] = [];
  const table = read({
    queuePairs(...what) {
      asked.push(what);
      const entries = [
        { number: 1, ...KERNELS },
        { number: 17, ...OURS },
        { number: 18, ...OURS },
        { number: 19, ...OURS, pid: undefined },
      ];
      return { entries, leftOut: 5, refused: 1 };
    },
  });
  assert.deepEqual(asked, [[3, MOST_QUEUE_PAIRS]]);
  assert.deepEqual(table, {
    ...{ numbers: [1, 17, 18, 19], remoteNumbers: [-1, 9, 9, 9], ports: [1, 0, 0, 0] },
    ...{ types: [1, 2, 2, 2], states: [3, 1, 1, 1], ownerPlaces: [0, 1, 1, 2] },
    owners: [{ kind: 'kernel', comm: 'ib_core' }, processOwner(7), { kind: 'unknown', reason: 'no_pid' }],
    ...{ leftOut: 5, refused: 1, netlinkMs: 1, procMs: 1 },
  });
});

test('what the kernel does not know is absent; what it refuses has failed', () => {
  const { EPROTONOSUPPORT, EIO } = constants.errno;
  assert.deepEqual(read({ devices: () => EPROTONOSUPPORT }), {
    ...{ problem: 'absent', reason: 'RDMA netlink: EPROTONOSUPPORT' },
  });
  assert.deepEqual(read({}, 'rxe0'), { problem: 'absent', reason: 'RDMA netlink does not list the device' });
  assert.deepEqual(read({}), { problem: 'absent', reason: 'RDMA netlink: EINVAL' });
  assert.deepEqual(read({ queuePairs: () => EIO }), { problem: 'failed', reason: 'RDMA netlink: EIO' });
  assert.deepEqual(read({ problem: 'no module' }), { problem: 'failed', reason: 'no module' });
});
