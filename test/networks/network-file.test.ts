// SPDX-License-Identifier: Apache-2.0
// Files of networks as they come: of several forms, hostile, and changed while they are read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { renderCidr } from '../../src/cidr.js';
import { NETWORK_FILE_MAX_BYTES, readNetworkFile } from '../../src/networks/network-file.js';
import type { PrefixList } from '../../src/networks/prefix-list.js';
import { Pacer } from '../../src/pacer.js';
import { atEnd } from '../support/cleanup.js';
import { eventLoopPacer } from '../support/networks/networks-fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'network-file-'));
after(atEnd(() => rmSync(folder, { recursive: true, force: true })));
const path = join(folder, 'networks');

function write(contents: string | Buffer): void {
  writeFileSync(path, contents);
}

async function problemOf(file = path): Promise<string> {
  const read = await readNetworkFile(file, eventLoopPacer());
  return 'problem' in read ? read.problem.replaceAll(file, 'FILE') : '';
}

function contentsOf(list: PrefixList): string[] {
  return [list.v4, list.v6].flatMap((columns) =>
    Array.from({ length: columns.length }, (_, i) => {
      const name = list.names[columns.names[i] ?? 0];
      return `${columns.lines[i]}: ${renderCidr(columns.cidrAt(i))} ${name}`;
    }),
  );
}

async function read(): Promise<string[]> {
  const result = await readNetworkFile(path, eventLoopPacer());
  if ('problem' in result) throw new Error(result.problem);
  return contentsOf(result.list);
}

test('lists, CSV and YAML, with a byte order mark, ends of lines of Windows, and none at the end', async () => {
  write('\ufeff10.1.0.0/16 rail-1\r\n\r\n# here\n10.2.0.0/16,"rail 2"\n2001:DB8::/32: rail-1\n::1 self');
  assert.deepEqual(await read(), [
    '1: 10.1.0.0/16 rail-1',
    '4: 10.2.0.0/16 rail 2',
    '5: 2001:db8::/32 rail-1',
    '6: ::1/128 self',
  ]);
});

test('a path that leads nowhere is told in words', async () => {
  write('10.0.0.0/8 a');
  const circle = join(folder, 'circle');
  symlinkSync(circle, circle);
  assert.equal(await problemOf(circle), 'FILE cannot be read: its links lead round in a circle');
  assert.equal(
    await problemOf(join(path, 'networks')),
    'FILE cannot be read: what should be a directory on the way to it is a file',
  );
  assert.equal(
    await problemOf(join(folder, 'n'.repeat(300))),
    'FILE cannot be read: its name is longer than names of files may be',
  );
});

test('a comment alone is a file without networks', async () => {
  write('# none yet\n');
  assert.deepEqual(await read(), []);
});

test('the shortest lines that there are all find room', async () => {
  write(':: a\n'.repeat(1000));
  assert.equal((await read()).length, 1000);
});

test('lines across the pieces in which a file is read', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `10.${i >> 8}.${i & 255}.0/24 net ${i}`);
  write(lines.join('\n'));
  assert.deepEqual(
    await read(),
    lines.map((line, i) => `${i + 1}: ${line}`),
  );
});

for (const [what, contents, problem] of [
  ['is empty', '', /^FILE is empty; a comment alone will do/],
  [
    'has a heading',
    'cidr,name\n',
    /^FILE, line 1: what it begins with is no network, such as 10\.1\.0\.0\/16/,
  ],
  [
    'may be of secrets',
    'root:$6$c2FsdA$aGFzaA:19000:0:99999:7:::\n',
    /^FILE, line 1: it has no name behind the network$/,
  ],
  ['has a token', '4f9a0c7be1d2 x\n', /^FILE, line 1: what it begins with is no network/],
  [
    'has bits beyond',
    '# x\n10.1.2.3/16 a\n',
    /^FILE, line 2: "10\.1\.2\.3\/16" has bits set beyond its first 16: write 10\.1\.0\.0\/16/,
  ],
  ['has a zone', 'fe80::%eth0/64 a\n', /^FILE, line 1: "fe80::%eth0\/64" has a zone/],
  [
    'has NUL bytes',
    Buffer.from('10.0.0.0/8 a\n\0\0\0\n'),
    /^FILE, line 2: it has a control character, which no text has$/,
  ],
  ['is of UTF-16', Buffer.from('10.0.0.0/8 a\n', 'utf16le'), /^FILE, line 1: it has a control character/],
  [
    'is not of UTF-8',
    Buffer.from('10.0.0.0/8 Z\u00fcrich\n', 'latin1'),
    /^FILE, line 1: it is not UTF-8 text$/,
  ],
  [
    'has a line of 4097 bytes',
    `10.0.0.0/8 a # ${'x'.repeat(4097 - 15)}\n`,
    /^FILE, line 1: it is longer than 4096 bytes$/,
  ],
  ['has a line without an end', '#'.repeat(1 << 20), /^FILE, line 1: it is longer than 4096 bytes$/],
] as const) {
  test(`a file that ${what} is refused`, async () => {
    write(contents);
    assert.match(await problemOf(), problem);
  });
}

test('a line of 4096 bytes, and a replacement character that stands there, are fine', async () => {
  write(`10.0.0.0/8 \ufffd # ${'x'.repeat(4096 - 17)}\n`);
  assert.deepEqual(await read(), ['1: 10.0.0.0/8 \ufffd']);
});

test('a file of 64 MiB and a byte is refused for its size, one of 64 MiB of zeros for its first line', async () => {
  write('10.0.0.0/8 a\n');
  truncateSync(path, NETWORK_FILE_MAX_BYTES + 1);
  assert.equal(await problemOf(), 'FILE is larger than 67108864 bytes, which no file of networks is');
  write('');
  truncateSync(path, NETWORK_FILE_MAX_BYTES);
  assert.match(await problemOf(), /^FILE, line 1: it is longer than 4096 bytes$/);
});

test('one name more than there are numbers is refused', async () => {
  const lines = Array.from({ length: 65_535 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255},${i}`);
  write(lines.slice(0, -1).join('\n'));
  assert.equal(await problemOf(), '');
  write(lines.join('\n'));
  assert.equal(
    await problemOf(),
    'FILE, line 65535: a file has at most 65534 different names, this one more',
  );
});

test('what is no file is refused and not waited for', async () => {
  const fifo = join(folder, 'fifo');
  execFileSync('mkfifo', [fifo]);
  assert.equal(await problemOf(fifo), 'FILE cannot be read: it is a FIFO, and must be a file');
  assert.equal(await problemOf('/dev/zero'), 'FILE cannot be read: it is a device, and must be a file');
  assert.match(
    await problemOf(folder),
    /^FILE cannot be read: it is a directory, give the path of the file in it$/,
  );
  assert.equal(await problemOf(join(folder, 'nothing')), 'FILE cannot be read: there is no such file');
});

for (const [what, change] of [
  ['cut short', () => truncateSync(path, 100_000)],
  ['emptied', () => truncateSync(path, 0)],
  ['longer', () => appendFileSync(path, '10.0.0.0/8 a\n')],
  ['another one in place', () => writeFileSync(path, '11.0.0.0/8 b\n'.repeat(20_000))],
] as const) {
  test(`a file that is ${what} while it is read gives nothing, and may be read again`, async () => {
    write('10.0.0.0/8 a\n'.repeat(20_000));
    let turns = 0;
    const pacer = new Pacer(async () => {
      if (++turns === 20) change();
      await nextTurn();
    });
    const result = await readNetworkFile(path, pacer);
    assert.ok('problem' in result && result.signature === undefined, JSON.stringify(result).slice(0, 200));
    assert.match(
      result.problem,
      /changed while it was read; replace it by renaming another file to its name$/,
    );
  });
}

test('reading lets the event loop turn', async () => {
  write('10.0.0.0/8 a\n'.repeat(20_000));
  let turns = 0;
  await readNetworkFile(
    path,
    new Pacer(async () => {
      turns++;
    }),
  );
  assert.ok(turns > 50, `${turns} turns`);
});
