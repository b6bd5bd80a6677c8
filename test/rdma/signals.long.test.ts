// SPDX-License-Identifier: Apache-2.0
// The process that reads RDMA ports, and signals: those to our process group do not reach it, and those to
// itself neither end it nor open Node's debugger.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { commandOf, dispositionOf, listeningPorts } from '../support/process-state.js';
import { type Child, start } from '../support/processes.js';
import * as devices from '../support/rdma/rdma-devices.js';
import { RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

const SCRIPT = join(import.meta.dirname, 'signals-child.js');
const HARMLESS = ['SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
const GOOD = 'xtrace_rdma_read_success{device="rxe0",port="1"} 1';
const ROUNDS = 5;

let child: Child | undefined;
let tree: RdmaSysfs | undefined;
afterEach(async () => {
  await child?.stop('SIGKILL');
  tree?.remove();
});

function startChild(): Child {
  tree = new RdmaSysfs({ rxe0: devices.RXE });
  child = start(process.execPath, [SCRIPT, tree.path]);
  return child;
}

const rounds = ({ stdout }: Child): string[] => stdout.split('\n').slice(0, -1);

async function readerOf({ pid }: Child): Promise<number> {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim());
}

function isExecuted(reader: number): boolean {
  return commandOf(reader).some((word) => word.endsWith('rdma-reader-main.js'));
}

test('signals to the process group, all the while from the start, cost no reading', async () => {
  const running = startChild();
  const reader = await running.waitFor('the reader to be started', () => readerOf(running), {
    intervalMs: 0,
  });
  // Between fork and exec it is of our group for a moment.
  await running.waitFor('the reader to be executed', () => isExecuted(reader), { intervalMs: 0 });
  await running.waitFor(
    'some rounds',
    () => {
      for (const signal of HARMLESS) process.kill(-running.pid, signal);
      return rounds(running).length >= ROUNDS;
    },
    { intervalMs: 2 },
  );
  assert.deepEqual([...new Set(rounds(running))], [GOOD]);
});

test('signals to the reading process neither end it nor open a debugger', async () => {
  const running = startChild();
  await running.waitFor('a round', () => rounds(running).length > 0);
  const reader = await readerOf(running);
  for (const signal of [...HARMLESS, 'SIGINT', 'SIGTERM'] as const) {
    process.kill(reader, signal);
    await delay(50);
  }
  const before = rounds(running).length;
  await running.waitFor('more rounds', () => rounds(running).length > before + 2);
  assert.equal(await readerOf(running), reader);
  assert.deepEqual(listeningPorts(reader), []);
  assert.deepEqual([...new Set(rounds(running))], [GOOD]);
});

test('a SIGUSR1 at any time since Node began in it opens no debugger', async () => {
  const running = startChild();
  const reader = await running.waitFor('the reader to be started', () => readerOf(running), {
    intervalMs: 0,
  });
  const isNodeThere = (): boolean => isExecuted(reader) && dispositionOf(reader, 'SIGUSR1') !== 'default';
  await running.waitFor('Node to begin', isNodeThere, { intervalMs: 0 });
  await running.waitFor(
    'a round',
    () => {
      process.kill(reader, 'SIGUSR1');
      return rounds(running).length > 0;
    },
    { intervalMs: 2 },
  );
  assert.equal(await readerOf(running), reader);
  assert.deepEqual(listeningPorts(reader), []);
  assert.deepEqual([...new Set(rounds(running))], [GOOD]);
});
