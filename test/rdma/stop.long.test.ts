// SPDX-License-Identifier: Apache-2.0
// The program ends while a port hangs: at once, with its exit code, and leaves nothing behind for good.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { HANGING, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

const SCRIPT = join(import.meta.dirname, 'stop-child.js');
const FILE = 'rxe0/ports/1/hw_counters/rcvd_pkts';

interface Hung {
  readonly child: ChildProcess;
  /** Of the reading process, which hangs in read(). */
  readonly readerPid: string;
  /** Lets the read come back. */
  release(): void;
}

const cleanups: (() => void)[] = [];
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function startHanging(...args: string[]): Promise<Hung> {
  const tree = new RdmaSysfs({ rxe0: devices.RXE });
  tree.write(FILE, HANGING);
  const child = spawn(process.execPath, [SCRIPT, tree.path, ...args], { stdio: 'ignore' });
  cleanups.push(
    atEnd(() => child.kill('SIGKILL')),
    () => tree.remove(),
  );
  // A FIFO can be opened for writing without waiting only while someone has it open for reading.
  const fd = await waitFor('the reading process to hang', () =>
    openSync(join(tree.path, 'class/infiniband', FILE), constants.O_WRONLY | constants.O_NONBLOCK),
  );
  let isOpen = true;
  const release = (): void => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  cleanups.push(release);
  const readerPid = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  assert.match(readerPid, /^\d+$/);
  return { child, readerPid, release };
}

/** A process that waited for the port would wait for ever. */
async function exitOf(child: ChildProcess): Promise<unknown> {
  return waitFor('the process to end', () => child.exitCode !== null || child.signalCode !== null).then(
    () => [child.exitCode, child.signalCode],
  );
}

test('a stop does not wait for a port that hangs, and the exit code is 0', async () => {
  const { child, readerPid } = await startHanging();
  child.kill('SIGTERM');
  assert.deepEqual(await exitOf(child), [0, null]);
  await waitFor('the reading process to end', () => !existsSync(`/proc/${readerPid}`));
});

test('a process that exits over a fault does not wait either; its reader ends when the read comes back', async () => {
  const { child, readerPid, release } = await startHanging('unclosed');
  child.kill('SIGTERM');
  assert.deepEqual(await exitOf(child), [0, null]);
  assert.ok(existsSync(`/proc/${readerPid}`));
  release();
  await waitFor('the reading process to end', () => !existsSync(`/proc/${readerPid}`));
});

test('a killed process leaves a reader that ends when the read comes back', async () => {
  const { child, readerPid, release } = await startHanging();
  child.kill('SIGKILL');
  await once(child, 'exit');
  release();
  await waitFor('the reading process to end', () => !existsSync(`/proc/${readerPid}`));
});
