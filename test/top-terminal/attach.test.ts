// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch top` and the exporter itself: what it shows is what was sent, and one that it starts leaves nothing.

import assert from 'node:assert/strict';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { PROGRAM, startExporter, writeSettings } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';

const frameFrom = (src: string, payloadBytes: number): Buffer =>
  ethernet(ETHERTYPE.ipv4, ipv4({ src, dst: '10.0.0.9' }, tcp(4000, 443, payloadOf(payloadBytes))));

/** Of its own, so that what stays in it is of this test. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'xtrace-attach-'));
  chmodSync(folder, 0o777);
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const start = (site: Site, through: readonly string[], TMPDIR: string, ...args: readonly string[]) => {
  const [command = PROGRAM, ...rest] = [...through, PROGRAM, 'top', ...args];
  return site.host.start(command, rest, { env: { NODE: process.execPath, LC_ALL: 'C', TMPDIR } });
};

function siteOf(t: TestContext, suffix: string): Site {
  const site = createSite(t, suffix);
  site.addVeth('va');
  return site;
}

const hasProgram = (site: Site): boolean => site.host.exec('ip', '-d', 'link', 'show', 'va').includes('xdp');

kernelTest(
  'a snapshot of a running exporter: the largest flow first, and to the byte what was sent',
  async (t) => {
    const site = siteOf(t, 'o');
    const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '200'] });
    t.after(() => exporter.stop('SIGKILL'));
    const large = await site.send('va', [frameFrom('10.0.0.1', 1000)], 70);
    await site.send('va', [frameFrom('10.0.0.2', 10)], 100);
    await exporter.scrapeUntil('the frames', (now) => now.sum('xtrace_network_packets_total') === 170);
    const url = `--url=${new URL(exporter.url).origin}`;
    const json = start(site, [], os.tmpdir(), url, '--json');
    assert.deepEqual([(await json.exited).code, json.stderr], [0, '']);
    const { flows } = JSON.parse(json.stdout);
    assert.deepEqual(
      flows.flows.map((flow: { total_packets: number; total_bytes: number }) => [
        flow.total_packets,
        flow.total_bytes,
      ])[0],
      [70, large.bytes],
    );
    const text = start(site, [], os.tmpdir(), url, '--once');
    await text.exited;
    assert.match(text.stdout, /^OK: va is watched/m);
    assert.match(text.stdout, /^ 10\.0\.0\.1:4000 +10\.0\.0\.9:443 +TCP [\s\S]*^ 10\.0\.0\.2:4000 /m);
  },
);

kernelTest('--attach: an exporter of its own, which leaves neither a program nor a file', async (t) => {
  const site = siteOf(t, 'a');
  const folder = folderOf(t);
  const file = writeSettings({
    kernel: { pin_path: '/sys/fs/bpf/xtrace-top-test' },
    push: { enabled: true, url: 'http://127.0.0.1:9/api/v1/write' },
    web: { listen_address: '127.0.0.1:9' },
    collect_agg: 'mine',
  });
  const top = start(site, [], folder, '--attach', '--json', '-i', 'va', `--config.file=${file}`);
  assert.deepEqual([(await top.exited).code, top.stderr], [0, '']);
  const { overview } = JSON.parse(top.stdout);
  assert.deepEqual(
    [
      overview.interfaces[0].name,
      overview.interfaces[0].attached,
      overview.collect_agg,
      overview.push.enabled,
    ],
    ['va', true, 'mine', false],
  );
  assert.equal(overview.exporter.interval_ms, 1000);
  assert.equal(hasProgram(site), false);
  assert.deepEqual(readdirSync(folder), []);
});

kernelTest('--attach: killed, it takes the exporter with it', async (t) => {
  const site = siteOf(t, 'k');
  const top = start(site, [], folderOf(t), '--attach', '--json', '-i', 'va', '-t', '60000');
  await top.waitFor('the program to be attached', () => hasProgram(site));
  top.kill('SIGKILL');
  await waitFor('the exporter to end', () => !hasProgram(site));
  await top.stop('SIGKILL');
});

kernelTest('--attach: killed, its folder goes at the next start; those of others stay', async (t) => {
  const site = siteOf(t, 'f');
  const folder = folderOf(t);
  const killed = start(site, [], folder, '--attach', '--json', '-i', 'va', '-t', '60000');
  await killed.waitFor('the program to be attached', () => hasProgram(site));
  killed.kill('SIGKILL');
  await killed.stop('SIGKILL');
  await waitFor('the exporter to end', () => !hasProgram(site));
  const [left = '', ...more] = readdirSync(folder);
  assert.deepEqual([left.startsWith('xtrace-catch-top-'), more], [true, []]);
  const lives = start(site, [], folder, '--attach', '--json', '-i', 'va', '-t', '60000');
  t.after(() => lives.stop('SIGKILL'));
  await lives.waitFor('the program to be attached', () => hasProgram(site));
  const [living = '', ...others] = readdirSync(folder);
  assert.notEqual(living, left);
  assert.deepEqual(others, [], 'what was left is gone');
  // What looks like it, and is none of it.
  const [, , , namespace = ''] = left.split('-');
  const kept = [
    [`xtrace-catch-top-1-1-1-aaaaaa`, 0o700, 0],
    [`xtrace-catch-top-${namespace}-zzzzz-1-bbbbbb`, 0o755, 0],
    [`xtrace-catch-top-${namespace}-zzzzz-1-cccccc`, 0o700, 12_345],
    ['xtrace-catch-top-dddddd', 0o700, 0],
  ] as const;
  for (const [name, mode, uid] of kept) {
    mkdirSync(path.join(folder, name), { mode });
    chownSync(path.join(folder, name), uid, uid);
  }
  symlinkSync(folder, path.join(folder, `xtrace-catch-top-${namespace}-zzzzz-1-eeeeee`));
  const goes = `xtrace-catch-top-${namespace}-zzzzz-1-ffffff`;
  mkdirSync(path.join(folder, goes), { mode: 0o700 });
  const before = readdirSync(folder).filter((name) => name !== goes);
  const next = start(site, [], folder, '--attach', '--json', '-i', 'nosuch');
  await next.exited;
  assert.deepEqual(readdirSync(folder), before);
  assert.ok(before.includes(living));
});

kernelTest('--attach without the privilege says what it takes', async (t) => {
  const site = siteOf(t, 'u');
  const folder = folderOf(t);
  const top = start(
    site,
    ['setpriv', '--bounding-set=-all', '--inh-caps=-all'],
    folder,
    '--attach',
    '--once',
    '-i',
    'va',
  );
  assert.equal((await top.exited).code, 1);
  assert.match(top.stderr, /^xtrace-catch: the exporter that it started has ended: .*CAP_BPF.*run as root/);
  assert.deepEqual(readdirSync(folder), []);
});
