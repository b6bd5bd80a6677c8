// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OWNER_METRICS, ownerFamilies } from '../../src/metrics/owner-families.js';
import { OwnerRegister } from '../../src/rdma/owner-register.js';
import { DeviceQueuePairs } from '../../src/rdma/queue-pair-lookup.js';
import { fixedOwnerFamilies, fixedQueuePairs } from '../support/metrics/fixed-owners.js';
import { FIXED_RDMA } from '../support/metrics/fixed-rdma.js';
import { processOwner, tableOf } from '../support/rdma/queue-pair-tables.js';

const OPTIONS = { hostIp: '', collectAgg: '', perQueuePair: true };

function linesOf(name: string, families = fixedOwnerFamilies()): string[] {
  const family = families.find((one) => one.name === name);
  return (family?.samples ?? []).map(({ labels, value }) => {
    const own = labels.filter(
      ([label, text]) => label !== 'host_ip' && label !== 'collect_agg' && text !== '',
    );
    return `${own.map(([label, text]) => `${label}=${text}`).join(' ')} ${value}`;
  });
}

test('families are those of the catalogue, in its order, also where there is nothing', () => {
  const names = OWNER_METRICS.map(({ definition }) => definition.name);
  const nothing = { devices: [], sums: { rows: [], waitingBytes: new Map<string, number>() } };
  for (const families of [fixedOwnerFamilies(), ownerFamilies(nothing, [], OPTIONS)]) {
    assert.deepEqual(
      families.map(({ name }) => name),
      names,
    );
  }
});

test('queue pairs by what is known of who has them; beyond the bound they are others', () => {
  const pod = 'pod=6c1a2c4e-0d5b-4d0c-9a55-0f3a3f9d7e11';
  assert.deepEqual(linesOf('xtrace_rdma_queue_pairs'), [
    'rdma_device=mlx5_0 port=1 type=rc state=rts owner=slurm job=1392969 comm=python3 2',
    `rdma_device=mlx5_0 port=1 type=ud state=rts owner=pod ${pod} comm=ib_write_bw 1`,
    'rdma_device=mlx5_0 port=1 type=gsi state=rts owner=other 1',
    'rdma_device=mlx5_0 port=0 type=rc state=reset owner=unknown 1',
  ]);
});

test('what is absent is left out, what fails is 0', () => {
  assert.deepEqual(linesOf('xtrace_rdma_queue_pair_read_success'), [
    'rdma_device=mlx5_0 1',
    'rdma_device=mlx5_1 0',
  ]);
  assert.deepEqual(
    linesOf('xtrace_rdma_unattributed_queue_pairs').filter((line) => !line.endsWith(' 0')),
    ['rdma_device=mlx5_0 reason=no_pid 1', 'rdma_device=mlx5_0 reason=untracked 2'],
  );
});

test('a driver that counts its queue pairs tells how many the kernel does not track', () => {
  const [port] = FIXED_RDMA.ports;
  assert.ok(port?.counters !== undefined);
  const counters = { ...port.counters, hardware: { active_qps: 12 } };
  const families = ownerFamilies(fixedQueuePairs(), [{ ...port, counters }], OPTIONS);
  assert.ok(
    linesOf('xtrace_rdma_unattributed_queue_pairs', families).includes(
      'rdma_device=mlx5_0 reason=untracked 7',
    ),
  );
});

test('a series for each queue pair only where it is asked for, and no more than there is room for', () => {
  const name = 'xtrace_rdma_queue_pair_info';
  assert.deepEqual(linesOf(name, fixedOwnerFamilies(false)), []);
  assert.equal(linesOf(name).length, 5);
  assert.match(linesOf(name)[0] ?? '', /queue_pair=257 remote_queue_pair=513 .* pid=4711 1$/);
  const owners = new OwnerRegister({ maxOwners: 1, idleTimeoutMs: 1 });
  const owner = processOwner(1);
  const table = tableOf(Array.from({ length: 4099 }, (_, number) => ({ number, owner })));
  const queuePairs = new DeviceQueuePairs(table, (one) => owners.claim(one, 0));
  const device = { device: 'mlx5_0', queuePairs, isRead: true, timeouts: 0, errors: 0, refusedMessages: 0 };
  const view = { devices: [device], sums: { rows: [], waitingBytes: new Map<string, number>() } };
  const families = ownerFamilies(view, [], OPTIONS);
  assert.equal(linesOf(name, families).length, 4096);
  assert.deepEqual(linesOf('xtrace_rdma_queue_pairs_without_series', families), [' 3']);
});
