// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch doctor` as a user meets it, on real interfaces: what it says, its exit code, and that it
// leaves nothing behind.

import assert from 'node:assert/strict';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { PROGRAM, startExporter, writeSettings } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { attachForeignXdp } from '../support/kernel/foreign-xdp.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { MLX5_ROCE, RXE } from '../support/rdma/rdma-devices.js';
import { HANGING, RdmaSysfs } from '../support/rdma/rdma-sysfs.js';

interface Answer {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Findings {
  readonly will_work: boolean;
  readonly findings: readonly { level: string; interface: string | null; sentence: string }[];
  readonly host: { readonly object: { loads: boolean; flavours: string[] }; readonly sysfs_is_ours: boolean };
  readonly interfaces: readonly {
    readonly name: string;
    readonly configured: boolean;
    readonly present: boolean;
    readonly driver: string;
    readonly role: { readonly type: string | null; master: string | null; lowers: string[] } | null;
    readonly xdp: { readonly program: { id: number; name: string; mode: string; ours: boolean } | null };
    readonly rdma: readonly {
      readonly device: string;
      readonly roce_visibility: string;
      readonly ports: readonly { readonly state: string | null; readonly received_packets: number | null }[];
    }[];
  }[];
}

/** Nothing of the environment decides; `before` is a command that runs the program. */
async function doctor(site: Site, args: readonly string[], before: readonly string[] = []): Promise<Answer> {
  const [command = PROGRAM, ...rest] = [...before, PROGRAM, 'doctor', ...args];
  const env = { NETWORK_INTERFACE: undefined, COLLECT_AGG: undefined, NODE: process.execPath };
  const child = site.host.start(command, rest, { env });
  try {
    const { code } = await child.exited;
    assert.doesNotMatch(child.stderr, /^\s+at .*:\d+:\d+\)?$/m);
    return { code, stdout: child.stdout, stderr: child.stderr };
  } finally {
    await child.stop('SIGKILL');
  }
}

async function doctorJson(
  site: Site,
  args: readonly string[],
  before: readonly string[] = [],
): Promise<Findings & { code: number | null }> {
  const { code, stdout, stderr } = await doctor(site, ['--json', '--wait=0', ...args], before);
  assert.equal(stderr, '');
  return { ...(JSON.parse(stdout) as Findings), code };
}

/** /sys of the namespace it runs in, as a service or `ip netns exec` has it. */
const WITH_OWN_SYS = ['unshare', '--mount', 'sh', '-c', 'mount -t sysfs none /sys && exec "$@"', 'sh'];

function xdpOf(site: Site, device: string): unknown {
  const [link] = JSON.parse(site.host.exec('ip', '-json', 'link', 'show', 'dev', device)) as [
    { xdp?: unknown },
  ];
  return link.xdp;
}

function siteWithVeth(t: TestContext, suffix: string): Site {
  const site = createSite(t, suffix);
  site.addVeth('va');
  return site;
}

kernelTest('a veth that will work: a screen, exit code 0, and nothing attached', async (t) => {
  const site = siteWithVeth(t, 'dg');
  const { code, stdout, stderr } = await doctor(site, ['-i', 'va'], WITH_OWN_SYS);
  assert.equal(code, 0, stdout);
  assert.equal(stderr, '');
  assert.match(stdout, /^ {2}object +flow(-portable)?\.bpf\.o loads \(/m);
  assert.match(stdout, /^va \(configured\)\n {2}link +ethernet, MTU 1500, up, driver veth$/m);
  assert.match(stdout, /^ {2}\/sys +\/sys shows this network namespace$/m);
  assert.match(stdout, /^ {2}lo +loopback/m);
  assert.match(stdout, /\n\nverdict: va will work\n$/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  assert.equal(xdpOf(site, 'va'), undefined);
});

kernelTest('--json: one object, the roles of a bridge and its port among it', async (t) => {
  const site = siteWithVeth(t, 'dj');
  site.host.exec('ip', 'link', 'add', 'br0', 'type', 'bridge');
  site.host.exec('ip', 'link', 'set', 'va', 'master', 'br0');
  const { code, ...said } = await doctorJson(site, ['-i', 'br0,va'], WITH_OWN_SYS);
  assert.equal(code, 0);
  assert.equal(said.will_work, true);
  assert.equal(said.host.object.loads, true);
  assert.equal(said.host.sysfs_is_ours, true);
  const [bridge, port] = said.interfaces;
  assert.deepEqual([bridge?.name, bridge?.role?.type, bridge?.role?.lowers], ['br0', 'bridge', ['va']]);
  assert.deepEqual([port?.name, port?.role?.master], ['va', 'br0']);
  assert.deepEqual(
    said.findings.map((one) => [one.level, one.interface]),
    [
      ['warning', 'br0'], // down
      ['warning', 'br0'], // stands on va
    ],
  );
});

kernelTest("another namespace's /sys is found out", async (t) => {
  const site = siteWithVeth(t, 'ds');
  const said = await doctorJson(site, ['-i', 'va']);
  assert.equal(said.code, 0);
  assert.equal(said.host.sysfs_is_ours, false);
  assert.match(said.findings[0]?.sentence ?? '', /shows another network namespace/);
  assert.equal(said.interfaces[0]?.role, null);
});

kernelTest('an interface that is missing: exit code 1, the others are told of all the same', async (t) => {
  const site = siteWithVeth(t, 'dm');
  const said = await doctorJson(site, ['-i', 'nope,va']);
  assert.equal(said.code, 1);
  assert.equal(said.will_work, false);
  assert.deepEqual(
    said.interfaces.slice(0, 2).map(({ name, configured, present }) => [name, configured, present]),
    [
      ['nope', true, false],
      ['va', true, true],
    ],
  );
});

kernelTest("somebody else's program: exit code 1, named, left alone by --probe too", async (t) => {
  const site = siteWithVeth(t, 'df');
  attachForeignXdp(site.host.ifindex('va'), 'native', 'their_filter');
  const before = xdpOf(site, 'va');
  assert.notEqual(before, undefined);
  for (const args of [
    ['-i', 'va'],
    ['-i', 'va', '--probe'],
  ]) {
    const said = await doctorJson(site, args);
    assert.equal(said.code, 1);
    const problems = said.findings.filter(({ level }) => level === 'problem');
    assert.equal(problems.length, 1);
    assert.match(
      problems[0]?.sentence ?? '',
      /^va already has an XDP program \("their_filter", id \d+, native mode\)/,
    );
    assert.deepEqual(xdpOf(site, 'va'), before);
  }
});

kernelTest('a running exporter on the interface is what one wants: exit code 0', async (t) => {
  const site = siteWithVeth(t, 'dr');
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va'] });
  t.after(() => exporter.stop('SIGKILL'));
  for (const args of [
    ['-i', 'va'],
    ['-i', 'va', '--probe'],
  ]) {
    const said = await doctorJson(site, args);
    assert.equal(said.code, 0, JSON.stringify(said.findings));
    assert.equal(said.interfaces[0]?.xdp.program?.ours, true);
    assert.ok(said.findings.some(({ sentence }) => sentence.startsWith('an xtrace-catch counts va already')));
  }
  const seen = await exporter.scrape();
  assert.equal(seen.value('xtrace_interface_attached'), 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});

kernelTest('--probe attaches as configured, says so, and leaves nothing behind', async (t) => {
  const site = siteWithVeth(t, 'dp');
  for (const [mode, found] of [
    ['auto', 'native'],
    ['generic', 'generic'],
  ]) {
    const args = ['-i', 'va', '--probe', `--attach-mode=${mode}`];
    const { code, stdout } = await doctor(site, args, WITH_OWN_SYS);
    assert.equal(code, 0, stdout);
    assert.match(stdout, new RegExp(`^ {2}note: tried: XDP attaches to va in ${found} mode`, 'm'));
    assert.match(stdout, /^verdict: va will work, as was tried$/m);
    assert.equal(xdpOf(site, 'va'), undefined);
  }
});

kernelTest('native mode where there is none: known before, proved by --probe', async (t) => {
  const site = siteWithVeth(t, 'dn');
  site.host.exec('ip', 'link', 'add', 'br0', 'type', 'bridge');
  site.host.exec('ip', 'link', 'set', 'br0', 'up');
  const proved = await doctorJson(site, ['-i', 'br0', '--attach-mode=native', '--probe']);
  assert.equal(proved.code, 1);
  assert.match(
    proved.findings.find(({ level }) => level === 'problem')?.sentence ?? '',
    /^XDP cannot be attached to br0: native: /,
  );
  const automatic = await doctorJson(site, ['-i', 'br0', '--probe']);
  assert.equal(automatic.code, 0);
  assert.ok(
    automatic.findings.some(({ sentence }) =>
      /in generic mode .*as native was refused: native: /.test(sentence),
    ),
  );
});

kernelTest('without privilege it says what it can, and exits with 1', async (t) => {
  const site = siteWithVeth(t, 'du');
  const bare = ['setpriv', '--bounding-set=-all', '--inh-caps=-all'];
  const { code, stdout, stderr } = await doctor(site, ['-i', 'va'], bare);
  assert.equal(code, 1);
  assert.equal(stderr, '');
  const flat = stdout.replace(/\s+/g, ' ');
  assert.match(
    flat,
    /PROBLEM: loading XDP programs needs the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON/,
  );
  assert.match(flat, /this process lacks CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON/);
  assert.match(stdout, /^ {2}link +ethernet, MTU 1500, up, driver veth$/m);
  const said = await doctorJson(site, ['-i', 'va', '--probe'], bare);
  assert.equal(said.code, 1);
  assert.equal(said.host.object.loads, false);
});

kernelTest('wrong flags: exit code 2, nothing on stdout', async (t) => {
  const site = siteWithVeth(t, 'dw');
  const { code, stdout, stderr } = await doctor(site, ['--wait=x', '--jsn']);
  assert.deepEqual([code, stdout], [2, '']);
  assert.match(stderr, /^xtrace-catch: --jsn: there is no such flag, did you mean "--json"\?$/m);
  assert.match(stderr, /^xtrace-catch: --wait: must be a whole number/m);
});

kernelTest('an object that is not built: its sentence, exit code 1', async (t) => {
  const site = siteWithVeth(t, 'do');
  const folder = path.resolve(path.dirname(PROGRAM), '../dist/bpf');
  const hidden = ['unshare', '--mount', 'sh', '-c', 'mount -t tmpfs none "$0" && exec "$@"', folder];
  const said = await doctorJson(site, ['-i', 'va'], hidden);
  assert.equal(said.code, 1);
  assert.match(said.findings.find(({ level }) => level === 'problem')?.sentence ?? '', /run "make build"$/);
});

kernelTest(
  'RDMA devices: hidden and soft, told loudly, exit code 0; a port that hangs is left',
  async (t) => {
    const site = siteWithVeth(t, 'di');
    const onVa = {
      files: MLX5_ROCE.ports[1]?.files ?? {},
      ndevs: { 0: 'va' },
      counters: { port_rcv_packets: 7 },
    };
    const sysfs = new RdmaSysfs({
      mlx5_0: { ...MLX5_ROCE, ports: { 1: onVa, 2: { ...onVa, files: { ...onVa.files, state: HANGING } } } },
      rxe0: { ...RXE, files: { ...RXE.files, parent: 'va' } },
    });
    t.after(() => sysfs.remove());
    const file = `--config.file=${writeSettings({ rdma: { sysfs_path: sysfs.path } })}`;
    const said = await doctorJson(site, ['-i', 'va', file]);
    assert.equal(said.code, 0, JSON.stringify(said.findings));
    const rdma = said.interfaces.find(({ name }) => name === 'va')?.rdma;
    assert.deepEqual(
      rdma?.map((one) => [one.device, one.roce_visibility, one.ports.length]),
      [
        ['mlx5_0', 'hidden_offload', 2],
        ['rxe0', 'visible_soft', 1],
      ],
    );
    assert.deepEqual(
      rdma?.[0]?.ports.map((port) => [port.state, port.received_packets]),
      [
        ['active', 0],
        [null, null],
      ],
    );
    assert.ok(
      said.findings.some(
        ({ level, sentence }) => level === 'warning' && /RoCE of va CANNOT be seen/.test(sentence),
      ),
    );
  },
);
