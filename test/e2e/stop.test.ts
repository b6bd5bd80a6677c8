// SPDX-License-Identifier: Apache-2.0
// How the running exporter ends: asked to, asked twice, killed, with clients and readers that hold
// on. Nothing of it stays in the kernel, and its last line has the whole sum.

import assert from 'node:assert/strict';
import { Agent, get } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { waitFor } from '../support/conditions.js';
import { type Exporter, spawnExporter, startExporter } from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { openTerminal } from '../support/exporter/terminal.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../support/frames/frames.js';
import { type BpfObjects, heldBpfObjects, livingBpfObjects } from '../support/kernel/bpf-objects.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Sent } from '../support/kernel/sender.js';
import { startSending } from '../support/kernel/sender.js';

/** The promise; a stop that hangs is cut short by the program itself before. */
const STOP_LIMIT_MS = 5000;
const NONE: BpfObjects = { prog: [], map: [], link: [] };

/** One flow each. */
function frames(flows: number): Buffer[] {
  return Array.from({ length: flows }, (_, i) =>
    ethernet(
      ETHERTYPE.ipv4,
      ipv4({ src: '192.0.2.1', dst: `198.51.${100 + (i >> 8)}.${i & 255}` }, udp(4000, 5000, payloadOf(60))),
    ),
  );
}

async function runningExporter(t: TestContext, site: Site, ...args: string[]): Promise<Exporter> {
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', ...args] });
  t.after(() => exporter.stop('SIGKILL'));
  return exporter;
}

/** Asks it to stop, and asserts all that a stop promises. */
async function assertGoodStop(
  exporter: Exporter,
  signal: 'SIGTERM' | 'SIGINT',
  sent: Pick<Sent, 'packets' | 'bytes'>,
): Promise<void> {
  const held = heldBpfObjects(exporter.child.pid);
  assert.ok(held.prog.length > 0 && held.map.length > 0 && held.link.length > 0, JSON.stringify(held));
  const startMs = performance.now();
  exporter.child.kill(signal);
  const exit = await exporter.child.exited;
  const elapsedMs = performance.now() - startMs;
  const log = exporter.child.stderr;
  assert.deepEqual(exit, { code: 0, signal: null }, log);
  assert.ok(elapsedMs < STOP_LIMIT_MS, `${elapsedMs} ms`);
  assert.match(log, new RegExp(`msg="${signal}: stopping"`));
  assert.match(
    log.trimEnd().split('\n').at(-1) ?? '',
    new RegExp(
      `level=info msg="detached; every packet is counted" packets=${sent.packets} bytes=${sent.bytes}$`,
    ),
  );
  assert.doesNotMatch(log, /level=error|^\s+at |Warning/m);
  await assertNothingLeft(held);
}

/** The kernel frees programs and maps a grace period later. */
async function assertNothingLeft(held: BpfObjects): Promise<void> {
  await waitFor('programs, maps and links to go', () => {
    assert.deepEqual(livingBpfObjects(held), NONE);
    return true;
  });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  kernelTest(`${signal}: the last drain is in the sum, and nothing is left`, async (t) => {
    const site = createSite(t, 's');
    site.addVeth('va');
    // An hour: every frame comes with the last drain.
    const exporter = await runningExporter(t, site, '-t', '3600000');
    const sent = await site.send('va', frames(50), 40);
    await assertGoodStop(exporter, signal, sent);
  });
}

kernelTest('a signal that comes during the start is a stop like any other', async (t) => {
  const site = createSite(t, 'b');
  site.addVeth('va');
  const child = spawnExporter({ namespace: site.host, args: ['-i', 'va', '-t', '100'] });
  t.after(() => child.stop('SIGKILL'));
  await child.waitFor('the attachment', () => child.stderr.includes('attached to va'), { intervalMs: 1 });
  const held = heldBpfObjects(child.pid);
  child.kill('SIGTERM');
  assert.deepEqual(await child.exited, { code: 0, signal: null }, child.stderr);
  assert.match(child.stderr, /detached; every packet is counted" packets=0 bytes=0\n$/);
  await assertNothingLeft(held);
});

kernelTest('a stop in the middle of traffic and of drains, 5 times', async (t) => {
  const site = createSite(t, 'd');
  site.addVeth('va');
  for (let round = 0; round < 5; round++) {
    const exporter = await runningExporter(t, site, '-t', '100');
    const before = site.host.linkCounters('va').rx;
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: frames(2000),
      repeat: 1000,
      pauseNs: 1000,
    });
    await exporter.scrapeUntil(
      'some drains',
      (now) =>
        now.value('xtrace_refreshes_total') > 3 + round && now.sum('xtrace_interface_packets_total') > 0,
    );
    const held = heldBpfObjects(exporter.child.pid);
    assert.deepEqual(await exporter.stop(), { code: 0, signal: null }, exporter.child.stderr);
    await sending.child.stop('SIGTERM');
    sending.dispose();
    // It saw no more than came, and what its last line says is what its last scrape would have.
    const counted = /every packet is counted" packets=(\d+)/.exec(exporter.child.stderr)?.[1];
    const came = site.host.linkCounters('va').rx.packets - before.packets;
    assert.ok(Number(counted) > 0 && Number(counted) <= came, `${counted} of ${came}`);
    await assertNothingLeft(held);
  }
});

kernelTest('a scraper on a kept connection does not hold up the stop', async (t) => {
  const site = createSite(t, 'k');
  site.addVeth('va');
  const exporter = await runningExporter(t, site, '-t', '100');
  const sent = await site.send('va', frames(10), 10);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  for (let scrape = 0; scrape < 2; scrape++) {
    const status = await new Promise((resolve, reject) => {
      get(exporter.url, { agent }, (response) => {
        response.resume().on('end', () => resolve(response.statusCode));
      }).on('error', reject);
    });
    assert.equal(status, 200);
  }
  assert.equal(Object.values(agent.freeSockets).flat().length, 1, 'the connection is kept');
  await assertGoodStop(exporter, 'SIGTERM', sent);
});

kernelTest('a client that hangs in the middle of its answer does not hold up the stop', async (t) => {
  const site = createSite(t, 'h');
  site.addVeth('va');
  const exporter = await runningExporter(t, site, '-t', '100');
  // Some 7 MB: more than the sockets of both ends take.
  const sent = await site.send('va', frames(8000));
  await exporter.scrapeUntil('all flows', (now) => now.value('xtrace_series') === 8000);
  const stuck = connect(exporter.port, '127.0.0.1');
  t.after(() => stuck.destroy());
  stuck.on('error', () => undefined);
  stuck.write('GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n');
  await new Promise((resolve) => stuck.once('readable', resolve));
  stuck.pause();
  const silent = connect(exporter.port, '127.0.0.1');
  t.after(() => silent.destroy());
  silent.on('error', () => undefined);
  await new Promise((resolve) => silent.once('connect', resolve));
  await assertGoodStop(exporter, 'SIGTERM', sent);
  // It did hang: what it can still read is not the whole.
  let received = '';
  stuck.setEncoding('latin1').on('data', (text: string) => {
    received += text;
  });
  stuck.resume();
  await new Promise((resolve) => stuck.once('close', resolve));
  const promised = Number(/^content-length: (\d+)\r$/im.exec(received)?.[1]);
  assert.ok(received.length < promised, `${received.length} of ${promised} bytes`);
});

kernelTest('a second and a third signal during the stop change nothing', async (t) => {
  const site = createSite(t, 'z');
  site.addVeth('va');
  const exporter = await runningExporter(t, site, '-t', '3600000');
  const sent = await site.send('va', frames(10), 10);
  // Holds the stop open, so that the signals come in the middle of it.
  const stuck = connect(exporter.port, '127.0.0.1');
  t.after(() => stuck.destroy());
  stuck.on('error', () => undefined);
  stuck.write('GET /metrics HTTP/1.1\r\n');
  await new Promise((resolve) => stuck.once('connect', resolve));
  exporter.child.kill('SIGTERM');
  await exporter.logged(/SIGTERM: stopping/);
  exporter.child.kill('SIGTERM');
  exporter.child.kill('SIGINT');
  assert.deepEqual(await exporter.child.exited, { code: 0, signal: null });
  assert.match(exporter.child.stderr, new RegExp(`packets=${sent.packets} bytes=${sent.bytes}\n$`));
});

kernelTest('kill -9 leaves nothing, and a new start works at once', async (t) => {
  const site = createSite(t, '9');
  site.addVeth('va');
  const first = await runningExporter(t, site, '-t', '100');
  const held = heldBpfObjects(first.child.pid);
  assert.ok(held.prog.length > 0 && held.map.length > 0 && held.link.length > 0);
  assert.deepEqual(await first.stop('SIGKILL'), { code: null, signal: 'SIGKILL' });
  const second = await runningExporter(t, site, '-t', '100');
  assert.doesNotMatch(second.child.stderr, /level=warn/);
  await assertNothingLeft(held);
  const sent = await site.send('va', frames(10));
  await second.scrapeUntil('the frames', (now) => now.sum('xtrace_network_packets_total') === sent.packets);
});

kernelTest('--print goes on without a reader: stdout closed is not the end', async (t) => {
  const site = createSite(t, 'p');
  site.addVeth('va');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '100', '--print'],
    // The reader takes one line and goes; the program stays the child.
    through: ['bash', '-c', 'exec "$@" > >(head -n 1 >&2)', 'bash'],
  });
  t.after(() => exporter.stop('SIGKILL'));
  const first = await site.send('va', frames(10), 10);
  await exporter.logged(/^192\.0\.2\.1:4000 -> /m);
  let packets = first.packets;
  let bytes = first.bytes;
  // Lines for nobody, in several intervals.
  for (let round = 1; round <= 3; round++) {
    const more = await site.send('va', frames(10), 10);
    packets += more.packets;
    bytes += more.bytes;
    const total = packets;
    await exporter.scrapeUntil('the frames', (now) => now.sum('xtrace_network_packets_total') === total);
  }
  await assertGoodStop(exporter, 'SIGTERM', { packets, bytes });
});

kernelTest('a terminal that takes nothing holds up neither counting nor the stop', async (t) => {
  const site = createSite(t, 'y');
  site.addVeth('va');
  const terminal = openTerminal();
  t.after(() => terminal.close());
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '100', '--print'],
    through: ['sh', '-c', `exec "$0" "$@" > ${terminal.path}`],
  });
  t.after(() => exporter.stop('SIGKILL'));
  // 2000 lines of 90 characters: more than a terminal keeps for its reader.
  const sent = await site.send('va', frames(2000));
  await exporter.scrapeUntil('the flows', (now) => now.sum('xtrace_network_packets_total') === sent.packets);
  await waitFor('the first lines', () => terminal.read().includes('192.0.2.1:4000 -> 198.51.100.0:5000'));
  const again = await site.send('va', frames(2000), 3);
  const packets = sent.packets + again.packets;
  await exporter.scrapeUntil('the flows', (now) => now.sum('xtrace_network_packets_total') === packets);
  await assertGoodStop(exporter, 'SIGINT', { packets, bytes: sent.bytes + again.bytes });
});
