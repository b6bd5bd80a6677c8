// SPDX-License-Identifier: Apache-2.0
// The command line as a user meets it: what is printed where, and the exit code. Never a stack.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import { type TestContext, test } from 'node:test';
import {
  type ExporterOptions,
  PROGRAM,
  runExporter,
  startExporter,
  writeSettings,
} from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { OPCODE_CNP, roceV2 } from '../support/roce/roce-frames.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const EXAMPLE = path.resolve(path.dirname(PROGRAM), '../config/xtrace-catch.yaml');
const STACK = /^\s+at .*:\d+:\d+\)?$/m;
/** None of these may come from whoever runs the tests. */
const ENV: NodeJS.ProcessEnv = Object.fromEntries(
  Object.entries(process.env).filter(
    ([name]) => !/^(NETWORK_INTERFACE|VICTORIAMETRICS_|COLLECT_AGG)/.test(name),
  ),
);

/** Runs the program where the test stands; it must end by itself. */
function cli(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
  const { status, stdout, stderr } = spawnSync(PROGRAM, args, {
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...ENV, NODE: process.execPath, ...env },
  });
  assert.doesNotMatch(stderr, STACK);
  return { status, stdout, stderr };
}

function shell(script: string): { stdout: string; stderr: string } {
  const env = { ...ENV, NODE: process.execPath, PROGRAM };
  const { stdout, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8', timeout: 20_000, env });
  return { stdout, stderr };
}

test('--help is one screen, --help=all names every flag and variable; nothing else is printed', () => {
  const { status, stdout, stderr } = cli(['--help']);
  assert.equal(status, 0);
  assert.equal(stderr, '');
  for (const word of ['-i, --interface', '-f, --filter', '-t, --interval', '--exclude-dns', '-l, --list']) {
    assert.ok(stdout.includes(word), `no ${word}`);
  }
  assert.match(stdout, /needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON/);
  assert.ok(stdout.split('\n').length <= 25);
  assert.equal(cli(['-h']).stdout, stdout);
  const all = cli(['--help=all']);
  assert.deepEqual([all.status, all.stderr], [0, '']);
  assert.match(all.stdout, /NETWORK_INTERFACE[\s\S]*VICTORIAMETRICS_ENABLED[\s\S]*COLLECT_AGG/);
  assert.match(all.stdout, /--kernel\.pin-path=PATH/);
  assert.ok([stdout, all.stdout].every((text) => text.split('\n').every((line) => line.length <= 80)));
  assert.match(cli(['doctor', '--help']).stdout, /^xtrace-catch doctor: [\s\S]*--probe/);
});

test('--version in the manner of exporters', () => {
  const { status, stdout, stderr } = cli(['--version']);
  assert.equal(status, 0);
  assert.equal(stderr, '');
  assert.match(stdout, /^xtrace-catch, version \d+\.\d+\.\d+ \(branch: \S+, revision: \S+\)\n/);
  assert.match(stdout, new RegExp(`node version: +${process.version}\n`));
});

test('a reader that goes away is no fault, one that cannot write is', () => {
  const gone = shell('set -o pipefail; "$PROGRAM" --help | true; echo "$?"');
  assert.deepEqual(gone, { stdout: '0\n', stderr: '' });
  const full = shell('"$PROGRAM" --help >/dev/full; echo "$?"');
  assert.equal(full.stdout, '1\n');
  assert.doesNotMatch(full.stderr, STACK);
});

test('--config.check: good, bad, and by the shipped file', () => {
  assert.deepEqual(cli(['--config.check', '-i', 'eth7', '-t', '100']), {
    status: 0,
    stdout: 'the configuration is valid\n',
    stderr: '',
  });
  assert.deepEqual(cli(['--config.check', `--config.file=${EXAMPLE}`]), {
    status: 0,
    stdout: `${EXAMPLE} is valid\n`,
    stderr: '',
  });
  const bad = cli(['--config.check', `--config.file=${writeSettings({ filter: 'tpc' })}`]);
  assert.equal(bad.status, 2);
  assert.equal(bad.stdout, '');
  assert.match(bad.stderr, /filter.*"tpc", did you mean "tcp"\?/);
});

test('all that is wrong is told at once, each with its place, exit code 2', () => {
  const file = writeSettings({ flows: { max_series: 0 }, webb: 1, attach_mode: 'fast' });
  const { status, stdout, stderr } = cli(
    [`--config.file=${file}`, '-t', '5', '--intervall', '7', '-i', 'a b', '--log.level=loud', 'word'],
    { VICTORIAMETRICS_ENABLED: 'maybe', COLLECT_AGG: 'a\tb' },
  );
  assert.equal(status, 2);
  assert.equal(stdout, '');
  for (const place of [
    '--intervall',
    '--interval',
    '--interface',
    '--log.level',
    'VICTORIAMETRICS_ENABLED',
    'COLLECT_AGG',
    'flows.max_series',
    'webb',
    'attach_mode',
    'word',
  ]) {
    assert.match(stderr, new RegExp(`^xtrace-catch: (.*\\b)?${place}\\b.*: `, 'm'), `nothing of ${place}`);
  }
  assert.match(stderr, /must be a whole number from 100 to 3600000 \(milliseconds\), but is 5$/m);
  assert.match(stderr, /xtrace-catch: see --help\n$/);
});

test('a configuration file that cannot be read: which, why, exit code 2', () => {
  const folder = temporaryFolder('xtrace-cli-');
  const missing = path.join(folder, 'none.yaml');
  for (const file of [missing, folder]) {
    const { status, stderr } = cli([`--config.file=${file}`]);
    assert.equal(status, 2);
    assert.ok(stderr.includes(file), stderr);
  }
});

kernelTest('a configuration file without permission: a sentence, exit code 2', (t) => {
  const site = createSite(t, 'u');
  const file = writeSettings({});
  chmodSync(file, 0o000);
  // root reads everything, but not without CAP_DAC_OVERRIDE.
  const { status, stderr } = spawnSync(
    'setpriv',
    ['--bounding-set=-all', '--inh-caps=-all', PROGRAM, `--config.file=${file}`],
    { encoding: 'utf8', env: { ...ENV, NODE: process.execPath } },
  );
  assert.equal(status, 2, stderr);
  assert.ok(stderr.includes(file), stderr);
  assert.match(stderr, /EACCES|permission/i);
  assert.doesNotMatch(stderr, STACK);
  assert.ok(site);
});

kernelTest("--list shows the interfaces of the namespace it runs in, and no others'", (t) => {
  const site = createSite(t, 'l');
  site.addVeth('va', { address: '192.0.2.2/24', mtu: 1400 });
  const { status, stdout, stderr } = cli(['--list']);
  assert.equal(status, 0);
  assert.equal(stderr, '');
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/\s+/));
  assert.deepEqual(rows[0], ['NAME', 'INDEX', 'TYPE', 'MTU', 'STATE', 'DRIVER', 'ADDRESSES']);
  const shown = new Map(rows.slice(1).map(([name, ...rest]) => [name, rest]));
  const names = execFileSync('ls', ['/sys/class/net'], { encoding: 'utf8' });
  assert.deepEqual([...shown.keys()].sort(), ['lo', 'va'], `not those of /sys, ${names}`);
  const index = String(site.host.ifindex('va'));
  assert.deepEqual(shown.get('va'), [index, 'ethernet', '1400', 'up', 'veth', '192.0.2.2/24']);
  assert.equal(shown.get('lo')?.[1], 'loopback');
});

kernelTest('a port in use: one sentence, exit code 1, and nothing attached', async (t) => {
  const site = createSite(t, 'p');
  site.addVeth('va');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  const result = await runExporter({
    namespace: site.host,
    args: ['-i', 'va', `--web.listen-address=127.0.0.1:${port}`],
  });
  assert.equal(result.code, 1);
  assert.equal(result.stdout, '');
  assert.match(
    result.stderr,
    new RegExp(
      `^xtrace-catch: cannot listen on 127\\.0\\.0\\.1:${port}: port ${port} is in use .*--web\\.listen-address\\n$`,
    ),
  );
  assert.doesNotMatch(site.host.exec('ip', 'link', 'show', 'dev', 'va'), /xdp/);
});

async function withExporter(t: TestContext, options: ExporterOptions) {
  const exporter = await startExporter(options);
  t.after(() => exporter.stop('SIGKILL'));
  return exporter;
}

kernelTest('--print: lines of the contract on stdout, a name in front where there are several', async (t) => {
  const site = createSite(t, 'i');
  site.addVeth('va', { address: '192.168.7.2/24' });
  site.addVeth('vb');
  const exporter = await withExporter(t, {
    namespace: site.host,
    args: ['-i', 'va,vb', '-t', '100', '--print'],
  });
  const ends = { src: '192.168.1.30', dst: '192.168.1.40' };
  const wrap = (packet: Buffer): Buffer => ethernet(ETHERTYPE.ipv4, packet);
  const web = await site.send('va', [wrap(ipv4(ends, tcp(80, 50_234, payloadOf(40))))], 7);
  const plain = await site.send('vb', [wrap(ipv4(ends, udp(45_678, 4791, payloadOf(4))))], 3);
  const roce = await site.send('va', [
    wrap(ipv4(ends, roceV2({ opcode: OPCODE_CNP, destinationQp: 7 }, payloadOf(16), 4791))),
  ]);
  const ends6 = { src: '2001:db8::1', dst: '2001:db8::2' };
  const six = await site.send('vb', [ethernet(ETHERTYPE.ipv6, ipv6(ends6, udp(1, 2, payloadOf(8))))]);
  const tail = 'host_ip=192.168.7.2';
  const expected = [
    ['[va] 192.168.1.30:80 -> 192.168.1.40:50234 proto=6 [TCP]', web],
    ['[vb] 192.168.1.30:45678 -> 192.168.1.40:4791 proto=17 [RoCE v2/UDP]', plain],
    ['[va] 192.168.1.30:4791 -> 192.168.1.40:4791 proto=254 [RoCE v2]', roce],
    ['[vb] [2001:db8::1]:1 -> [2001:db8::2]:2 proto=17 [UDP]', six],
  ] as const;
  // A flow may be split over two intervals: lines add up.
  const sums = (): Map<string, { packets: number; bytes: number }> => {
    const found = new Map<string, { packets: number; bytes: number }>();
    for (const line of exporter.child.stdout.split('\n').slice(0, -1)) {
      const match = /^(.+) packets=(\d+) bytes=(\d+) (host_ip=\S+)$/.exec(line);
      assert.ok(match !== null && match[4] === tail, `not a line of the contract: ${line}`);
      const [, flow = '', packets, bytes] = match;
      const sum = found.get(flow) ?? { packets: 0, bytes: 0 };
      found.set(flow, { packets: sum.packets + Number(packets), bytes: sum.bytes + Number(bytes) });
    }
    return found;
  };
  await exporter.child.waitFor('all packets to be printed', () => {
    const packets = [...sums().values()].reduce((sum, one) => sum + one.packets, 0);
    return packets === expected.reduce((sum, [, sent]) => sum + sent.packets, 0);
  });
  assert.deepEqual(
    sums(),
    new Map([...expected].map(([flow, { packets, bytes }]) => [flow, { packets, bytes }])),
  );
  assert.doesNotMatch(exporter.child.stderr, /packets=/);
});

kernelTest('--print with one interface has no name in front; without it stdout is empty', async (t) => {
  const site = createSite(t, 'j');
  site.addVeth('va');
  const frame = ethernet(
    ETHERTYPE.ipv4,
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp(1, 2, payloadOf(20))),
  );
  for (const args of [['--print'], []]) {
    const exporter = await withExporter(t, {
      namespace: site.host,
      args: ['-i', 'va', '-t', '100', ...args],
    });
    const sent = await site.send('va', [frame]);
    await exporter.scrapeUntil('the frame', (now) => now.sum('xtrace_network_packets_total') === 1);
    assert.equal((await exporter.stop()).code, 0);
    const line = `10.0.0.1:1 -> 10.0.0.2:2 proto=17 [UDP] packets=1 bytes=${sent.bytes} host_ip=\n`;
    assert.equal(exporter.child.stdout, args.length > 0 ? line : '');
  }
});

kernelTest('no interface named and no eth0: that of the default route; with eth0: eth0', async (t) => {
  const site = createSite(t, 'r');
  site.addVeth('va', { address: '192.0.2.2/24' });
  site.addVeth('vb', { address: '198.51.100.2/24' });
  const early = await withExporter(t, { namespace: site.host });
  assert.match(early.child.stderr, /there is no interface eth0; it is attached when it appears/);
  assert.equal((await early.scrape()).value('xtrace_interface_attached', { interface: 'eth0' }), 0);

  site.host.exec('ip', 'route', 'add', 'default', 'via', '192.0.2.1', 'dev', 'va', 'metric', '200');
  site.host.exec('ip', 'route', 'add', 'default', 'via', '198.51.100.1', 'dev', 'vb', 'metric', '100');
  // As at boot, where the route comes after the exporter.
  const late = await early.scrapeUntil('the route to be found', (now) =>
    now.select('xtrace_interface_attached', { interface: 'vb' }).some(({ value }) => value === 1),
  );
  assert.equal(late.select('xtrace_interface_attached').length, 1);
  assert.match(early.child.stderr, /there is no eth0: using vb of the default route/);
  const frame = ethernet(
    ETHERTYPE.ipv4,
    ipv4({ src: '10.0.0.1', dst: '10.0.0.2' }, udp(1, 2, payloadOf(20))),
  );
  const sent = await site.send('vb', [frame], 5);
  await early.scrapeUntil(
    'the frames',
    (now) => now.sum('xtrace_network_packets_total', { interface: 'vb' }) === sent.packets,
  );
  await early.stop();

  const routed = await withExporter(t, { namespace: site.host });
  assert.match(routed.child.stderr, /there is no eth0: using vb of the default route/);
  const attached = (await routed.scrape()).select('xtrace_interface_attached');
  assert.deepEqual(
    attached.map(({ labels, value }) => [labels.get('interface'), value]),
    [['vb', 1]],
  );
  await routed.stop();

  site.addVeth('eth0');
  const plain = await withExporter(t, { namespace: site.host });
  assert.equal((await plain.scrape()).value('xtrace_interface_attached', { interface: 'eth0' }), 1);
  await plain.stop();

  const named = await withExporter(t, { namespace: site.host, env: { NETWORK_INTERFACE: 'va' } });
  assert.equal((await named.scrape()).value('xtrace_interface_attached', { interface: 'va' }), 1);
});

kernelTest(
  'the log: JSON or logfmt, a level and a time in each line, and no more than asked for',
  async (t) => {
    const site = createSite(t, 'g');
    site.addVeth('va');
    const json = await withExporter(t, { namespace: site.host, args: ['-i', 'va', '--log.format=json'] });
    await json.stop();
    const lines = json.child.stderr.trimEnd().split('\n');
    assert.ok(lines.length >= 4, json.child.stderr);
    for (const line of lines) {
      const { time, level, msg } = JSON.parse(line) as Record<string, unknown>;
      assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      assert.equal(level, 'info');
      assert.ok(typeof msg === 'string' && msg !== '');
    }
    const logfmt = await withExporter(t, { namespace: site.host, args: ['-i', 'va,vnone'] });
    await logfmt.stop();
    for (const line of logfmt.child.stderr.trimEnd().split('\n')) {
      assert.match(line, /^time=\S+Z level=(info|warn) msg="[^"]+"( [a-zA-Z0-9_.]+=("[^"]*"|[^\s"]+))*$/);
    }
    assert.match(logfmt.child.stderr, /level=warn msg="there is no interface vnone/);
    const quiet = await runExporter({
      namespace: site.host,
      args: ['-i', 'va', '--log.level=error'],
      through: ['setpriv', '--bounding-set=-all', '--inh-caps=-all'],
    });
    assert.equal(quiet.code, 1);
    assert.match(quiet.stderr, /^xtrace-catch: [^\n]*CAP_BPF[^\n]+\n$/);
  },
);

kernelTest('a fault that nobody foresaw is one sentence and exit code 1, without a stack', async (t) => {
  const site = createSite(t, 'x');
  site.addVeth('va');
  const fault = 'process.on("SIGWINCH", () => { throw new Error("the sky fell"); })';
  const preload = `data:text/javascript,${encodeURIComponent(fault)}`;
  const exporter = await withExporter(t, {
    namespace: site.host,
    args: ['-i', 'va'],
    env: { NODE_OPTIONS: `--import=${preload}` },
  });
  exporter.child.kill('SIGWINCH');
  const { code } = await exporter.child.exited;
  assert.equal(code, 1);
  assert.match(exporter.child.stderr, /^xtrace-catch: unexpected: the sky fell; [^\n]+\n$/m);
  assert.doesNotMatch(exporter.child.stderr, /^\s+at /m);
  assert.doesNotMatch(site.host.exec('ip', 'link', 'show', 'dev', 'va'), /xdp/);
});
