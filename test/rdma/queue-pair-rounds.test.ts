// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import fc from 'fast-check';
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
let watched: readonly string[];

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
  return { ports, relatives: new Map(watched.map((name) => [name, [name]])), durationMs: 1 };
}

function sums(): Record<string, number> {
  const rows = rounds.view()?.sums.rows ?? [];
  return Object.fromEntries(
    rows
      .filter(({ owner, counts }) => owner.kind !== 'ended' || counts.bytes > 0)
      .map(({ interfaceName, owner, counts }) => [
        `${interfaceName} ${owner.kind} ${owner.job || owner.pod || owner.comm}`.trim(),
        counts.bytes,
      ]),
  );
}

/** By interface: what is in rows or waits. */
function booked(): Record<string, number> {
  const { rows = [], waitingBytes = new Map<string, number>() } = rounds.view()?.sums ?? {};
  const all = new Map(waitingBytes);
  for (const { interfaceName, counts } of rows) {
    all.set(interfaceName, (all.get(interfaceName) ?? 0) + counts.bytes);
  }
  return Object.fromEntries(all);
}

const qp = (number: number, owner: QueuePairOwner): QueuePairSpec => ({ number, owner });

/** Bytes to a queue pair, then a reading and one more, which shows what waited for a 0. */
async function carry(bytes: number, number = 17, name = 'eth0'): Promise<void> {
  drain(bytes, number, name);
  await rounds.read(round('rxe0', 'rxe1'));
}

function drain(bytes: number, number = 17, name = 'eth0'): void {
  rounds.beginDrain();
  rounds.note(name, number, { ...NO_COUNTS, bytes });
}

beforeEach(() => {
  [answers, asked, limits, logged] = [{}, [], [], []];
  [readingMs, nowMs] = [0, 0];
  watched = ['eth0', 'eth1'];
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
  assert.deepEqual(left, { 'eth0 other': 10, 'eth0 ended': 100, 'eth0 pod b': 2, 'eth0 unknown': 0 });
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

test('an interface without a device has no sums, and nothing of it is kept', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]) };
  drain(100, 17, 'eth1'); // before it is known which interfaces have devices
  drain(5);
  await rounds.read(round('rxe0'));
  drain(200, 17, 'eth1');
  assert.deepEqual(booked(), { eth0: 5 });
  await rounds.read(round('rxe0'));
  assert.deepEqual(sums(), { 'eth0 process nccl': 5 });
  assert.equal(rounds.isNoting, true);
  await rounds.read(round());
  assert.equal(rounds.isNoting, false);
});

test('an interface that gets a device is counted from the next drain on, and all of that', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]), rxe1: tableOf([qp(17, processOwner(2))]) };
  await rounds.read(round('rxe0'));
  drain(1, 17, 'eth1');
  await rounds.read(round('rxe0', 'rxe1')); // in the middle of a drain
  rounds.note('eth1', 17, { ...NO_COUNTS, bytes: 2 });
  assert.deepEqual(booked(), {});
  drain(40, 17, 'eth1');
  rounds.note('eth1', 18, { ...NO_COUNTS, bytes: 400 });
  assert.deepEqual(booked(), { eth1: 440 });
  await rounds.read(round('rxe0', 'rxe1'));
  await rounds.read(round('rxe0', 'rxe1'));
  assert.deepEqual(sums(), { 'eth1 process nccl': 40, 'eth1 unknown': 400 });
});

test('an interface whose device goes has no sums from then on, also while devices rest', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]), rxe1: tableOf([qp(17, processOwner(2))]) };
  await carry(10);
  await carry(20, 17, 'eth1');
  readingMs = 1000;
  await carry(0);
  drain(7, 17, 'eth1');
  await rounds.read(round('rxe0')); // too early to read anything
  rounds.note('eth1', 17, { ...NO_COUNTS, bytes: 7 }); // the rest of that drain
  assert.deepEqual(booked(), { eth0: 10 });
  nowMs += 60_000;
  await rounds.read(round('rxe0', 'rxe1')); // it is back
  rounds.note('eth1', 17, { ...NO_COUNTS, bytes: 7 });
  drain(3, 17, 'eth1');
  assert.deepEqual(booked(), { eth0: 10, eth1: 3 });
});

test('an interface that is no longer watched takes its rows along', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1))]), rxe1: tableOf([]) };
  await carry(10);
  await carry(20, 17, 'eth1');
  await carry(0);
  assert.deepEqual(booked(), { eth0: 10, eth1: 20 });
  watched = ['eth0'];
  await carry(0);
  assert.deepEqual(booked(), { eth0: 10 });
  assert.deepEqual([...(rounds.view()?.sums.waitingBytes.keys() ?? [])], ['eth0']);
});

test('a device of which nothing could be read for long: its owners have ended, and bytes are nobody’s', async () => {
  answers = { rxe0: tableOf([qp(17, processOwner(1, { podUid: 'a' }))]) };
  await carry(100);
  await carry(0);
  answers['rxe0'] = { failure: 'error', reason: 'EIO' };
  nowMs += 300_001;
  await carry(0);
  await carry(5);
  await carry(0);
  assert.deepEqual(sums(), { 'eth0 ended': 100, 'eth0 unknown': 5 });
});

test('law: sums of an interface with a device are what drains since it has one have counted', async () => {
  const step = fc.oneof(
    fc.record({
      do: fc.constant('drain' as const),
      parts: fc.array(fc.tuple(fc.nat(1), fc.nat(3), fc.nat(99))),
    }),
    fc.record({
      do: fc.constant('read' as const),
      devices: fc.subarray(['rxe0', 'rxe1']),
      passMs: fc.nat(400_000),
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      rounds = create(1);
      const owners = [processOwner(1), processOwner(2, { podUid: 'b' })];
      answers = Object.fromEntries(
        owners.map((owner, device) => [`rxe${device}`, tableOf([qp(1, owner), qp(2, owners[0] ?? owner)])]),
      );
      let pairs: Record<string, number> = { eth0: 0, eth1: 0 };
      let isFirst = true;
      for (const one of steps) {
        if (one.do === 'drain') {
          rounds.beginDrain();
          for (const [place, number, bytes] of one.parts) {
            const name = `eth${place}`;
            rounds.note(name, number, { ...NO_COUNTS, bytes });
            if (isFirst || name in pairs) pairs[name] = (pairs[name] ?? 0) + bytes;
          }
          continue;
        }
        nowMs += one.passMs;
        await rounds.read(round(...one.devices));
        const former: Record<string, number> = pairs;
        pairs = Object.fromEntries(
          one.devices.map((device) => device.replace('rxe', 'eth')).map((name) => [name, former[name] ?? 0]),
        );
        isFirst = false;
        const sumsOf = booked();
        for (const [name, bytes] of Object.entries(pairs)) assert.equal(sumsOf[name] ?? 0, bytes);
        assert.deepEqual(
          Object.keys(sumsOf).filter((name) => !(name in pairs)),
          [],
        );
      }
    }),
  );
});
