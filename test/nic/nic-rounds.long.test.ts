// SPDX-License-Identifier: Apache-2.0
// Rounds with their real reading process, over a tree of sysfs of ours: no such interface is in the kernel.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { createLogger } from '../../src/log.js';
import { createNicRounds, type NicRounds, type NicView } from '../../src/nic/nic-rounds.js';
import { startNicReader } from '../../src/nic/start-nic-reader.js';
import { atEnd } from '../support/cleanup.js';
import { waitFor } from '../support/conditions.js';
import { HANGING, type NetdevSpec, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

const UP: NetdevSpec = { files: { carrier_down_count: 3 } };
const HANGS: NetdevSpec = { files: { carrier_down_count: HANGING } };

function start(netdevs: Readonly<Record<string, NetdevSpec>>, limits: { limitMs: number; restMs: number }) {
  const tree = new RdmaSysfs({}, netdevs);
  const logged: string[] = [];
  const interfaces = Object.keys(netdevs);
  const rounds = createNicRounds(
    { interfaces, limits },
    {
      log: createLogger(
        { level: 'debug', format: 'logfmt' },
        { destination: { write: (text) => logged.push(text) } },
      ),
      clock: systemClock(),
      startReader: () => startNicReader({ sysfsPath: tree.path, raw: [] }),
    },
  );
  const end = atEnd(() => rounds.close());
  return { tree, logged, rounds, interfaces, end };
}

async function round(rounds: NicRounds): Promise<NicView> {
  const before = rounds.count;
  rounds.refresh();
  await waitFor('the round to be over', () => rounds.count > before);
  return rounds.view() ?? assert.fail('no view');
}

/** Generous where nothing hangs: the machine may be busy. */
const PATIENT = { limitMs: 60_000, restMs: 0 };

test('one NIC of sixteen hangs: it is cut off and counted, and the others are read', async () => {
  const ports = Array.from({ length: 16 }, (_, index) => [`nic${index}`, index === 3 ? HANGS : UP] as const);
  const { rounds, logged, end } = start(Object.fromEntries(ports), { limitMs: 3000, restMs: 3_600_000 });
  for (const expected of [1, 1]) {
    const { nics } = await round(rounds);
    assert.deepEqual(
      nics.filter(({ numbers }) => numbers === undefined).map(({ interfaceName }) => interfaceName),
      ['nic3'],
    );
    assert.deepEqual(nics[3]?.failures, { timeout: expected, error: 0, malformed: 0 });
    assert.ok(nics.every(({ failures }) => failures.error === 0));
    assert.equal(nics[15]?.numbers?.counters[0]?.value, 3);
  }
  assert.equal(logged.filter((text) => text.includes('level=warn')).length, 1);
  end();
});

test('one that has come back is read again, and the log says so', async () => {
  const { rounds, logged, tree, end } = start({ nic0: HANGS }, { limitMs: 2000, restMs: 0 });
  assert.equal((await round(rounds)).nics[0]?.numbers, undefined);
  tree.write('../net/nic0/carrier_down_count', 4);
  await waitFor('the NIC to be read', async () => (await round(rounds)).nics[0]?.numbers !== undefined);
  assert.equal(rounds.view()?.nics[0]?.failures.timeout, 1);
  assert.equal(logged.filter((text) => text.includes('can be read again')).length, 1);
  end();
});

test('interfaces come and go, and with the last goes the process', async () => {
  const { rounds, interfaces, end } = start({ nic0: UP, nic1: UP }, PATIENT);
  assert.equal((await round(rounds)).nics.length, 2);
  assert.equal(childrenOf(process.pid).length, 1);
  interfaces.length = 0;
  assert.equal((await round(rounds)).nics.length, 0);
  await waitFor('the reading process to end', () => childrenOf(process.pid).length === 0);
  assert.equal((await round(rounds)).nics.length, 0);
  assert.equal(childrenOf(process.pid).length, 0, 'and none is started for nothing');
  end();
});

test('a file that makes no sense is counted; a refresh during a round starts no second one', async () => {
  const { rounds, end } = start({ nic0: { files: { carrier_down_count: 'many' } } }, PATIENT);
  rounds.refresh();
  rounds.refresh();
  await waitFor('the round to be over', () => rounds.count === 1);
  assert.deepEqual(rounds.view()?.nics[0]?.failures, { timeout: 0, error: 0, malformed: 1 });
  assert.equal(rounds.view()?.pauseIntervalMs, undefined);
  end();
});

test('after the end nothing is read', async () => {
  const { rounds, end } = start({ nic0: UP }, PATIENT);
  end();
  rounds.refresh();
  assert.equal(rounds.view(), undefined);
  await waitFor('the reading process to end', () => childrenOf(process.pid).length === 0);
});

/** Process ids, from /proc. */
function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '');
}
