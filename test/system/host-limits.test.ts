// SPDX-License-Identifier: Apache-2.0
// Bounds of the host and of a process, from trees like /proc and /sys.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { type HostLimits, parseLockedMemory, readHostLimits } from '../../src/system/host-limits.js';

function read(t: TestContext, entries: Readonly<Record<string, string | Buffer>>): HostLimits {
  const root = mkdtempSync(join(tmpdir(), 'xtrace-limits-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(entries)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  }
  return readHostLimits({ root });
}

const LIMITS = (
  soft: string,
) => `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max locked memory         ${soft.padEnd(20)} unlimited            bytes     
`;

test('nothing to read: nothing known, and no throw', (t) => {
  assert.deepEqual(read(t, {}), {
    lockedMemoryBytes: undefined,
    cgroupMemoryBytes: undefined,
    hasBtf: false,
    bpfJitEnable: undefined,
    unprivilegedBpfDisabled: undefined,
    rdmaNamespaceMode: undefined,
    pageBytes: 4096,
  });
});

test('locked memory is the soft limit', () => {
  assert.equal(parseLockedMemory(LIMITS('65536')), 65_536);
  assert.equal(parseLockedMemory(LIMITS('unlimited')), 'unlimited');
  assert.equal(parseLockedMemory('Max locked memory   lots'), undefined);
});

test('sysctls, BTF, the RDMA mode', (t) => {
  const limits = read(t, {
    'sys/kernel/btf/vmlinux': '',
    'proc/sys/net/core/bpf_jit_enable': '0\n',
    'proc/sys/kernel/unprivileged_bpf_disabled': '2\n',
    'sys/module/ib_core/parameters/netns_mode': 'N\n',
  });
  assert.deepEqual(
    [limits.hasBtf, limits.bpfJitEnable, limits.unprivilegedBpfDisabled, limits.rdmaNamespaceMode],
    [true, 0, 2, 'exclusive'],
  );
  assert.equal(read(t, { 'sys/module/ib_core/parameters/netns_mode': 'Y\n' }).rdmaNamespaceMode, 'shared');
});

test('cgroup v2: the tightest of our group and those above', (t) => {
  const group = (own: string, above: string) =>
    read(t, {
      'proc/self/cgroup': '0::/system.slice/x.service\n',
      'sys/fs/cgroup/system.slice/memory.max': above,
      'sys/fs/cgroup/system.slice/x.service/memory.max': own,
    }).cgroupMemoryBytes;
  assert.equal(group('max', '104857600'), 104_857_600);
  assert.equal(group('1048576', '104857600'), 1_048_576);
  assert.equal(group('max', 'max'), 'unlimited');
});

test('cgroup v2 in a namespace of its own', (t) => {
  const file = { 'sys/fs/cgroup/memory.max': '4096' };
  assert.equal(read(t, { ...file, 'proc/self/cgroup': '0::/\n' }).cgroupMemoryBytes, 4096);
  assert.equal(read(t, { ...file, 'proc/self/cgroup': '0::/../other\n' }).cgroupMemoryBytes, 4096);
});

test('cgroup v1 beside an empty v2', (t) => {
  const v1 = (limit: string) =>
    read(t, {
      'proc/self/cgroup': '4:cpu,memory:/a\n1:name=systemd:/\n0::/\n',
      'sys/fs/cgroup/memory/a/memory.limit_in_bytes': limit,
      'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712',
    }).cgroupMemoryBytes;
  assert.equal(v1('268435456'), 268_435_456);
  assert.equal(v1('9223372036854771712'), 'unlimited');
});

test('the size of a page, from the auxiliary vector', (t) => {
  const vector = Buffer.alloc(48);
  vector.writeBigUInt64LE(3n, 0);
  vector.writeBigUInt64LE(6n, 16);
  vector.writeBigUInt64LE(65_536n, 24);
  assert.equal(read(t, { 'proc/self/auxv': vector }).pageBytes, 65_536);
  assert.equal(read(t, { 'proc/self/auxv': vector.subarray(0, 20) }).pageBytes, 4096);
});

test('this host', () => {
  const limits = readHostLimits({ root: '/' });
  assert.ok(limits.pageBytes === 4096 || limits.pageBytes % 4096 === 0);
  assert.notEqual(limits.lockedMemoryBytes, undefined);
});
