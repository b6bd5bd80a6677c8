// SPDX-License-Identifier: Apache-2.0
// Who may import whom: the table of rooms in docs/architecture.md, held to the letter.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { test } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const SOURCE = join(ROOT, 'src');
/** The formatter's. */
const LINE_WIDTH = 110;
const BPF = join(ROOT, 'bpf');
const BPF_FILES: readonly string[] = readdirSync(BPF).filter((file) => /\.[ch]$/.test(file));

/** Room or file -> rooms it may import. `*` = everything. The ground floor is open to all. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  abi: [],
  kernel: ['abi'],
  system: ['abi', 'kernel'],
  rdma: ['kernel', 'system'],
  nic: ['kernel', 'system', 'rdma'],
  attach: ['abi', 'kernel', 'system'],
  reader: ['abi', 'kernel'],
  flows: ['abi'],
  roce: ['abi', 'flows'],
  metrics: ['flows', 'roce', 'rdma', 'nic', 'abi'],
  exposition: ['metrics', 'abi'],
  http: ['exposition'],
  api: ['abi', 'system', 'rdma', 'flows', 'roce', 'metrics'],
  push: ['metrics', 'exposition', 'system'],
  networks: ['abi', 'system'],
  output: [],
  state: ['system'],
  print: ['flows', 'abi', 'output'],
  top: ['print', 'output'],
  estimate: ['abi', 'flows', 'metrics'],
  doctor: ['kernel', 'system', 'rdma'],
  config: [],
  'web-config': ['config', 'system'],
  'daemon.ts': ['attach', 'flows', 'reader'],
  'main.ts': ['*'],
  'cli.ts': ['*'],
  compose: ['*'],
  'errors.ts': [],
  'log.ts': [],
  'clock.ts': [],
  'pacer.ts': [],
  'turn-guard.ts': [],
  'refresh-outcomes.ts': [],
  'spare-room.ts': [],
  'native-buckets.ts': [],
  'hyper-log-log.ts': [],
  'cidr.ts': [],
  'interface-glob.ts': [],
  'interface-patterns.ts': [],
  'wrap-words.ts': [],
  'si-text.ts': [],
  'state-columns.ts': [],
};
/** The ground floor. */
const OPEN_TO_ALL = [
  'errors.ts',
  'log.ts',
  'clock.ts',
  'pacer.ts',
  'turn-guard.ts',
  'refresh-outcomes.ts',
  'spare-room.ts',
  'native-buckets.ts',
  'hyper-log-log.ts',
  'cidr.ts',
  'interface-glob.ts',
  'interface-patterns.ts',
  'wrap-words.ts',
  'si-text.ts',
  'state-columns.ts',
];
/** Rooms that may import types only, from the rooms named. */
const TYPES_ONLY: Readonly<Record<string, readonly string[]>> = {
  'daemon.ts': ['attach', 'flows', 'reader'],
  reader: ['kernel'],
  attach: ['kernel', 'system'],
  print: ['flows'],
  push: ['metrics'],
};
/** What only some rooms may touch: module -> rooms. */
const TOUCHES: Readonly<Record<string, readonly string[]>> = {
  'ffi-napi': ['kernel'],
  'ref-napi': ['kernel'],
  'node:fs': ['main.ts', 'compose', 'system', 'kernel', 'output', 'print'],
  'node:fs/promises': ['push', 'state', 'system'],
  'node:http': ['http', 'push', 'top'],
  'node:https': ['push', 'top'],
  'node:net': ['http', 'config', 'push', 'web-config'],
  'node:tls': ['http', 'web-config'],
  'node:zlib': ['exposition', 'push'],
  snappy: ['push'],
  protobufjs: [],
  'node:child_process': ['rdma', 'compose'],
  'get-east-asian-width': ['top'],
  express: ['http'],
  '@node-rs/bcrypt': ['http'],
  'prom-client': ['metrics'],
  convict: ['config'],
  yaml: ['config'],
  pino: ['log.ts'],
};

interface Import {
  readonly file: string;
  readonly room: string;
  readonly target: string;
  readonly typesOnly: boolean;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? sourceFiles(path) : path.endsWith('.ts') ? [path] : [];
  });
}

function roomOf(path: string): string {
  return relative(SOURCE, path).split('/')[0] ?? '';
}

const STATEMENT = /^(?:import|export)\s+(type\s+)?(?:([^;'"]*?)\s+from\s+)?['"]([^'"]+)['"]/gm;

function importsOf(file: string): Import[] {
  const text = readFileSync(file, 'utf8');
  return [...text.matchAll(STATEMENT)].map((match) => {
    const names = (match[2] ?? '').replace(/[{}\s]+/g, ' ').trim();
    const everyNameIsType = names !== '' && names.split(',').every((name) => /^\s*(type\s|$)/.test(name));
    return {
      file: relative(ROOT, file),
      room: roomOf(file),
      target: match[3] ?? '',
      typesOnly: match[1] !== undefined || everyNameIsType,
    };
  });
}

const FILES = sourceFiles(SOURCE);
const IMPORTS = FILES.flatMap(importsOf);

test('the table names every room, and every import is read', () => {
  assert.deepEqual(
    [...new Set(FILES.map(roomOf))].filter((room) => !(room in MAY_IMPORT)),
    [],
  );
  assert.ok(IMPORTS.length > 100, `only ${IMPORTS.length} imports found: the pattern has gone blind`);
});

test('a room imports only the rooms it may', () => {
  const wrong = IMPORTS.flatMap((one) => {
    if (!one.target.startsWith('.')) return [];
    const target = roomOf(join(ROOT, one.file, '..', one.target.replace(/\.js$/, '.ts')));
    const allowed = MAY_IMPORT[one.room] ?? [];
    const fine =
      target === one.room ||
      allowed.includes('*') ||
      allowed.includes(target) ||
      OPEN_TO_ALL.includes(target);
    if (!fine) return [`${one.file} imports ${one.target}`];
    return TYPES_ONLY[one.room]?.includes(target) && !one.typesOnly
      ? [`${one.file} imports more than types from ${one.target}`]
      : [];
  });
  assert.deepEqual(wrong, []);
});

test('no file imports itself, by whatever way, types included', () => {
  const next = new Map(FILES.map((file) => [relative(ROOT, file), [] as string[]]));
  for (const { file, target } of IMPORTS) {
    if (target.startsWith('.')) next.get(file)?.push(join(file, '..', target.replace(/\.js$/, '.ts')));
  }
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]): void => {
    if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file].join(' -> '));
    if (done.has(file) || way.includes(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...way, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  assert.deepEqual(circles, []);
  assert.ok(
    [...next.values()].flat().every((target) => next.has(target)),
    'every target is a file',
  );
});

test('only the rooms that may touch the outside do', () => {
  const wrong = IMPORTS.filter(
    (one) => TOUCHES[one.target] !== undefined && !one.typesOnly && !TOUCHES[one.target]?.includes(one.room),
  );
  assert.deepEqual(
    wrong.map((one) => `${one.file} imports ${one.target}`),
    [],
  );
});

test('only the programs, cli.ts with main.ts and the two that read, see the process', () => {
  const programs = ['main.ts', 'cli.ts', 'compose'];
  const readers = ['rdma/rdma-reader-main.ts', 'nic/nic-reader-main.ts'];
  const seers = FILES.filter(
    (file) => !programs.includes(roomOf(file)) && !readers.includes(relative(SOURCE, file)),
  ).filter((file) =>
    /\bprocess\.(argv|env|exit|on\(|stdout|stdin)/.test(
      readFileSync(file, 'utf8').replace(/^\s*(\/\/|\*).*$/gm, ''),
    ),
  );
  assert.deepEqual(
    seers.map((file) => relative(ROOT, file)),
    [],
  );
});

test('files stay small, and the big ones say why', () => {
  const lines = FILES.map((file) => ({ file, text: readFileSync(file, 'utf8') }));
  const long = lines.filter(({ text }) => text.split('\n').length > 310);
  assert.deepEqual(
    long.map(({ file }) => relative(ROOT, file)),
    [],
  );
  const longInKernel = BPF_FILES.filter(
    (file) => readFileSync(join(BPF, file), 'utf8').split('\n').length > 300,
  );
  assert.deepEqual(longInKernel, []);
  const unlicensed = lines.filter(({ text }) => !text.startsWith('// SPDX-License-Identifier: Apache-2.0\n'));
  assert.deepEqual(
    unlicensed.map(({ file }) => relative(ROOT, file)),
    [],
  );
});

/** What the linter cannot say: one way of writing where there are two. */
const DIALECT: readonly (readonly [rule: string, isBroken: (text: string) => boolean])[] = [
  ['a blank line follows the comment at the head', (text) => /^(?:\/\/.*\n)+(?!\/\/|\n)/.test(text)],
  ['what grows by one is written x++', (text) => /\+= 1[;)]/.test(text)],
  ['no braces around a single return that fits on its line', hasBracedReturn],
];

function hasBracedReturn(text: string): boolean {
  const braced = /^( *)(if \(.*\)) \{\n\s+((?:return|throw|continue|break)\b.*;)\n\1\}\n(?! *else)/gm;
  return [...text.matchAll(braced)].some(
    ([, indent = '', condition = '', end = '']) => `${indent}${condition} ${end}`.length <= LINE_WIDTH,
  );
}

test('one dialect', () => {
  const wrong = FILES.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return DIALECT.filter(([, isBroken]) => isBroken(text)).map(
      ([rule]) => `${relative(ROOT, file)}: ${rule}`,
    );
  });
  assert.deepEqual(wrong, []);
});

test('an exported name has one meaning', () => {
  const where = new Map<string, string[]>();
  for (const file of FILES) {
    const declared = readFileSync(file, 'utf8').matchAll(
      /^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm,
    );
    for (const [, name = ''] of declared) where.set(name, [...(where.get(name) ?? []), relative(ROOT, file)]);
  }
  assert.ok(where.size > 300);
  assert.deepEqual(
    [...where].filter(([, files]) => files.length > 1),
    [],
  );
});
