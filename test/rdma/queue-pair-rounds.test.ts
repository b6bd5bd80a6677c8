// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { RdmaAnswer, RdmaQuestion } from '../../src/rdma/answers.js';
import type { IsolatedReader, Reading } from '../../src/rdma/isolated-reader.js';
import type { RdmaPortStatus, RdmaRound } from '../../src/rdma/port-reader.js';
import type { QueuePairOwner } from '../../src/rdma/process-owners.js';
import { createQueuePairRounds, type QueuePairRounds } from '../../src/rdma/queue-pair-rounds.js';
import type { QueuePairReading } from '../../src/rdma/queue-pair-table.js';
import { processOwner, type QueuePairSpec, tableOf } from '../support/rdma/queue-pair-tables.js';

const NO_COUNTS = { cePackets: 0, naks: 0, rnrNaks: 0, retransmittedPackets: 0 };
const ABSENT = { problem: 'absent', reason: 'RDMA netlink: EPROTONOSUPPORT' } as const;

let answers: Record<string, QueuePairReading | Reading<RdmaAnswer>>;
let asked: string[];
let limits: (number | undefined)[];
let readingMs: number;
let nowMs: number;
let logged: object[];
let rounds: QueuePairRounds;

const isolated: IsolatedReader<RdmaQuestion, RdmaAnswer> = {
  async ask(key, _question, limitMs) {
    asked.push(key);
    limits.push(limitMs);
    nowMs += readingMs;
    const answer = answers[key.split(' ').at(-1) ?? ''] ?? ABSENT;
    if ('failure' in answer || 'answer' in answer) return answer;
    return { answer: { queuePairs: answer as QueuePairReading } };
  },
  release: () => undefined,
  close: () => undefined,
};

function create(maxOwners = 256): QueuePairRounds {
  return createQueuePairRounds(
    { maxOwners, idleTimeoutMs: 300_000 },
    {
      isolated,
      clock: { nowMs: () => nowMs },
      log: { info: (fields) => logged.push(fields), warn: (fields) => logged.push(fields) },
    },
  );
}

/** One port a device, on the interface of the same number. */
function round(...devices: readonly string[]): RdmaRound {
  const ports = devices.map(
    (device): RdmaPortStatus => ({
      name: { device, port: 1 },
      identity: {
        ...{ device, port: 1, driver: 'rdma_rxe', isSoft: true, linkLayer: 'Ethernet' },
        ...{ netdevs: [device.replace('rxe', 'eth')], hasGidNetdevs: true, isVirtualFunction: false },
        ...{ nodeGuid: undefined, firmwareVersion: undefined, hcaType: undefined, boardId: undefined },
      },
      ...{ link: undefined, counters: undefined, timeouts: 0, errors: 0 },
    }),
  );
  const names = ['eth0', 'eth1'];
  return { ports, relatives: new Map(names.map((name) => [name, [name]])), durationMs: 1 };
}

function sums(): Record<string, number> {
  const rows = rounds.view()?.sums.rows ?? [];
  return Object.fromEntries(
    rows.map(({ interfaceName, owner, counts }) => [
      `${interfaceName} ${owner.kind} ${owner.slurmJob || owner.podUid || owner.comm}`.trim(),
      counts.bytes,
    ]),
  );
}

const qp = (number: number, owner: QueuePairOwner): QueuePairSpec => ({ number, owner });

/** Bytes to a queue pair, then a reading and one more, which shows what waited for a 0. */
async function carry(bytes: number, number = 17, name = 'eth0'): Promise<void> {
  rounds.note(name, number, { ...NO_COUNTS, bytes });
  await rounds.read(round('rxe0', 'rxe1'));
}

beforeEach(() => {
  [answers, asked, limits, logged] = [{}, [], [], []];
  [readingMs, nowMs] = [0, 0];
  rounds = create();
});

test('bytes go to whoever has the number on the device of the interface', async () => {
  const [nccl, job] = [processOwner(1), processOwner(2, { slurmJob: '7' })];
  answers = { rxe0: tableOf([qp(17, nccl)]), rxe1: tableOf([qp(17, job)]) };
  await carry(100, 17, 'eth0');
  await carry(200, 17, 'eth1');
  await carry(1, 99, 'eth0');
  await carry(0);
  await carry(0);
  assert.deepEqual(sums(), { 'eth0 process nccl': 100, 'eth1 slurm 7': 200, 'eth0 unknown': 1 });
  assert.deepEqual(asked.slice(0, 2), ['queue pairs rxe0', 'queue pairs rxe1']);
  assert.deepEqual(limits.slice(0, 2), [3000, 3000]);
});

test('a process that has ended since the last reading still has its bytes', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]) };
  await carry(0);
  answers = { rxe0: tableOf([]) };
  await carry(100);
  await carry(0);
  assert.equal(sums()['eth0 process nccl'], 100);
  await carry(5);
  await carry(0);
  assert.equal(sums()['eth0 unknown'], 5, 'two readings later nobody has the number');
});

test('a number that another process uses: a new owner, and bytes between are nobody’s', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1, { podUid: 'a' }))]) };
  await carry(100);
  await carry(0);
  answers = { rxe0: tableOf([qp(17, processOwner(2, { podUid: 'b' }))]) };
  await carry(10);
  await carry(1000);
  await carry(0);
  assert.deepEqual(sums(), { 'eth0 pod a': 100, 'eth0 unknown': 10, 'eth0 pod b': 1000 });
});

test('the same PID of a later process is another owner', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1, { startTicks: 1, podUid: 'a' }))]) };
  await carry(0);
  answers = { rxe0: tableOf([qp(17, processOwner(1, { startTicks: 2, podUid: 'b' }))]) };
  await carry(10);
  await carry(0);
  assert.deepEqual(sums(), { 'eth0 pod a': 0, 'eth0 pod b': 0, 'eth0 unknown': 10 });
});

test('beyond max_owners they are others, until a place is free', async () => {
  rounds = create(1);
  answers = {
    rxe0: tableOf([qp(17, processOwner(1, { podUid: 'a' })), qp(18, processOwner(2, { podUid: 'b' }))]),
  };
  await carry(100, 17);
  await carry(10, 18);
  await carry(0);
  assert.deepEqual(sums(), { 'eth0 pod a': 100, 'eth0 other': 10 });
  answers = { rxe0: tableOf([qp(18, processOwner(2, { podUid: 'b' }))]) };
  await carry(0);
  nowMs += 300_001;
  await carry(0); // the first gives up its place
  await carry(1, 18); // and the second takes it
  await carry(1, 18);
  await carry(0);
  const { 'eth0 pod a': gone, ...left } = sums();
  assert.equal(gone, undefined);
  assert.equal(
    Object.values(left).reduce((sum, bytes) => sum + bytes, 0),
    112,
  );
  assert.ok((left['eth0 pod b'] ?? 0) >= 1);
});

test('a device that hangs takes none of the others with it, is told of once, and is left out', async () => {
  answers = {
    rxe0: { failure: 'timeout', reason: 'no answer within 3000 ms' },
    rxe1: tableOf([qp(17, processOwner(1))]),
  };
  await carry(100, 17, 'eth1');
  answers['rxe0'] = { failure: 'resting', reason: 'its last reading hung' };
  await carry(0);
  const view = rounds.view();
  assert.deepEqual(
    view?.devices.map(({ device, isRead, queuePairs, timeouts, errors }) => [
      ...[device, isRead, queuePairs?.groups.length, timeouts, errors],
    ]),
    [
      ['rxe0', false, undefined, 1, 0],
      ['rxe1', true, 1, 0, 0],
    ],
  );
  assert.deepEqual(logged, [{ device: 'rxe0', reason: 'no answer within 3000 ms' }]);
  assert.equal(sums()['eth1 process nccl'], 100);
});

test('a kernel without RDMA netlink: nothing failed, and nothing is noted any more', async () => {
  await carry(100);
  assert.equal(rounds.isNoting, false);
  await carry(100);
  const view = rounds.view();
  assert.deepEqual(view?.sums.rows, []);
  assert.deepEqual([...(view?.sums.waitingBytes ?? [])], []);
  assert.deepEqual(
    view?.devices.map(({ isRead, errors }) => [isRead, errors]),
    [
      [true, 0],
      [true, 0],
    ],
  );
  assert.deepEqual(logged, []);
});

test('a device that hangs does not make the others rest', async () => {
  answers = { rxe0: { failure: 'timeout', reason: 'late' }, rxe1: { failure: 'timeout', reason: 'late' } };
  readingMs = 3000;
  await carry(0);
  await carry(0);
  assert.equal(asked.length, 4);
});

test('readings take a twentieth of the time; what is counted meanwhile waits', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]) };
  readingMs = 100;
  await carry(1);
  asked = [];
  nowMs += 3999;
  await carry(10);
  assert.deepEqual(asked, []);
  nowMs += 1;
  await carry(100);
  assert.equal(asked.length, 2);
  assert.equal(sums()['eth0 process nccl'], 111);
});
