// SPDX-License-Identifier: Apache-2.0
// The file of a state: what stands there that is none, what happens when it cannot be written, and that it is never
// older than what was written last.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { geteuid } from 'node:process';
import { type TestContext, test } from 'node:test';
import { Pacer } from '../../src/pacer.js';
import { createStateKeeper, type StateKeeper } from '../../src/state/state-keeper.js';
import type { StateColumns } from '../../src/state-columns.js';
import { mountTest } from '../support/kernel/mount-gate.js';

const COLUMNS: StateColumns = { counts: Float64Array.of(1, 2, 3) };
const isRoot = geteuid?.() === 0;

interface Place {
  readonly folder: string;
  readonly path: string;
  readonly log: string[];
  keeper(ownUserId?: number): StateKeeper;
}

function createPlace(t: TestContext): Place {
  const folder = mkdtempSync(path.join(tmpdir(), 'xtrace-keeper-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const log: string[] = [];
  const place = {
    folder,
    path: path.join(folder, 'state'),
    log,
    keeper: (ownUserId = geteuid?.() ?? 0) =>
      createStateKeeper(
        { path: place.path, ownUserId },
        {
          pacer: new Pacer(() => Promise.resolve()),
          log: {
            info: (_fields, message) => log.push(message),
            error: (_fields, message) => log.push(message),
          },
          nowMs: () => 5,
          wallMs: () => 1000,
        },
      ),
  };
  return place;
}

async function problemOf(keeper: StateKeeper): Promise<string> {
  const read = await keeper.read();
  assert.ok(read !== undefined && typeof read['problem'] === 'string', JSON.stringify(read));
  return read['problem'];
}

test('what one wrote the next one reads; nobody else may', async (t) => {
  const place = createPlace(t);
  assert.equal(await place.keeper().read(), undefined);
  const keeper = place.keeper();
  assert.equal(await keeper.write(async () => COLUMNS), true);
  assert.equal(await keeper.write(async () => ({ counts: Float64Array.of(4) })), true);
  assert.deepEqual(await place.keeper().read(), { counts: Float64Array.of(4) });
  assert.equal(statSync(place.path).mode & 0o777, 0o600);
  const { size } = statSync(place.path);
  assert.deepEqual(keeper.stats, { writes: 2, failures: 0, bytes: size, durationMs: 0, writtenMs: 1000 });
  assert.deepEqual(readdirSync(place.folder), ['state']);
  assert.deepEqual(place.log, []);
});

test('what a process that was killed left half written is in nobody’s way', async (t) => {
  const place = createPlace(t);
  writeFileSync(`${place.path}.tmp`, 'half');
  assert.equal(await place.keeper().write(async () => COLUMNS), true);
  assert.deepEqual(readdirSync(place.folder), ['state']);
});

test('a file that is damaged is kept aside, the last one alone', async (t) => {
  const place = createPlace(t);
  for (const text of ['first', 'second']) {
    writeFileSync(place.path, text);
    const problem = await problemOf(place.keeper());
    const { path: at } = place;
    assert.equal(
      problem,
      `${at} cannot be used: it is no state of xtrace-catch; all counters begin at 0, and it is kept as ${at}.broken`,
    );
  }
  assert.deepEqual(readdirSync(place.folder), ['state.broken']);
  assert.equal(readFileSync(`${place.path}.broken`, 'utf8'), 'second');
});

test('a file of 10 GB is not read', async (t) => {
  const place = createPlace(t);
  await place.keeper().write(async () => COLUMNS);
  truncateSync(place.path, 10_000_000_000);
  assert.match(await problemOf(place.keeper()), /it is torn: it has 10000000000 bytes, and says it has/);
  // One that says so itself.
  const head = Buffer.alloc(64);
  head.write('XTCSTATE');
  head.writeUInt32LE(1, 8);
  head.writeBigUInt64LE(10_000_000_000n, 16);
  writeFileSync(place.path, head);
  truncateSync(place.path, 10_000_000_000);
  assert.match(await problemOf(place.keeper()), /it is larger than 1073741824 bytes, which no state is/);
});

const NO_FILES: readonly (readonly [string, (at: string) => void, RegExp])[] = [
  ['a directory', (at) => mkdirSync(at), /it is a directory, and must be a file/],
  ['a FIFO', (at) => execFileSync('mkfifo', [at]), /it is a FIFO, and must be a file/],
  ['a link', (at) => symlinkSync('/dev/null', at), /it is a link, and must be a file/],
];

for (const [what, make, told] of NO_FILES) {
  test(`${what} stays, and nothing is written in its place`, async (t) => {
    const place = createPlace(t);
    make(place.path);
    const { ino } = lstatSync(place.path);
    const keeper = place.keeper();
    const problem = await problemOf(keeper);
    assert.match(problem, told);
    assert.match(problem, /all counters begin at 0, and none outlives this process$/);
    for (let i = 0; i < 3; i++) assert.equal(await keeper.write(async () => COLUMNS), false);
    assert.equal(lstatSync(place.path).ino, ino);
    assert.equal(keeper.stats.failures, 3);
    assert.equal(place.log.length, 1, place.log.join('\n'));
  });
}

test('a device is not read', async () => {
  const log = { info: () => undefined, error: () => undefined };
  const parts = { pacer: new Pacer(() => Promise.resolve()), log, nowMs: () => 0, wallMs: () => 0 };
  const keeper = createStateKeeper({ path: '/dev/zero', ownUserId: geteuid?.() ?? 0 }, parts);
  assert.match(await problemOf(keeper), /it is a device, and must be a file/);
  assert.equal(await keeper.write(async () => COLUMNS), false);
  assert.ok(lstatSync('/dev/zero').isCharacterDevice());
});

test('a file of another user is not believed', { skip: !isRoot }, async (t) => {
  const place = createPlace(t);
  await place.keeper().write(async () => COLUMNS);
  chownSync(place.path, 12345, 12345);
  assert.match(
    await problemOf(place.keeper()),
    /it belongs to user 12345, and this program runs as user 0; all counters/,
  );
  assert.ok(existsSync(`${place.path}.broken`));
});

test('no folder: said once; when it is there the state is written', async (t) => {
  const place = createPlace(t);
  rmSync(place.folder, { recursive: true });
  const keeper = place.keeper();
  for (let i = 0; i < 3; i++) assert.equal(await keeper.write(async () => COLUMNS), false);
  assert.deepEqual(place.log, [
    `the state cannot be written to ${place.path}: its folder is not there; after a restart counters begin at 0`,
  ]);
  mkdirSync(place.folder);
  assert.equal(await keeper.write(async () => COLUMNS), true);
  assert.equal(place.log[1], `the state is written to ${place.path} again`);
  assert.equal(keeper.stats.failures, 3);
});

test('a failed write takes the former state with it: it would be lower than what is shown', async (t) => {
  const place = createPlace(t);
  const keeper = place.keeper();
  await keeper.write(async () => COLUMNS);
  assert.equal(await keeper.write(() => Promise.reject(new Error('no columns'))), false);
  assert.deepEqual(readdirSync(place.folder), []);
  assert.equal(keeper.stats.bytes, 0);
  assert.match(place.log[0] ?? '', /: no columns; after a restart counters begin at 0$/);
});

/** Mounts over the place's folder while the task runs. */
async function mounted(place: Place, args: readonly string[], task: () => Promise<void>): Promise<void> {
  execFileSync('mount', [...args, place.folder]);
  try {
    await task();
  } finally {
    execFileSync('umount', ['--lazy', place.folder]);
  }
}

mountTest('a disk that is full', async (t) => {
  const place = createPlace(t);
  await mounted(place, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs'], async () => {
    const keeper = place.keeper();
    assert.equal(await keeper.write(async () => COLUMNS), true);
    assert.equal(await keeper.write(async () => ({ counts: new Float64Array(100_000) })), false);
    assert.match(place.log[0] ?? '', /ENOSPC: no space left on device; after a restart counters begin at 0$/);
    assert.deepEqual(readdirSync(place.folder), []);
    assert.equal(await keeper.write(async () => COLUMNS), true);
  });
});

mountTest('a state that can be neither written nor removed is told', async (t) => {
  const place = createPlace(t);
  const keeper = place.keeper();
  await keeper.write(async () => COLUMNS);
  await mounted(place, ['--bind', place.folder], async () => {
    execFileSync('mount', ['-o', 'remount,bind,ro', place.folder]);
    assert.equal(await keeper.write(async () => COLUMNS), false);
    assert.match(
      place.log[0] ?? '',
      /EROFS.*could not be removed either \(EROFS.*remove it before a restart/,
    );
  });
});
