// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch unpin`: what it says, what is gone afterwards, and where it does nothing. And what the exporter
// says of a pin path that it cannot use.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitFor } from '../support/conditions.js';
import { PROGRAM, runExporter, startExporter, writeSettings } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { mixedFlows } from '../support/frames/traffic-mix.js';
import { heldBpfObjects, livingBpfObjects } from '../support/kernel/bpf-objects.js';
import { mountBpffs } from '../support/kernel/bpffs.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

function unpin(...args: readonly string[]): { code: number | null; stdout: string; stderr: string } {
  const { status, stdout, stderr } = spawnSync(PROGRAM, ['unpin', ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE: process.execPath },
  });
  return { code: status, stdout, stderr };
}

kernelTest('unpin detaches, removes all, and says what nobody has read', async (t) => {
  const site = createSite(t, 'un');
  site.addVeth('va');
  const path = join(mountBpffs(t), 'xc');
  const settings = { interval_ms: 3_600_000, kernel: { pin_path: path, slots_per_cpu: 256 } };
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va'], settings });
  t.after(() => exporter.stop('SIGKILL'));
  const held = heldBpfObjects(exporter.child.pid);
  assert.ok(held.link.length === 1 && held.map.length > 20);

  const busy = unpin(`--kernel.pin-path=${path}`);
  assert.equal(busy.code, 1);
  assert.match(busy.stderr, /^xtrace-catch: kernel\.pin_path \S+ is in use by another xtrace-catch: .*\n$/);

  await exporter.stop();
  const { packets } = await site.send('va', mixedFlows(3, 4), 5);
  const done = unpin(`--config.file=${writeSettings(settings)}`);
  assert.deepEqual([done.code, done.stderr], [0, '']);
  assert.match(
    done.stdout,
    /^detached from va \(ifindex \d+\)\nremoved \d+ maps and programs of 1 generation from /,
  );
  assert.match(done.stdout, new RegExp(`\\nlost: ${packets} packets \\(\\d+ bytes\\) that were counted`));
  assert.ok(!existsSync(path));
  await waitFor('programs, maps and links to go', () => {
    assert.deepEqual(livingBpfObjects(held), { prog: [], map: [], link: [] });
    return true;
  });
  assert.deepEqual(unpin(`--kernel.pin-path=${path}`), {
    code: 0,
    stdout: `nothing is pinned under ${path}\n`,
    stderr: '',
  });
});

kernelTest(
  'a path in no bpffs, none at all, and one in use: a sentence each, and nothing is lost',
  async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'xtrace-no-bpffs-'));
    t.after(() => rmdirSync(folder));
    const nowhere = unpin(`--kernel.pin-path=${folder}`);
    assert.equal(nowhere.code, 2);
    assert.match(nowhere.stderr, /^xtrace-catch: kernel\.pin_path \S+ is in no BPF file system: .*\n$/);
    const none = unpin();
    assert.equal(none.code, 2);
    assert.match(none.stderr, /kernel\.pin_path: is not set: give the path/);
    assert.match(unpin('--kernel.pin-path=bpf').stderr, /must be an absolute path/);

    const site = createSite(t, 'uf');
    site.addVeth('va');
    const asRun = await runExporter({
      namespace: site.host,
      args: ['-i', 'va', `--kernel.pin-path=${folder}`],
    });
    assert.equal(asRun.code, 2);
    assert.match(asRun.stderr, /^xtrace-catch: kernel\.pin_path \S+ is in no BPF file system: .*\n$/);

    const path = join(mountBpffs(t), 'xc');
    const args = ['-i', 'va', `--kernel.pin-path=${path}`];
    const first = await startExporter({ namespace: site.host, args });
    t.after(() => first.stop('SIGKILL'));
    const second = await runExporter({ namespace: site.host, args });
    assert.equal(second.code, 1);
    assert.match(
      second.stderr,
      /^xtrace-catch: kernel\.pin_path \S+ is in use by another xtrace-catch: .*\n$/,
    );
    assert.equal(readdirSync(join(path, 'links')).length, 1);
    const { code } = await first.stop();
    assert.equal(code, 0);
  },
);
