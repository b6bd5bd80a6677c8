// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCgroupOwner } from '../../src/rdma/cgroup-owner.js';
import { createProcessOwners, parseProcessStat } from '../../src/rdma/process-owners.js';
import { SYSFS_FILES } from '../../src/system/sysfs-files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** proc_pid_stat(5). */
function statOf(pid: number, comm: string, startTicks: number): string {
  return `${pid} (${comm}) S 1 1 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 ${startTicks} 1024 3\n`;
}

test('a name may hold anything, parentheses and line breaks too', () => {
  for (const comm of ['ib_write_bw', 'a b', ') S 1 (', '((', '\n', '']) {
    assert.deepEqual(parseProcessStat(statOf(7, comm, 123_456)), { comm, startTicks: 123_456 });
  }
  for (const text of [undefined, '', '7', '7 (', '7 (a)', '7 (a) S 1 2', '7 )a(', statOf(7, 'a', -1)]) {
    assert.equal(parseProcessStat(text), undefined, String(text));
  }
});

test('no text is too strange', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      parseProcessStat(text);
      parseCgroupOwner(text);
    }),
  );
});

test('a process is read once; one that /proc does not show is unreadable', () => {
  const procPath = temporaryFolder('xtrace-proc-');
  mkdirSync(join(procPath, '7'));
  writeFileSync(join(procPath, '7/stat'), statOf(7, 'nccl', 99));
  writeFileSync(join(procPath, '7/cgroup'), '0::/system.slice/slurmstepd.scope/job_5/step_1/user/task_0\n');
  let reads = 0;
  const files = {
    ...SYSFS_FILES,
    read(path: string) {
      reads++;
      return SYSFS_FILES.read(path);
    },
  };
  const owners = createProcessOwners({ procPath }, { files });
  const owner = owners.of(7);
  assert.equal(owners.of(7), owner);
  assert.equal(reads, 2);
  assert.deepEqual(owner, {
    ...{ kind: 'process', pid: 7, startTicks: 99, comm: 'nccl' },
    ...{ podUid: '', containerId: '', slurmJob: '5', slurmStep: '1' },
  });
  assert.deepEqual(owners.of(8), { kind: 'unknown', reason: 'unreadable' });
});

test('ourselves, by the real /proc', () => {
  const owner = createProcessOwners({ procPath: '/proc' }).of(process.pid);
  assert.equal(owner.kind, 'process');
});
