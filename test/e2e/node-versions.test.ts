// SPDX-License-Identifier: Apache-2.0
// Each supported Node version builds the program from an empty node_modules, runs it, and passes some of
// its unit tests.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { startExporter } from '../support/exporter/exporter.js';
import { buildOn } from '../support/exporter/node-builds.js';
import {
  envOf,
  findNodeVersion,
  NODE_MAJORS,
  type NodeMajor,
  type NodeVersion,
} from '../support/exporter/node-version.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { run } from '../support/processes.js';

const FRAME = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1, 2, payloadOf(50))),
);
const PROGRAM = path.join('bin', 'xtrace-catch');
/** One of each kind: pure, streams and sockets, convict, FFI, snappy, and zstd, which Node 20 lacks. */
const UNIT_TESTS = [
  'bpf/layout',
  'config/resolve-config',
  'exposition/render-exposition',
  'flows/flow-accounts',
  'http/server',
  'kernel/load',
  'print/flow-printer',
  'push/wire',
  'reader/drain',
].map((name) => path.join('dist', 'test', `${name}.test.js`));

/** Those that are here; a word about each that is not. */
const VERSIONS = NODE_MAJORS.map(findNodeVersion).filter(({ major, missing }) => {
  if (missing === undefined) return true;
  process.stderr.write(`SKIPPED, no Node ${major} (${missing})\n`);
  test(`Node ${major}`, { skip: `SKIPPED: ${missing}` }, () => undefined);
  return false;
});
const BUILDS = new Map<NodeMajor, string>();
const buildOf = ({ major }: NodeVersion): string => BUILDS.get(major) ?? assert.fail('it was not built');

// All builds come first: a kernel test takes this process to a namespace that no registry is in.
for (const version of VERSIONS) {
  test(`Node ${version.major} builds it from an empty node_modules`, async (t) => {
    const began = performance.now();
    const copy = await buildOn(version);
    BUILDS.set(version.major, copy);
    t.diagnostic(`${copy}: ${((performance.now() - began) / 1000).toFixed(0)} s`);
    const { stdout } = await run(path.join(copy, PROGRAM), ['--version'], { env: envOf(version) });
    assert.match(stdout, new RegExp(`node version: +v${version.major}\\.`));
    // What the addons were compiled on: npm has folders of its own before those of PATH.
    const script = await run('npm', ['exec', '--call=node --version'], { cwd: copy, env: envOf(version) });
    assert.match(script.stdout, new RegExp(`^v${version.major}\\.`));
  });
}

for (const version of VERSIONS) {
  const { major } = version;
  test(`on Node ${major} the unit tests pass`, async () => {
    const absent = UNIT_TESTS.filter((file) => !existsSync(path.join(buildOf(version), file)));
    assert.deepEqual(absent, [], 'tests were renamed: name them here anew');
    const { stdout } = await run('node', ['--test', '--test-reporter=tap', ...UNIT_TESTS], {
      cwd: buildOf(version),
      env: envOf(version),
    });
    assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) >= UNIT_TESTS.length, stdout);
    assert.match(stdout, /^# fail 0$/m);
  });

  kernelTest(`on Node ${major} it attaches, counts and stops`, async (t) => {
    const site = createSite(t, `v${major}`);
    site.addVeth('va');
    const exporter = await startExporter({
      program: path.join(buildOf(version), PROGRAM),
      namespace: site.host,
      args: ['-i', 'va', '-t', '100'],
      env: envOf(version),
    });
    t.after(() => exporter.stop('SIGKILL'));
    const sent = await site.send('va', [FRAME], 500);
    const seen = await exporter.scrapeUntil(
      'the frames',
      (now) => now.sum('xtrace_network_packets_total') === sent.packets,
    );
    assert.equal(seen.sum('xtrace_network_bytes_total'), sent.bytes);
    assert.match(
      seen.select('xtrace_build_info')[0]?.labels.get('node_version') ?? '',
      new RegExp(`^v${major}\\.`),
    );
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
    assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)|Warning/);
  });
}
