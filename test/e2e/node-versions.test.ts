// SPDX-License-Identifier: Apache-2.0
// The built program, and some of its unit tests, on the Node versions that are not this machine's:
// binaries of npm packages that `make test` installs into .node-versions.

import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { PROGRAM, startExporter } from '../support/exporter.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames.js';
import { kernelTest } from '../support/kernel-gate.js';
import { findOtherNode } from '../support/other-node.js';
import { run } from '../support/processes.js';
import { createSite } from '../support/site.js';

const ROOT = path.resolve(path.dirname(PROGRAM), '..');
const FRAME = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1, 2, payloadOf(50))),
);
/** One of each kind: pure, streams and sockets, convict, FFI, snappy, and zstd, which Node 20 lacks. */
const UNIT_TESTS = [
  'abi/layout',
  'config/resolve-config',
  'exposition/render-exposition',
  'flows/flow-accounts',
  'http/server',
  'kernel/load',
  'print/flow-printer',
  'push/wire',
  'reader/drain',
].map((name) => path.join(ROOT, 'dist', 'test', `${name}.test.js`));

for (const major of ['22', '24'] as const) {
  const { path: node, missing } = findOtherNode(major);
  if (missing !== undefined) {
    process.stderr.write(`SKIPPED, no Node ${major} (${missing})\n`);
    test(`Node ${major}`, { skip: `SKIPPED: ${missing}` }, () => undefined);
    continue;
  }

  kernelTest(`on Node ${major} it attaches, counts and stops`, async (t) => {
    const { stdout } = await run(PROGRAM, ['--version'], { env: { NODE: node } });
    assert.match(stdout, new RegExp(`node version: +v${major}\\.`));
    const site = createSite(t, `v${major}`);
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '100'],
      env: { NODE: node },
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

  test(`on Node ${major} the unit tests pass`, async () => {
    const absent = UNIT_TESTS.filter((file) => !existsSync(file));
    assert.deepEqual(absent, [], 'tests were renamed: name them here anew');
    // Not a part of this run for the runner inside.
    const env = { NODE_TEST_CONTEXT: undefined };
    const { stdout } = await run(node, ['--test', '--test-reporter=tap', ...UNIT_TESTS], { env });
    assert.ok(Number(/^# pass (\d+)$/m.exec(stdout)?.[1]) >= UNIT_TESTS.length, stdout);
    assert.match(stdout, /^# fail 0$/m);
  });
}
