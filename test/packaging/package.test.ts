// SPDX-License-Identifier: Apache-2.0
// What `npm pack` makes, installed with `npm install -g` where nothing but the npm registry is reached.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { atEnd } from '../support/cleanup.js';
import { PROGRAM, startExporter } from '../support/exporter/exporter.js';
import { envOf, findNodeVersion, type NodeVersion } from '../support/exporter/node-version.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { run } from '../support/processes.js';

const ROOT = path.resolve(path.dirname(PROGRAM), '..');
const LIMIT_S = '600';

/** Gone at the end of the process. On the disk of node_modules, for hard links. */
const folder = (() => {
  const parent = path.join(ROOT, '.node-builds');
  mkdirSync(parent, { recursive: true });
  const made = mkdtempSync(path.join(parent, 'package-'));
  atEnd(() => rmSync(made, { recursive: true, force: true }));
  return made;
})();

const GUESTS = new Set(['vm', 'cross'].map((name) => path.join(ROOT, 'dist', name)));

/** npm changes package.json while it packs, which other tests read: it packs a copy of the repository. */
function copyRepository(): string {
  const copy = path.join(folder, 'repository');
  mkdirSync(copy);
  const { files } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const sources = [
    'Makefile',
    'package.json',
    'package-lock.json',
    'tsconfig.json',
    'scripts',
    'bpf',
    'src',
    'web',
  ];
  for (const source of [...sources, 'dist', ...files.filter((file) => !/^!|^dist/.test(file))]) {
    cpSync(path.join(ROOT, source), path.join(copy, source), {
      recursive: true,
      preserveTimestamps: true,
      // A guest that runs has pipes there, and both are large.
      filter: (from) => !GUESTS.has(from),
    });
  }
  execFileSync('cp', ['-al', path.join(ROOT, 'node_modules'), copy]);
  return copy;
}

let tarball: string | undefined;
const packed = (): string => tarball ?? assert.fail('it was not packed');

test('npm pack takes the build along, and no source maps', async (t) => {
  const copy = copyRepository();
  const manifest = readFileSync(path.join(copy, 'package.json'), 'utf8');
  const { stdout } = await run('timeout', [LIMIT_S, 'npm', 'pack', `--pack-destination=${folder}`], {
    cwd: copy,
    env: { MAKEFLAGS: undefined, MAKELEVEL: undefined },
  });
  tarball = path.join(folder, stdout.trim().split('\n').at(-1) ?? '');
  t.diagnostic(`${(statSync(tarball).size / 1e6).toFixed(1)} MB`);
  assert.equal(readFileSync(path.join(copy, 'package.json'), 'utf8'), manifest, 'it is as it was');

  const files = execFileSync('tar', ['-tzf', tarball], { encoding: 'utf8' }).trim().split('\n');
  const wanted = [
    ...[
      'bin/xtrace-catch',
      'dist/build-info.json',
      'dist/bpf/flow.bpf.o',
      'dist/program/cli.js',
      'dist/program/LICENSES',
      'dist/page/index.html',
    ],
    ...['dist/man/xtrace-catch.1', 'dist/completions/_xtrace-catch', 'dist/completions/xtrace-catch.bash'],
  ];
  for (const file of wanted) assert.ok(files.includes(`package/${file}`), file);
  assert.deepEqual(
    files.filter((file) =>
      /\.map$|^package\/(dist\/(test|bench)|test|src|node_modules\/typescript)\//.test(file),
    ),
    [],
  );
});

/** Resolves with the folder it was installed to, by `npm install -g` on the Node version. */
async function install(
  version: NodeVersion,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const prefix = path.join(folder, version.major);
  // With another prefix npm would look for its settings, such as certificates, there.
  const globalconfig = execFileSync('npm', ['config', 'get', 'globalconfig'], { cwd: '/', encoding: 'utf8' });
  await run('timeout', [LIMIT_S, 'npm', 'install', '--global', `--prefix=${prefix}`, ...args, packed()], {
    cwd: '/',
    env: { ...envOf(version), npm_config_globalconfig: globalconfig.trim(), ...env },
  });
  return prefix;
}

const WAYS = [
  // npm 12 runs no scripts of packages that it was not told of.
  { title: 'without a compiler, on Node 22', major: '22', args: ['--ignore-scripts'], compiled: false },
  { title: 'compiling the addons anew, on Node 24', major: '24', args: [], compiled: true },
] as const;
const INSTALLED = new Map<string, string>();

// All come first: a kernel test takes this process to a namespace that no registry is in.
for (const { title, major, args, compiled } of WAYS) {
  const version = findNodeVersion(major);
  const skip = version.missing === undefined ? false : `SKIPPED: ${version.missing}`;
  if (skip !== false) process.stderr.write(`${skip}: npm install -g ${title}\n`);
  test(`npm install -g ${title}`, { skip }, async () => {
    const source = { npm_config_build_from_source: 'true', npm_config_nodedir: version.prefix };
    const prefix = await install(version, args, compiled ? source : {});
    INSTALLED.set(major, prefix);
    const env = envOf(version);
    const program = path.join(prefix, 'bin', 'xtrace-catch');
    const { stdout } = await run(program, ['--version'], { env });
    const { revision } = JSON.parse(readFileSync(path.join(ROOT, 'dist/build-info.json'), 'utf8')) as {
      revision: string;
    };
    assert.match(stdout, new RegExp(`revision: ${revision}\\)[^]*node version: +v${major}\\.`));
    assert.match((await run(program, ['--list'], { env })).stdout, /^lo +\d+ +loopback/m);

    const addon = 'lib/node_modules/xtrace-catch/node_modules/ffi-napi/build/Release/ffi_bindings.node';
    const ours = path.join(ROOT, 'node_modules/ffi-napi/build/Release/ffi_bindings.node');
    const isOurs = readFileSync(path.join(prefix, addon)).equals(readFileSync(ours));
    assert.equal(isOurs, !compiled, 'the addon that was packed is the one that was built here');
  });
}

for (const { title, major } of WAYS) {
  const version = findNodeVersion(major);
  if (version.missing !== undefined) continue;
  kernelTest(`installed ${title}, it attaches`, async (t) => {
    const site = createSite(t, `pk${major}`);
    site.addVeth('va');
    const exporter = await startExporter({
      program: path.join(INSTALLED.get(major) ?? assert.fail('it was not installed'), 'bin', 'xtrace-catch'),
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      env: envOf(version),
    });
    t.after(() => exporter.stop('SIGKILL'));
    const now = await exporter.scrape();
    assert.equal(now.value('xtrace_interface_attached', { interface: 'va' }), 1);
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  });
}
