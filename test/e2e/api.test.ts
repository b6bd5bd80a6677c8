// SPDX-License-Identifier: Apache-2.0
// The API of the running exporter: its rates are those of what was sent, its totals those of the metrics, RoCE's
// trouble is said in words; over TCP and unix sockets, with and without a password, and beside readers that never read.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import { promisify } from 'node:util';
import { hash as hashPassword } from '@node-rs/bcrypt';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { CertificateFolder } from '../support/http/certificates.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { sendFrames, startSending } from '../support/kernel/sender.js';
import { congestionNotification, roceV2 } from '../support/roce/roce-frames.js';

const SERVER = '10.0.0.2';
const PACKETS_PER_SECOND = 2000;
const SECONDS = 16;
/** Congestion experienced (RFC 3168), and capable of saying so. */
const CE = 3;
const ECT0 = 2;

/** Of each four frames: two of the large flow, one of the small one, one that is no IP. */
const CYCLE = [
  tcpFrame('10.0.0.1', 1000),
  tcpFrame('10.0.0.1', 1000),
  ethernet(ETHERTYPE.ipv4, ipv4({ src: '10.1.0.9', dst: SERVER }, udp(5000, 53, payloadOf(300)))),
  ethernet(ETHERTYPE.arp, Buffer.alloc(46)),
];

function tcpFrame(src: string, payloadBytes: number): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4({ src, dst: SERVER }, tcp(4000, 443, payloadOf(payloadBytes))));
}

interface Rated {
  readonly bits_per_second: number;
  readonly packets_per_second: number;
  readonly total_bytes: number;
  readonly windows: readonly { readonly seconds: number; readonly bits_per_second: number }[] | null;
}

async function ask<T = Record<string, unknown>>(exporter: Exporter, path: string): Promise<T> {
  const response = await exporter.page(`/api/v1/${path}`);
  assert.equal(response.status, 200, path);
  return (await response.json()) as T;
}

function isNear(actual: number | undefined, expected: number): boolean {
  return actual !== undefined && Math.abs(actual - expected) <= 0.02 * expected;
}

async function startOn(
  t: TestContext,
  suffix: string,
  options: { readonly args?: readonly string[]; readonly settings?: Readonly<Record<string, unknown>> } = {},
) {
  const site = createSite(t, suffix);
  site.addVeth('va');
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '500', ...(options.args ?? [])],
    ...(options.settings === undefined ? {} : { settings: options.settings }),
  });
  t.after(() => exporter.stop('SIGKILL'));
  return { site, exporter };
}

kernelTest('rates are those of what is sent, within 2 %, and totals are those of the metrics', async (t) => {
  const { site, exporter } = await startOn(t, 'ar', { settings: { flows: { new_series: 'zero_first' } } });
  await ask(exporter, 'flows');
  const sending = startSending({
    prefix: site.peer.enter,
    interface: 'vap',
    frames: CYCLE,
    repeat: (PACKETS_PER_SECOND * SECONDS) / CYCLE.length,
    packetsPerSecond: PACKETS_PER_SECOND,
  });
  t.after(() => sending.child.stop('SIGKILL'));
  t.after(sending.dispose);
  const bits = (frames: readonly Buffer[], perCycle = 1): number =>
    (8 * PACKETS_PER_SECOND * perCycle * frames.reduce((sum, { length }) => sum + length, 0)) / CYCLE.length;
  const [large = Buffer.alloc(0)] = CYCLE;
  await waitFor('the interface and the largest flow at their rates', async () => {
    const { interfaces } = await ask<{ interfaces: Rated[] }>(exporter, 'overview');
    const { flows } = await ask<{ flows: Rated[] }>(exporter, 'flows?top=1');
    const ofWindow = (one: Rated | undefined): number | undefined => one?.windows?.[1]?.bits_per_second;
    return isNear(ofWindow(interfaces[0]), bits(CYCLE)) && isNear(ofWindow(flows[0]), bits([large], 2));
  });
  const { code } = await sending.child.exited;
  assert.equal(code, 0);
  const sentBytes =
    ((PACKETS_PER_SECOND * SECONDS) / CYCLE.length) * CYCLE.reduce((sum, { length }) => sum + length, 0);
  type All = { all: Record<string, number>; shown: Record<string, number>; rest: Record<string, number> };
  const flows = await waitFor('all that was sent', async () => {
    const answer = await ask<All & { flows: Rated[]; without_series: Record<string, number> }>(
      exporter,
      'flows?top=1',
    );
    return (answer.all['total_bytes'] ?? 0) >= sentBytes && answer;
  });
  const parts = [flows.shown, flows.rest, flows.without_series];
  assert.equal(
    parts.reduce((sum, part) => sum + (part['total_bytes'] ?? 0), 0),
    flows.all['total_bytes'],
  );
  const exposition = await exporter.scrape();
  assert.equal(exposition.sum('xtrace_interface_bytes_total'), flows.all['total_bytes']);
  const books = await ask<{ balances: boolean; sum: Record<string, { bytes: number }> }>(exporter, 'books');
  assert.equal(books.balances, true);
  assert.equal(books.sum['seen']?.bytes, flows.all['total_bytes']);
  const filtered = await ask<{ flows: { labels: Record<string, string> }[] }>(
    exporter,
    'flows?src=10.1.0.0/16&type=UDP',
  );
  assert.deepEqual(
    filtered.flows.map(({ labels }) => labels['src_ip']),
    ['10.1.0.9'],
  );
  const history = await ask<{
    seconds_each: number[];
    series: { traffic_type: string; bits_per_second: number[] }[];
  }>(exporter, 'history');
  const tcpBits = history.series
    .find(({ traffic_type }) => traffic_type === 'TCP')
    ?.bits_per_second.reduce((sum, rate, i) => sum + rate * (history.seconds_each[i] ?? 0), 0);
  assert.equal(Math.round((tcpBits ?? 0) / 8), (PACKETS_PER_SECOND * SECONDS * large.length) / 2);
});

kernelTest(
  'a RoCE pair with marks and CNPs says so; an interface that is down has its sentence',
  async (t) => {
    const { site, exporter } = await startOn(t, 'ap');
    const over = (src: string, dst: string, segment: ReturnType<typeof roceV2>, ecn: number): Buffer =>
      ethernet(ETHERTYPE.ipv4, ipv4({ src, dst }, segment, { trafficClass: ecn }));
    const frames = Array.from({ length: 100 }, (_, i) =>
      over(
        '10.0.0.1',
        SERVER,
        roceV2({ opcode: 0x07, destinationQp: 17, sequenceNumber: i }, payloadOf(1024)),
        i % 20 === 0 ? CE : ECT0,
      ),
    );
    const notice = over(SERVER, '10.0.0.1', congestionNotification(17), 0);
    const sending = startSending({
      prefix: site.peer.enter,
      interface: 'vap',
      frames: [...frames, notice, notice],
      repeat: 10_000,
      packetsPerSecond: 2000,
    });
    t.after(() => sending.child.stop('SIGKILL'));
    t.after(sending.dispose);
    interface Pair {
      readonly src_ip: string;
      readonly ce_share: number | null;
      readonly payload_bits_per_second: number | null;
      readonly cnp_per_second: number | null;
      readonly trouble: readonly { readonly code: string; readonly sentence: string }[];
      readonly id: string;
    }
    const pairs = await waitFor('rates of both directions', async () => {
      const answer = await ask<{ pairs: Pair[] }>(exporter, 'pairs');
      return (
        answer.pairs.length === 2 && answer.pairs.every((pair) => pair.trouble.length > 0) && answer.pairs
      );
    });
    const [data, notices] = [...pairs].sort((a, b) => a.src_ip.localeCompare(b.src_ip));
    assert.ok(isNear(data?.ce_share ?? 0, 0.05) || Math.abs((data?.ce_share ?? 0) - 0.05) < 0.01);
    assert.ok((data?.payload_bits_per_second ?? 0) > 0);
    assert.match(
      data?.trouble.find(({ code }) => code === 'ce')?.sentence ?? '',
      /10\.0\.0\.1 to 10\.0\.0\.2 are marked/,
    );
    assert.ok((notices?.cnp_per_second ?? 0) > 0);
    assert.match(
      notices?.trouble[0]?.sentence ?? '',
      /^10\.0\.0\.2 asks 10\.0\.0\.1 to slow down: \d+ CNP\/s$/,
    );
    const history = await ask<{ series: { cnp_per_second: (number | null)[] }[] }>(
      exporter,
      `history?pair=${encodeURIComponent(notices?.id ?? '')}`,
    );
    assert.equal(history.series.length, 1);
    await sending.child.stop('SIGKILL');

    await site.host.run('ip', ['link', 'set', 'dev', 'va', 'down']);
    await waitFor('the verdict to say that it is down', async () => {
      const { verdict } = await ask<{ verdict: { sentence: string } }>(exporter, 'overview');
      return verdict.sentence === 'va is down, so nothing arrives: ip link set dev va up';
    });
  },
);

kernelTest(
  'it is where the metrics are: on a unix socket, behind a password, and nowhere with web.ui: false',
  async (t) => {
    const folder = new CertificateFolder(t);
    const socket = folder.at('api.sock');
    const file = folder.write('web.yml', `basic_auth_users: {alice: ${await hashPassword('hunter2', 4)}}\n`);
    const site = createSite(t, 'au');
    site.addVeth('va');
    const config = folder.write('xtrace.yaml', 'interfaces: [va]\ninterval_ms: 200\n');
    const exporter = await startExporter({
      namespace: site.host,
      args: [
        `--config.file=${config}`,
        `--web.config.file=${file}`,
        `--web.listen-address=127.0.0.1:0`,
        `--web.listen-address=unix:${socket}`,
      ],
    });
    t.after(() => exporter.stop('SIGKILL'));
    const curl = promisify(execFile);
    const viaSocket = async (path: string, ...more: string[]): Promise<string> =>
      (await curl('curl', ['-s', ...more, '--unix-socket', socket, `http://x/api/v1/${path}`])).stdout;
    assert.match(await viaSocket('overview'), /^Log in with a user name/);
    const overview = JSON.parse(await viaSocket('overview', '-u', 'alice:hunter2'));
    assert.equal(overview.verdict.level, 'ok');
    assert.match(
      await viaSocket('flows?top=0', '-u', 'alice:hunter2'),
      /^top must be a whole number from 1 to 1000/,
    );
    assert.equal((await exporter.page('/api/v1/overview')).status, 401);
    assert.equal((await exporter.page('/api/v1/events')).status, 401);

    const events = curl('curl', [
      '-sN',
      '-u',
      'alice:hunter2',
      '--unix-socket',
      socket,
      'http://x/api/v1/events',
    ]);
    const gauge = async (): Promise<string> =>
      (await curl('curl', ['-s', '-u', 'alice:hunter2', '--unix-socket', socket, 'http://x/metrics'])).stdout;
    await waitFor('a reader', async () => /^xtrace_http_event_readers 1$/m.test(await gauge()));
    writeFileSync(config, 'interfaces: [va]\ninterval_ms: 200\nweb: {ui: false}\n');
    exporter.child.kill('SIGHUP');
    const { stdout } = await events;
    assert.match(stdout, /^retry: 2000\n\n/);
    assert.match(stdout, /event: refresh\nid: \d+\ndata: \{"refresh":\d+,/);
    await waitFor('it to be off', async () =>
      /switched off \(web\.ui: false\)/.test(await viaSocket('overview', '-u', 'alice:hunter2')),
    );
    assert.match(await gauge(), /^xtrace_http_event_readers 0$/m);
  },
);

kernelTest(
  'fifty readers of events, half of which never read, delay no refresh, no scrape and no stop',
  async (t) => {
    const { site, exporter } = await startOn(t, 'ae');
    const sockets = Array.from({ length: 50 }, (_, i) => {
      const socket = connect({ host: '127.0.0.1', port: exporter.port });
      t.after(() => socket.destroy());
      const reader = { messages: 0, socket };
      socket.write('GET /api/v1/events HTTP/1.1\r\nHost: x\r\n\r\n');
      socket.on('error', () => undefined);
      if (i % 2 === 0) {
        socket.on('data', (bytes) => {
          reader.messages += bytes.toString().split('event: refresh').length - 1;
        });
      } else socket.pause();
      return reader;
    });
    const good = sockets.filter((_, i) => i % 2 === 0);
    await sendFrames({ prefix: site.peer.enter, interface: 'vap', frames: CYCLE, repeat: 500 });
    await waitFor('ten messages for those who read', () => good.every(({ messages }) => messages >= 10));
    const exposition = await exporter.scrape();
    assert.equal(exposition.value('xtrace_http_event_readers'), 50);
    assert.ok(exposition.sum('xtrace_refreshes_total') >= 10);
    const startedMs = performance.now();
    const { code } = await exporter.stop();
    assert.equal(code, 0);
    assert.ok(performance.now() - startedMs < 4500, 'streams end at once');
  },
);
