// SPDX-License-Identifier: Apache-2.0
// These hold Dockerfile, .dockerignore and compose file to the repository and to the contract; no image is
// built here, but in image.test.ts.

import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { resolveConfig } from '../../src/config/resolve-config.js';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

interface Instruction {
  readonly keyword: string;
  readonly words: readonly string[];
}

/** Instructions of a Dockerfile; continued lines joined, comments left out. */
const instructions: readonly Instruction[] = read('Dockerfile')
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n/g, ' ')
  .split('\n')
  .filter((line) => line.trim() !== '')
  .map((line) => {
    const [keyword = '', ...words] = line.trim().split(/\s+/);
    return { keyword, words };
  });
const of = (keyword: string) => instructions.filter((one) => one.keyword === keyword);
const copies = of('COPY').map(({ words }) => ({
  fromStage: words[0] === '--from=build',
  sources: words.filter((word) => !word.startsWith('--')).slice(0, -1),
}));

test('two stages on Node 24; the second has neither compiler nor headers', () => {
  assert.deepEqual(
    of('FROM').map(({ words }) => words[0]),
    ['node:24-bookworm-slim', 'node:24-bookworm-slim'],
  );
  const last = instructions.slice(instructions.findLastIndex((one) => one.keyword === 'FROM'));
  const installed = last.filter((one) => one.keyword === 'RUN').flatMap(({ words }) => words);
  assert.ok(installed.includes('libbpf1'));
  for (const word of ['clang', 'g++', 'make', 'python3', 'libbpf-dev'])
    assert.ok(!installed.includes(word), word);
});

test('what is copied from the repository is there, and .dockerignore lets it through', () => {
  const ignore = read('.dockerignore').split('\n');
  assert.ok(ignore.includes('*'));
  const sources = copies.filter((copy) => !copy.fromStage).flatMap((copy) => copy.sources);
  assert.ok(sources.length >= 10);
  for (const source of sources) {
    assert.ok(existsSync(join(ROOT, source)), source);
    assert.ok(ignore.includes(`!${source}`), `${source} in .dockerignore`);
  }
  const allowed = ignore.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  assert.deepEqual([...new Set(sources)].sort(), allowed.sort());
});

test('what the program needs beside itself is in the image, as in every package', () => {
  const staged = /^RUN .*scripts\/stage-program \/program/m;
  assert.match(read('Dockerfile').replace(/\\\n/g, ' '), staged);
  assert.deepEqual(
    copies.filter((copy) => copy.fromStage).map((copy) => copy.sources),
    [['/program']],
  );
  const script = read('scripts/stage-program');
  const { files } = JSON.parse(read('package.json')) as { files: string[] };
  const ofProgram = files.filter((file) => /^(bin|LICENSE|dist\/(program|bpf|build-info\.json))$/.test(file));
  assert.equal(ofProgram.length, 5);
  for (const path of [...ofProgram, 'package.json'])
    assert.match(script, new RegExp(`^cp -r .*(?<= )${path}(?= )`, 'm'), path);
});

test('the packages that make build asks for are installed before it, so that it need not', () => {
  const script = read('scripts/install-packages');
  const between = (from: string, to: string): string => {
    const start = script.indexOf(from);
    return script.slice(start, script.indexOf(to, start));
  };
  const build = between('need_addons() {', '\n}\n') + between('\tbuild)', ';;');
  const needed = [...build.matchAll(/^\s+need (\S+)/gm)].map((match) => match[1] ?? '');
  for (const name of ['clang', 'g++']) assert.ok(needed.includes(name), name);
  const installed = of('RUN')[0]?.words ?? [];
  // Node and npm are the image's own; libbpf-dev brings libbpf1.
  for (const name of needed.filter((one) => !['nodejs', 'npm', 'libbpf1'].includes(one))) {
    assert.ok(installed.includes(name), name);
  }
});

test('it starts our program, and asks for its health where it answers by default', () => {
  assert.deepEqual(of('ENTRYPOINT')[0]?.words, ['["/opt/xtrace-catch/bin/xtrace-catch"]']);
  assert.equal(of('HEALTHCHECK').length, 1);
  assert.ok(of('ENV').some(({ words }) => words.includes('HEALTH_URL=http://127.0.0.1:10060/-/healthy')));
  assert.deepEqual(of('EXPOSE')[0]?.words, ['10060']);
});

test('docker-compose.yml says what the contract says', () => {
  const compose = parse(read('docker-compose.yml')) as { services: Record<string, Record<string, unknown>> };
  assert.deepEqual(Object.keys(compose.services), ['xtrace-catch']);
  const service = compose.services['xtrace-catch'] ?? {};
  assert.equal(service['privileged'], true);
  assert.equal(service['network_mode'], 'host');
  assert.deepEqual(service['volumes'], ['/sys/fs/bpf:/sys/fs/bpf']);
  assert.deepEqual(service['command'], ['-i', 'eth0', '-f', 'roce']);

  // Each variable stands with the contract's default, as ${NAME:-default}.
  const environment = service['environment'] as Record<string, string>;
  const env = Object.fromEntries(
    Object.entries(environment).map(([name, value]) => {
      const match = /^\$\{(\w+):-(.*)\}$/.exec(value);
      assert.equal(match?.[1], name);
      return [name, match?.[2] ?? ''];
    }),
  );
  assert.deepEqual(env, {
    NETWORK_INTERFACE: 'eth0',
    VICTORIAMETRICS_ENABLED: 'false',
    VICTORIAMETRICS_REMOTE_WRITE: 'http://localhost:8428/api/v1/import/prometheus',
    COLLECT_AGG: 'default',
  });
  const argv = service['command'] as string[];
  const resolution = resolveConfig({ argv, env, readFile: () => assert.fail('no file is named') });
  assert.equal(resolution.action, 'run');
});

test('its commented companion is YAML too', () => {
  const text = read('docker-compose.yml').replace(
    /^( *)# (?= *(victoria-metrics|image|network_mode|volumes|- |command|restart|victoria-metrics-data))/gm,
    '$1',
  );
  const compose = parse(text) as { services: Record<string, unknown>; volumes: Record<string, unknown> };
  assert.ok('victoria-metrics' in compose.services);
  assert.ok('victoria-metrics-data' in compose.volumes);
});
