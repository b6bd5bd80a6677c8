// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseCgroupOwner } from '../../src/rdma/cgroup-owner.js';
import { createProcessOwners } from '../../src/rdma/process-owners.js';
import { parseProcessStat } from '../../src/system/process-stat.js';
import { SYSFS_FILES } from '../../src/system/sysfs-files.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** proc_pid_stat(5). */
function statOf(pid: number, comm: string, startTicks: number): string {
  return `${pid} (${comm}) S 1 1 1 0 -1 4194560 1 0 0 0 1 2 3 4 20 0 1 0 ${startTicks} 1024 3\n`;
}

/** A /proc with process 7 of a Slurm job. */
function procOf(startTicks: number, uptime = '9000.00 1.00'): string {
  const procPath = temporaryFolder('xtrace-proc-');
  mkdirSync(join(procPath, '7'));
  writeFileSync(join(procPath, 'uptime'), `${uptime}\n`);
  writeFileSync(join(procPath, '7/stat'), statOf(7, 'nccl', startTicks));
  writeFileSync(join(procPath, '7/cgroup'), '0::/system.slice/slurmstepd.scope/job_5/step_1/user/task_0\n');
  return procPath;
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
  const procPath = procOf(99);
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
  assert.equal(reads, 4, 'stat twice, cgroup, and what time it is');
  assert.deepEqual(owner, {
    ...{ kind: 'process', pid: 7, startTicks: 99, comm: 'nccl' },
    ...{ podUid: '', containerId: '', slurmJob: '5', slurmStep: '1' },
  });
  assert.deepEqual(owners.of(8), { kind: 'unknown', reason: 'unreadable' });
});

test('a process that another took the number of, while it was looked at or since the list began, is nobody known', () => {
  const gone = { kind: 'unknown', reason: 'no_pid' };
  const looked = (procPath: string, secondStat?: string) => {
    let stats = 0;
    const files = {
      ...SYSFS_FILES,
      read(path: string) {
        if (path.endsWith('/stat') && ++stats === 2 && secondStat !== undefined) return { text: secondStat };
        return SYSFS_FILES.read(path);
      },
    };
    return createProcessOwners({ procPath }, { files }).of(7);
  };
  assert.equal(looked(procOf(99)).kind, 'process');
  assert.equal(looked(procOf(99), statOf(7, 'other name', 99)).kind, 'process');
  assert.deepEqual(looked(procOf(99), statOf(7, 'nccl', 98)), gone);
  assert.deepEqual(looked(procOf(99), ''), gone);
  // 123.45 s after boot the list began: of the same hundredth it cannot be told.
  assert.equal(looked(procOf(12_344, '123.45 99.00')).kind, 'process');
  assert.deepEqual(looked(procOf(12_345, '123.45 99.00')), gone);
  assert.deepEqual(looked(procOf(12_346, '123.45 99.00')), gone);
});

test('where /proc does not tell the time, nobody is known', () => {
  for (const uptime of ['', 'x', '12', '12.345 1.00']) {
    const owner = createProcessOwners({ procPath: procOf(99, uptime) }).of(7);
    assert.deepEqual(owner, { kind: 'unknown', reason: 'unreadable' }, uptime);
  }
});

test('ourselves, by the real /proc', () => {
  const owner = createProcessOwners({ procPath: '/proc' }).of(process.pid);
  assert.equal(owner.kind, 'process');
});
