// SPDX-License-Identifier: Apache-2.0
// A file of networks in the hands of others.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { followNetworks } from '../../src/networks/follow-networks.js';
import type { FollowedNetworks } from '../../src/networks/followed-networks.js';
import { atEnd } from '../support/cleanup.js';
import { rowWords } from '../support/networks/networks-fixture.js';
import { ListLog, START_MS } from '../support/push/push-fixture.js';

interface Site {
  readonly folder: string;
  readonly path: string;
  readonly log: ListLog;
  readonly networks: FollowedNetworks;
  readonly clock: { nowMs: number };
  /** So often as a second would have it: what is there has settled with the second one. */
  look(times: number): Promise<void>;
  /** Writes another file and renames it to the name. */
  replace(contents: string): void;
  /** Of 10.0.0.1, in the table that is in use. */
  name(): string;
}

async function createSite(t: TestContext, contents: string): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'follow-networks-'));
  t.after(atEnd(() => rmSync(folder, { recursive: true, force: true })));
  const path = join(folder, 'networks');
  writeFileSync(path, contents);
  const log = new ListLog();
  const clock = { nowMs: START_MS };
  const parts = { clock: { wallMs: () => clock.nowMs, yieldToLoop: () => nextTurn() }, log };
  const networks = await followNetworks({ file: path }, parts);
  if ('problem' in networks) throw new Error(networks.problem);
  return {
    folder,
    path,
    log,
    networks,
    clock,
    async look(times) {
      for (let i = 0; i < times; i++) await networks.look();
    },
    replace(text) {
      writeFileSync(`${path}.new`, text);
      renameSync(`${path}.new`, path);
    },
    name: () => networks.names.nameOf(networks.current.numberOf4(rowWords('10.0.0.1')[0] ?? 0)),
  };
}

/** As the log has it, without the folder. */
function texts({ log, folder }: Site): string[] {
  return log.texts.map((text) => text.replaceAll(`${folder}/`, ''));
}

const WRONG =
  'warn: networks: networks, line 1: "10.0.0.1/8" has bits set beyond its first 8: write 10.0.0.0/8, or 10.0.0.1/32 for the address; those that were loaded before stay';

test('a file that is renamed to the name is loaded when two looks found it, and is used from adopt() on', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const { networks, clock } = site;
  assert.equal(site.name(), 'a');
  assert.equal(networks.adopt(), false);
  site.replace('10.0.0.0/16 b\n10.0.0.0/24 c\n');
  clock.nowMs += 5000;
  await site.look(1);
  assert.equal(networks.adopt(), false);
  await site.look(1);
  assert.equal(site.name(), 'a', 'a refresh under way sees the table it began with');
  assert.equal(networks.adopt(), true);
  assert.equal(site.name(), 'c');
  await site.look(5);
  assert.equal(networks.adopt(), false);
  assert.deepEqual(texts(site), [
    'info: networks: 1 networks with 1 names from networks',
    'info: networks: 2 networks with 2 names from networks',
  ]);
  assert.deepEqual(networks.stats, {
    loadsSucceeded: 2,
    loadsFailed: 0,
    prefixes: 2,
    names: 2,
    namesBeyond: 0,
    isLastLoadSuccessful: true,
    lastSuccessMs: START_MS + 5000,
  });
});

test('a name keeps its number from one file to the next', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n11.0.0.0/8 b\n');
  const number = site.networks.current.numberOf4(rowWords('11.0.0.1')[0] ?? 0);
  site.replace('12.0.0.0/8 c\n10.0.0.0/8 b\n');
  await site.look(2);
  site.networks.adopt();
  assert.equal(site.networks.current.numberOf4(rowWords('10.0.0.1')[0] ?? 0), number);
  assert.equal(site.networks.names.numberOf('a'), 1);
});

test('the switch of a link on the way, as Kubernetes does it', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const { folder } = site;
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, `..${version}`));
    writeFileSync(join(folder, `..${version}`, 'list'), `10.0.0.0/8 version ${version}\n`);
  }
  symlinkSync('..1', join(folder, '..data'));
  unlinkSync(site.path);
  symlinkSync('..data/list', site.path);
  await site.look(2);
  site.networks.adopt();
  assert.equal(site.name(), 'version 1');
  symlinkSync('..2', join(folder, '..new'));
  renameSync(join(folder, '..new'), join(folder, '..data'));
  await site.look(2);
  site.networks.adopt();
  assert.equal(site.name(), 'version 2');
});

test('wrong, then right: told once each, and the networks before it stay', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const { networks, log } = site;
  log.lines.length = 0;
  site.replace('10.0.0.1/8 b\n');
  await site.look(10);
  assert.equal(networks.adopt(), false);
  assert.equal(site.name(), 'a');
  assert.deepEqual(texts(site), [WRONG]);
  const { loadsFailed, isLastLoadSuccessful, prefixes, lastSuccessMs } = networks.stats;
  assert.deepEqual([loadsFailed, isLastLoadSuccessful, prefixes, lastSuccessMs], [1, false, 1, START_MS]);

  site.replace('10.0.0.1/8 c\n# wrong in the same way\n');
  await site.look(5);
  assert.deepEqual(texts(site), [WRONG]);
  assert.equal(networks.stats.loadsFailed, 2);

  site.replace('10.0.0.0/8 d\n');
  await site.look(5);
  assert.equal(networks.adopt(), true);
  assert.equal(site.name(), 'd');
  assert.deepEqual(texts(site), [WRONG, 'info: networks: 1 networks with 1 names from networks']);
  assert.equal(networks.stats.isLastLoadSuccessful, true);
});

test('gone, and back as it was: told once each, and not loaded again', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const { networks, log, folder } = site;
  log.lines.length = 0;
  // A mount that goes and comes.
  renameSync(folder, `${folder}.away`);
  t.after(atEnd(() => rmSync(`${folder}.away`, { recursive: true, force: true })));
  await site.look(10);
  assert.equal(networks.stats.isLastLoadSuccessful, false);
  assert.equal(site.name(), 'a');
  renameSync(`${folder}.away`, folder);
  await site.look(10);
  assert.deepEqual(texts(site), [
    'warn: networks: networks cannot be read: there is no such file; those that were loaded before stay',
    'info: networks: networks is right again',
  ]);
  const { loadsSucceeded, loadsFailed, isLastLoadSuccessful } = networks.stats;
  assert.deepEqual([loadsSucceeded, loadsFailed, isLastLoadSuccessful], [1, 1, true]);
});

test('wrong, gone, and back as wrong: each is told', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  site.log.lines.length = 0;
  site.replace('10.0.0.1/8 b\n');
  await site.look(3);
  renameSync(site.folder, `${site.folder}.away`);
  t.after(atEnd(() => rmSync(`${site.folder}.away`, { recursive: true, force: true })));
  await site.look(3);
  renameSync(`${site.folder}.away`, site.folder);
  await site.look(3);
  const [first, second, third, ...rest] = texts(site);
  assert.deepEqual([first, third, rest], [WRONG, WRONG, []]);
  assert.match(second ?? '', /there is no such file/);
});

test('what is empty as it is being written changes nothing; nor does what is no file', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  writeFileSync(site.path, '');
  await site.look(4);
  unlinkSync(site.path);
  execFileSync('mkfifo', [site.path]);
  await site.look(4);
  unlinkSync(site.path);
  mkdirSync(site.path);
  await site.look(4);
  assert.equal(site.networks.adopt(), false);
  assert.equal(site.name(), 'a');
  const [, empty, fifo, directory, ...rest] = texts(site);
  assert.match(empty ?? '', /networks is empty; a comment alone will do where it is to have no networks/);
  assert.match(fifo ?? '', /it is a FIFO, and must be a file/);
  assert.match(directory ?? '', /it is a directory, give the path of the file in it/);
  assert.deepEqual(rest, []);
});

test('a file that never settles is read after half a minute', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  for (let i = 1; i <= 30; i++) {
    assert.equal(site.networks.adopt(), false);
    site.replace(`10.0.0.0/8 version ${i}\n`);
    await site.look(1);
  }
  assert.equal(site.networks.adopt(), true);
  assert.equal(site.name(), 'version 30');
});

test('the wall clock may jump: only the time that is shown does', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  for (const [name, jumpMs] of [
    ['back', -86_400_000],
    ['ahead', 10 * 86_400_000],
  ] as const) {
    site.clock.nowMs += jumpMs;
    site.replace(`10.0.0.0/8 ${name}\n`);
    await site.look(2);
    site.networks.adopt();
    assert.equal(site.name(), name);
    assert.equal(site.networks.stats.lastSuccessMs, site.clock.nowMs);
  }
});

test('looks while a load is under way are that one, and a stop ends it', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const { networks } = site;
  site.replace(Array.from({ length: 50_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24 b\n`).join(''));
  await networks.look();
  const looking = networks.look();
  assert.equal(networks.look(), looking);
  networks.stop();
  await looking;
  assert.equal(networks.adopt(), false);
  await site.look(3);
  assert.equal(networks.adopt(), false);
  assert.deepEqual([site.name(), networks.stats.loadsFailed, site.log.lines.length], ['a', 0, 1]);
});

test('at the start a wrong file is a problem, one sentence', async (t) => {
  const site = await createSite(t, '10.0.0.0/8 a\n');
  const parts = { clock: { wallMs: () => START_MS, yieldToLoop: () => nextTurn() }, log: site.log };
  const problemOf = async (file: string): Promise<string> => {
    const networks = await followNetworks({ file }, parts);
    return 'problem' in networks ? networks.problem.replaceAll(`${site.folder}/`, '') : '';
  };
  assert.equal(
    await problemOf(join(site.folder, 'nothing')),
    'nothing cannot be read: there is no such file',
  );
  site.replace('10.0.0.0/8 a\n# more\n10.0.0.0/8 b\n');
  assert.equal(
    await problemOf(site.path),
    'networks: 10.0.0.0/8 has two names, "a" (line 1) and "b" (line 3): leave one of them out',
  );
});

test('networks of the configuration itself stay as they are', async () => {
  const log = new ListLog();
  const networks = await followNetworks(
    {
      networks: [
        { address: '10.0.0.0', bits: 8, name: 'a' },
        { address: '2001:db8::', bits: 32, name: 'b' },
      ],
    },
    { clock: { wallMs: () => START_MS, yieldToLoop: () => nextTurn() }, log },
  );
  assert.ok(!('problem' in networks));
  await networks.look();
  assert.equal(networks.adopt(), false);
  assert.equal(networks.names.nameOf(networks.current.numberOf6(rowWords('2001:db8::1'), 0)), 'b');
  assert.deepEqual(
    [networks.stats.prefixes, networks.stats.names, networks.stats.lastSuccessMs],
    [2, 2, START_MS],
  );
  assert.deepEqual(log.lines, []);
});
