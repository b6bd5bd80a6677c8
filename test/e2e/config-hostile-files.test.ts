// SPDX-License-Identifier: Apache-2.0
// Files that are no configuration, or one made to cost: each is refused with exit code 2 and one sentence,
// within a second and 100 MB, by the real program. And pipes that people do use are read.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { type MeasuredRun, measuredRun } from '../support/exporter/measured-run.js';

const STACK = /^\s+at .*:\d+:\d+\)?$/m;
/** Of CPU: what else runs on the machine takes none of it. */
const LIMIT_MS = 1000;
const LIMIT_BYTES = 100e6;

let folder = '';
before(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-hostile-'));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);

function written(contents: string | Uint8Array): () => string {
  return () => {
    writeFileSync(at('x.yaml'), contents);
    return at('x.yaml');
  };
}

function check(file: string): MeasuredRun {
  return measuredRun(['--config.check', `--config.file=${file}`]);
}

/** The sentence without the file's name in front. */
function refusalOf(file: string): string {
  const { status, stdout, stderr, usage } = check(file);
  assert.doesNotMatch(stderr, STACK);
  assert.equal(status, 2, stderr.slice(0, 500));
  assert.equal(stdout, '');
  const lines = stderr.split('\n');
  assert.deepEqual(lines.slice(1), ['xtrace-catch: see --help', '']);
  assert.ok((lines[0] ?? '').length < 500, `${lines[0]?.length} characters`);
  assert.ok(usage !== undefined && usage.cpuMs < LIMIT_MS, `${usage?.cpuMs} ms of CPU`);
  assert.ok(usage.peakMemoryBytes < LIMIT_BYTES, `${usage.peakMemoryBytes} bytes`);
  return (lines[0] ?? '').replace('xtrace-catch: ', '').replace(file, 'FILE');
}

const LAUGHS = [...'bcdefghi'].map((name, i) => {
  const former = 'abcdefgh'[i] ?? '';
  return `  - &${name} [${Array(9).fill(`*${former}`).join(',')}]\n`;
});

describe('contents', () => {
  const cases: [string, string | Uint8Array, RegExp][] = [
    [
      'an alias of the mapping it stands in',
      'push: {headers: &a {x: *a}}\n',
      /^push\.headers: "x" must be text/,
    ],
    ['an alias of the list it stands in', 'interfaces: &a [*a]\n', /^interfaces: .* one is a list/],
    [
      '20,000 aliases',
      `interfaces: [&a x${',*a'.repeat(20_000)}]\n`,
      /^FILE: has more than 100 aliases.*\(line 1\)$/,
    ],
    [
      '20,000 aliases of what they stand in',
      `interfaces: &a [${'*a,'.repeat(20_000)}]\n`,
      /^FILE: has more than 100 aliases/,
    ],
    [
      'the same one list deeper',
      `interfaces: [&a [${'*a,'.repeat(20_000)}]]\n`,
      /^FILE: has more than 100 aliases/,
    ],
    [
      'aliases on lines of their own',
      `interfaces:\n- &a x\n${'- *a\n'.repeat(12_000)}`,
      /^FILE: has more than 100 aliases.*\(line 103\)$/,
    ],
    [
      'aliases of aliases of aliases',
      `interfaces:\n  - &a [${Array(9).fill('x').join()}]\n${LAUGHS.join('')}`,
      /^interfaces: .* one is a list/,
    ],
    ['100,000 brackets', '['.repeat(100_000), /^FILE: is larger than 65536 bytes/],
    ['60,000 brackets', '['.repeat(60_000), /^FILE: is nested deeper than any configuration file$/],
    ['15,000 mappings in one another', '{a: '.repeat(15_000), /^FILE: is nested deeper/],
    [
      '60,000 commas',
      `interfaces: [${','.repeat(60_000)}]`,
      /^FILE: has more than 20000 YAML tokens.*\(line 1\)$/,
    ],
    [
      '13,000 keys on a line',
      `{${Array.from({ length: 13_000 }, (_, i) => i.toString(36)).join()}}`,
      /^FILE: has more than 20000 YAML tokens/,
    ],
    [
      'one value of 65,000 characters',
      `collect_agg: ${'a'.repeat(65_000)}\n`,
      /^collect_agg: must be text of 1 to 128 characters/,
    ],
    ['one key of 65,000 characters', `? ${'a'.repeat(65_000)}\n: 1\n`, /^a{60}\.\.\.: there is no such key/],
    [
      'a sequence of bytes that is no UTF-8',
      Buffer.from([0x61, 0x3a, 0x20, 0xff, 0xfe]),
      /^FILE: is not UTF-8 text$/,
    ],
    ['a zero byte', 'collect_agg: "\0"\n', /^FILE: is a binary file, not YAML text$/],
    [
      'a merge key',
      'flows: {<<: {max_series: 1}}\n',
      /^flows\.<<: merge keys are not read; write the keys out/,
    ],
    ['__proto__', '__proto__: {max_series: 1}\n', /^__proto__: is a reserved word/],
    ['a key twice', 'filter: tcp\nfilter: udp\n', /^FILE:2:1: Map keys must be unique$/],
  ];
  for (const [name, contents, wanted] of cases) {
    test(name, () => assert.match(refusalOf(written(contents)()), wanted));
  }
});

describe('what is no file', () => {
  test('a device without an end', () => {
    assert.match(refusalOf('/dev/zero'), /^FILE: is larger than 65536 bytes/);
  });

  test('a FIFO nobody writes to', () => {
    execFileSync('mkfifo', [at('fifo')]);
    assert.equal(refusalOf(at('fifo')), 'FILE: cannot be read: it is a FIFO that nobody writes to');
  });

  test('a folder', () => assert.match(refusalOf(folder), /^FILE: cannot be read: it is a directory/));

  test('2 GB of nothing', () => {
    writeFileSync(at('sparse.yaml'), '');
    truncateSync(at('sparse.yaml'), 2 ** 31);
    assert.match(refusalOf(at('sparse.yaml')), /^FILE: is larger than 65536 bytes/);
  });

  test('a link to itself', () => {
    symlinkSync(at('loop'), at('loop'));
    assert.match(refusalOf(at('loop')), /^FILE: cannot be read: its links lead round in a circle/);
  });

  test('a socket', async () => {
    const server = createServer().listen(at('socket'));
    try {
      assert.match(refusalOf(at('socket')), /^FILE: cannot be read: it is a socket/);
    } finally {
      server.close();
    }
  });
});

describe('what is read', () => {
  const shell = (script: string): MeasuredRun =>
    measuredRun([], { through: ['bash', '-c', script], input: 'filter: tpc\n' });
  const refused = (run: MeasuredRun): void => {
    assert.equal(run.status, 2, run.stderr);
    assert.match(run.stderr, /^xtrace-catch: filter: .* but is "tpc", did you mean "tcp"\?/);
  };

  test('the output of a command', () => {
    refused(shell('"$0" --config.check --config.file=<(echo "filter: tpc")'));
  });

  test('the output of a command that takes its time', () => {
    refused(shell('"$0" --config.check --config.file=<(printf "filter: "; sleep 0.7; echo tpc)'));
  });

  test('/dev/stdin', () => refused(shell('cat | "$0" --config.check --config.file=/dev/stdin')));

  test('/dev/null: an empty file', () => assert.equal(check('/dev/null').status, 0));

  test('a byte order mark and lines that end as on Windows', () => {
    assert.equal(check(written('\ufeff# x\r\nfilter: tcp\r\nflows:\r\n  vlan: true\r\n')()).status, 0);
    refused(check(written('\ufefffilter: tpc\r\n')()));
  });

  test('every interface of a large router', () => {
    const names = Array.from({ length: 3000 }, (_, i) => `  - veth${i}\n`);
    assert.equal(check(written(`interfaces:\n${names.join('')}`)()).status, 0);
  });
});
