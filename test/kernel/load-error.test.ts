// SPDX-License-Identifier: Apache-2.0
// What a refused load tells the operator; no kernel needed.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import os, { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KernelError } from '../../src/errors.js';
import { ERRNO, errnoName } from '../../src/kernel/errno.js';
import { openLoadParts } from '../../src/kernel/load.js';
import { loadError } from '../../src/kernel/load-error.js';
import { readObjectFile } from '../../src/kernel/object.js';

const VERIFIER_LOG = [
  '0: R1=ctx() R10=fp0',
  '1: (61) r2 = *(u32 *)(r1 +0)',
  '2: (71) r0 = *(u8 *)(r2 +0)',
  'invalid access to packet, off=0 size=1, R2(id=0,off=0,r=0)',
  'R2 offset is outside of the packet',
  'processed 3 insns (limit 1000000)',
  '',
].join('\n');

test('a lack of privilege is one sentence that names the capabilities', () => {
  const error = loadError(ERRNO.EPERM, '', []);
  assert.equal(error.code, 'NO_PRIVILEGE');
  for (const capability of ['CAP_BPF', 'CAP_NET_ADMIN', 'CAP_PERFMON'])
    assert.ok(error.message.includes(capability));
  assert.ok(!error.message.includes('\n'));
});

test('where the capabilities are there, it says what else may forbid the load', () => {
  const error = loadError(ERRNO.EPERM, '', []);
  assert.match(error.message, /this process has them.*seccomp/);
  assert.doesNotMatch(loadError(ERRNO.EPERM, '', ['CAP_BPF']).message, /this process has them/);
});

test('what the verifier forbids only to the unprivileged is a lack of privilege', () => {
  const log =
    '54: (0f) r6 += r0\nR6 has pointer with unsupported alu operation, pointer arithmetic with it prohibited for !root\n';
  const error = loadError(ERRNO.EACCES, log, []);
  assert.equal(error.code, 'NO_PRIVILEGE');
  assert.equal(error.detail, log);
});

test('whatever the verifier says to a process without CAP_PERFMON is a lack of privilege', () => {
  const log = 'The sequence of 8193 jumps is too complex.\n';
  assert.equal(loadError(constants.errno.EFAULT, log, ['CAP_PERFMON']).code, 'NO_PRIVILEGE');
  assert.equal(loadError(constants.errno.EFAULT, log, []).code, 'KERNEL');
  assert.equal(loadError(ERRNO.ENOMEM, '', ['CAP_PERFMON']).code, 'KERNEL');
});

test('a rejected program shows the last lines of the log, and keeps all of it', () => {
  const error = loadError(ERRNO.EACCES, VERIFIER_LOG, []);
  assert.equal(error.code, 'KERNEL');
  assert.equal(error.errno, ERRNO.EACCES);
  assert.match(error.message, /verifier refuses the program \(EACCES\).*R2 offset is outside of the packet$/);
  assert.ok(!error.message.includes('R10=fp0'));
  assert.equal(error.detail, VERIFIER_LOG);
});

test('without a log there is no talk of the verifier', () => {
  assert.match(loadError(ERRNO.ENOMEM, '', []).message, /no room for the BPF maps \(ENOMEM\)/);
  assert.match(
    loadError(ERRNO.EINVAL, '', []).message,
    /^the kernel refuses the BPF object \(EINVAL\).*5\.15/,
  );
});

test('an interrupted load is not blamed on the verifier or the kernel', () => {
  for (const log of ['', VERIFIER_LOG]) {
    const error = loadError(ERRNO.EAGAIN, log, []);
    assert.match(error.message, /^the process was interrupted each of the 5 times [^\n]*\(EAGAIN\)/);
    assert.doesNotMatch(error.message, /verifier|5\.15/);
  }
});

test('an errno has its name', () => {
  assert.equal(errnoName(16), 'EBUSY');
  assert.equal(errnoName(95), 'EOPNOTSUPP');
  assert.equal(errnoName(524), 'ENOTSUPP');
  assert.equal(errnoName(111), 'ECONNREFUSED');
  assert.equal(errnoName(4000), 'errno 4000');
});

test('a missing object says how to build it', () => {
  const path = '/nonexistent/flow.bpf.o';
  const isHelpful = (error: unknown) =>
    error instanceof KernelError && error.message.includes(path) && error.message.includes('make build');
  assert.throws(() => readObjectFile(path), isHelpful);
});

test('a file that is no little-endian BPF object is refused', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'xtrace-object-'));
  t.after(() => rm(folder, { recursive: true }));
  const header = Buffer.alloc(64);
  header.writeUInt32LE(0x464c457f);
  header.set([2, 1, 1], 4);
  header.writeUInt16LE(247, 18);
  const path = join(folder, 'object.o');
  const write = (change: (bytes: Buffer) => void) => {
    const bytes = Buffer.from(header);
    change(bytes);
    writeFileSync(path, bytes);
  };
  write(() => undefined);
  assert.equal(readObjectFile(path).length, 64);
  for (const change of [
    (bytes: Buffer) => bytes.writeUInt8(2, 5), // big endian
    (bytes: Buffer) => bytes.writeUInt16LE(62, 18), // x86-64
    (bytes: Buffer) => bytes.writeUInt8(0, 0), // no ELF
  ]) {
    write(change);
    assert.throws(() => readObjectFile(path), /is not a little-endian BPF object/);
  }
  writeFileSync(path, '');
  assert.throws(() => readObjectFile(path), KernelError);
});

test('a big-endian machine is refused before anything is opened', (t) => {
  // What node:os exports by name follows only when it is told to.
  const { endianness } = os;
  t.after(() => {
    os.endianness = endianness;
    syncBuiltinESMExports();
  });
  os.endianness = () => 'BE';
  syncBuiltinESMExports();
  const options = { objectPath: '/nowhere', portableObjectPath: '/nowhere', flowCapacity: 1 };
  assert.throws(
    () => openLoadParts(options),
    /this machine is big-endian; only little-endian ones are supported/,
  );
});
