// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENDED_OWNER, OTHER_OWNER, type OwnerLabels, UNKNOWN_OWNER } from '../../src/rdma/owner-register.js';
import { type OwnedCounts, OwnerSums } from '../../src/rdma/owner-sums.js';

const NCCL: OwnerLabels = { kind: 'process', job: '', pod: '', comm: 'nccl' };
const JOB: OwnerLabels = { kind: 'slurm', job: '7', pod: '', comm: 'nccl' };

function counts(bytes: number): OwnedCounts {
  return { bytes, cePackets: 1, naks: 2, rnrNaks: 3, retransmittedPackets: 4 };
}

function shown(sums: OwnerSums): unknown[] {
  return sums
    .view()
    .rows.filter(({ owner, counts: own }) => owner !== ENDED_OWNER || own.bytes > 0)
    .map(({ interfaceName, owner, counts: own }) => [interfaceName, owner.kind, own.bytes]);
}

test('what a drain counts waits for the next reading, and for a 0 of its series', () => {
  const sums = new OwnerSums();
  sums.note('eth0', 17, counts(100));
  assert.deepEqual(shown(sums), []);
  assert.equal(sums.view().waitingBytes.get('eth0'), 100);
  sums.seal();
  sums.note('eth0', 17, counts(7)); // of a drain during the reading: for the next
  sums.settle(() => NCCL);
  assert.deepEqual(shown(sums), [['eth0', 'process', 0]]);
  assert.equal(sums.view().waitingBytes.get('eth0'), 107);
  sums.seal();
  sums.settle(() => NCCL);
  assert.deepEqual(shown(sums), [['eth0', 'process', 107]]);
  assert.equal(sums.view().waitingBytes.get('eth0'), 0);
  const row = sums.view().rows.find(({ owner }) => owner === NCCL);
  assert.deepEqual(row?.counts, { bytes: 107, cePackets: 2, naks: 4, rnrNaks: 6, retransmittedPackets: 8 });
});

test('an owner that ends leaves its counts to `ended`, also those that still wait', () => {
  const sums = new OwnerSums();
  for (const queuePair of [17, 18]) sums.note('eth0', queuePair, counts(10));
  sums.seal();
  sums.settle((_name, queuePair) => (queuePair === 17 ? NCCL : JOB));
  sums.end(NCCL);
  sums.seal();
  sums.settle(() => UNKNOWN_OWNER);
  assert.deepEqual(shown(sums), [
    ['eth0', 'ended', 10],
    ['eth0', 'slurm', 10],
  ]);
});

test('what an owner that ends had is never added to a series that others count in', () => {
  const sums = new OwnerSums();
  const rowOf = (owner: OwnerLabels) => sums.view().rows.find((row) => row.owner === owner)?.counts.bytes;
  const round = (owner: OwnerLabels, bytes: number) => {
    sums.note('eth0', 17, counts(bytes));
    sums.seal();
    sums.settle(() => owner);
  };
  round(NCCL, 1000);
  assert.equal(rowOf(ENDED_OWNER), 0, 'it is there before anything ends');
  round(OTHER_OWNER, 5);
  round(OTHER_OWNER, 5);
  assert.equal(rowOf(OTHER_OWNER), 10);
  sums.end(NCCL);
  assert.deepEqual([rowOf(NCCL), rowOf(ENDED_OWNER), rowOf(OTHER_OWNER)], [undefined, 1000, 10]);
});

test('interfaces that are not retained take all along', () => {
  const sums = new OwnerSums();
  for (const name of ['eth0', 'eth1']) sums.note(name, 17, counts(1));
  sums.seal();
  sums.settle(() => NCCL); // held
  for (const name of ['eth0', 'eth1']) sums.note(name, 17, counts(10));
  sums.seal(); // sealed
  for (const name of ['eth0', 'eth1']) sums.note(name, 17, counts(100)); // open
  sums.retain(new Set(['eth1']));
  assert.deepEqual([...sums.view().waitingBytes], [['eth1', 111]]);
  sums.settle(() => NCCL);
  assert.deepEqual(shown(sums), [['eth1', 'process', 11]]);
});

test('nothing is kept for more queue pairs than there is room for', () => {
  const sums = new OwnerSums();
  for (let queuePair = 0; queuePair < 65_546; queuePair++) sums.note('eth0', queuePair, counts(1));
  const asked = new Set<number>();
  sums.seal();
  sums.settle((_name, queuePair) => {
    asked.add(queuePair);
    return NCCL;
  });
  sums.seal();
  sums.settle(() => NCCL);
  assert.equal(asked.size, 65_536);
  assert.deepEqual(shown(sums), [
    ['eth0', 'process', 65_536],
    ['eth0', 'unknown', 10],
  ]);
});

test('law: whatever is noted is in a row or waits, at every moment', () => {
  const owners = [NCCL, JOB, UNKNOWN_OWNER, OTHER_OWNER];
  const step = fc.oneof(
    fc.record({
      do: fc.constant('note' as const),
      name: fc.constantFrom('eth0', 'eth1'),
      queuePair: fc.nat(5),
      bytes: fc.nat(1000),
    }),
    fc.record({ do: fc.constantFrom('seal' as const, 'settle' as const), owner: fc.nat(3) }),
    fc.record({ do: fc.constant('end' as const), owner: fc.nat(1) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const sums = new OwnerSums();
      let noted = 0;
      for (const one of steps) {
        if (one.do === 'note') {
          noted += one.bytes;
          sums.note(one.name, one.queuePair, counts(one.bytes));
        } else if (one.do === 'seal') sums.seal();
        else if (one.do === 'end') sums.end(owners[one.owner] ?? NCCL);
        else sums.settle((_name, queuePair) => owners[(one.owner + queuePair) % owners.length] ?? NCCL);
        const { rows, waitingBytes } = sums.view();
        const all = rows.reduce((sum, row) => sum + row.counts.bytes, 0);
        const waiting = [...waitingBytes.values()].reduce((sum, bytes) => sum + bytes, 0);
        assert.equal(all + waiting, noted);
      }
    }),
  );
});
