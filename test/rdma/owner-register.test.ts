// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OTHER_OWNER, OwnerRegister, UNKNOWN_OWNER } from '../../src/rdma/owner-register.js';
import { processOwner } from '../support/rdma/queue-pair-tables.js';

function create(maxOwners: number): OwnerRegister {
  return new OwnerRegister({ maxOwners, idleTimeoutMs: 1000 });
}

test('a job or a pod is one owner whatever its processes call themselves, by the first name', () => {
  for (const of of [{ slurmJob: '7' }, { podUid: 'a' }, { slurmJob: '7', podUid: 'a' }]) {
    const register = create(2);
    const first = register.claim(processOwner(1, { ...of, comm: 'python3' }), 0);
    assert.equal(first.comm, 'python3');
    for (let i = 0; i < 10; i++) {
      assert.equal(register.claim(processOwner(2, { ...of, comm: `rank ${i}` }), 0), first);
    }
    assert.notEqual(register.claim(processOwner(3, { slurmJob: '8' }), 0), OTHER_OWNER, 'a place is left');
  }
});

test('processes of no job or pod, and modules, are told apart by their names', () => {
  const register = create(3);
  const owners = [
    register.claim(processOwner(1, { comm: 'a' }), 0),
    register.claim(processOwner(2, { comm: 'b' }), 0),
    register.claim({ kind: 'kernel', comm: 'a' }, 0),
  ];
  assert.equal(new Set(owners).size, 3);
  assert.equal(register.claim({ kind: 'kernel', comm: 'b' }, 0), OTHER_OWNER);
});

test('what an older reading names is shown as it is now, and is nobody’s once its place is given up', () => {
  const register = create(1);
  const former = register.claim(processOwner(1, { slurmJob: '7', comm: 'a' }), 0);
  assert.equal(register.shown(OTHER_OWNER), OTHER_OWNER);
  assert.equal(register.shown(UNKNOWN_OWNER), UNKNOWN_OWNER);
  assert.deepEqual(register.expire(1001), [former]);
  assert.equal(register.shown(former), UNKNOWN_OWNER);
  const again = register.claim(processOwner(2, { slurmJob: '7', comm: 'b' }), 1001);
  assert.equal(register.shown(former), again);
});
