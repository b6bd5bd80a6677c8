// SPDX-License-Identifier: Apache-2.0
// Which capabilities the running exporter needs: without one of them it says so in a sentence, with
// these alone it counts. README, --help and the systemd unit name the same three.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { PROGRAM, runExporter, startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { attachForeignXdp } from '../support/kernel/foreign-xdp.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';

const NEEDED = ['bpf', 'net_admin', 'perfmon'] as const;
const NOBODY = '65534';
const FRAME = ethernet(
  ETHERTYPE.ipv4,
  ipv4({ src: '192.0.2.1', dst: '192.0.2.2' }, udp(1, 2, payloadOf(50))),
);

/**
 * Runs what follows with these capabilities alone: as nobody, or, where nobody may not read the
 * program (a checkout in a private folder), as a root that has no others.
 */
function withCapabilities(t: TestContext, capabilities: readonly string[]): readonly string[] {
  const set = ['-all', ...capabilities.map((one) => `+${one}`)].join(',');
  const user = ['--reuid', NOBODY, '--regid', NOBODY, '--clear-groups'];
  const mayRead = [PROGRAM, process.execPath].every(
    (file) => spawnSync('setpriv', [...user, '--inh-caps=-all', 'test', '-r', file]).status === 0,
  );
  if (!mayRead) t.diagnostic('nobody may not read the program here: run as root without other capabilities');
  const bounds = [`--bounding-set=${set}`, `--inh-caps=${set}`, `--ambient-caps=${set}`];
  return ['setpriv', ...(mayRead ? user : []), ...bounds];
}

kernelTest(
  'without privilege: one sentence that names the capabilities, exit code 1, no stack',
  async (t) => {
    const site = createSite(t, 'n');
    site.addVeth('va');
    const lacking = [[], ...NEEDED.map((one) => NEEDED.filter((other) => other !== one))];
    for (const capabilities of lacking) {
      const result = await runExporter({
        namespace: site.host,
        args: ['-i', 'va'],
        through: withCapabilities(t, capabilities),
      });
      assert.equal(result.code, 1, `with ${capabilities.join()}: ${result.stderr}`);
      assert.equal(result.stdout, '');
      assert.match(
        result.stderr,
        /^xtrace-catch: [^\n]*CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON[^\n]*\n$/,
        `with ${capabilities.join()}`,
      );
    }
  },
);

kernelTest('with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone it counts, and comes back', async (t) => {
  const site = createSite(t, 'w');
  site.addVeth('va');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '100'],
    through: withCapabilities(t, NEEDED),
  });
  t.after(() => exporter.stop('SIGKILL'));
  const status = readFileSync(`/proc/${exporter.child.pid}/status`, 'utf8');
  // CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39.
  assert.match(status, /^CapEff:\t000000c000001000$/m);
  const first = await site.send('va', [FRAME], 100);
  const seen = await exporter.scrapeUntil(
    'the frames',
    (now) => now.sum('xtrace_network_packets_total') === first.packets,
  );
  assertBalance(seen);
  site.host.exec('ip', 'link', 'delete', 'va');
  await exporter.scrapeUntil('the loss', (now) => now.value('xtrace_interface_attached') === 0);
  site.addVeth('va');
  await exporter.scrapeUntil('va again', (now) => now.value('xtrace_interface_attached') === 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest("without CAP_SYS_ADMIN somebody else's program is named by its id", async (t) => {
  const site = createSite(t, 'f');
  site.addVeth('va');
  attachForeignXdp(site.host.ifindex('va'), 'generic', 'their_filter');
  const [link] = JSON.parse(site.host.exec('ip', '-json', 'link', 'show', 'dev', 'va')) as [
    { xdp: { prog: { id: number } } },
  ];
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va'],
    through: withCapabilities(t, NEEDED),
  });
  t.after(() => exporter.stop('SIGKILL'));
  const { stderr } = exporter.child;
  assert.ok(stderr.includes(`(id ${link.xdp.prog.id}, generic mode), which was left alone`), stderr);
  assert.equal((await exporter.page('/-/ready')).status, 503);
});

kernelTest('help and systemd unit name what it needs, and no more', () => {
  const names = NEEDED.map((one) => `CAP_${one.toUpperCase()}`).sort();
  const unit = readFileSync(path.resolve(path.dirname(PROGRAM), '../systemd/xtrace-catch.service'), 'utf8');
  for (const setting of ['AmbientCapabilities', 'CapabilityBoundingSet']) {
    const given = new RegExp(`^${setting}=(.*)$`, 'm').exec(unit)?.[1]?.split(' ').sort();
    assert.deepEqual(given, names, setting);
  }
  const help = execFileSync(PROGRAM, ['--help'], {
    encoding: 'utf8',
    env: { ...process.env, NODE: process.execPath },
  });
  assert.deepEqual(help.match(/CAP_[A-Z_]+/g)?.sort(), names);
});
