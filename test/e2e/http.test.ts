// SPDX-License-Identifier: Apache-2.0
// The pages of the running exporter, with real flows behind them: formats, codings, whole refreshes,
// many clients at once.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Exporter, type ExporterOptions, startExporter } from '../support/exporter/exporter.js';
import { requestRaw } from '../support/exporter/raw-http.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp, udp } from '../support/frames/frames.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending } from '../support/kernel/sender.js';
import { assertBalance } from '../support/oracle/balance.js';
import { type Exposition, parseExposition } from '../support/oracle/exposition-parser.js';

/** As Prometheus 2.42 sends it. */
const PROMETHEUS_ACCEPT =
  'application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1';

function frames(flows: number, source = '192.0.2.1'): Buffer[] {
  return Array.from({ length: flows }, (_, i) => {
    const ends = { src: source, dst: `198.${51 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}` };
    const segment = i % 2 === 0 ? udp(4000, 5000, payloadOf(60)) : tcp(4000, 443, payloadOf(10));
    return ethernet(ETHERTYPE.ipv4, ipv4(ends, segment));
  });
}

async function exporterOn(
  t: TestContext,
  site: Site,
  args: readonly string[],
  settings?: ExporterOptions['settings'],
): Promise<Exporter> {
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', ...args],
    ...(settings === undefined ? {} : { settings }),
  });
  t.after(() => exporter.stop());
  return exporter;
}

/** Samples of flows and books, which two scrapes of one refresh must agree on; sorted. */
function flowLines(text: string): string[] {
  return text
    .split('\n')
    .filter((line) => /^xtrace_(network|interface_(bytes|packets)|other)_/.test(line))
    .filter((line) => !/_created[{ ]/.test(line))
    .sort();
}

kernelTest('text and OpenMetrics show the same, plain and as gzip, by GET and HEAD', async (t) => {
  const site = createSite(t, 'f');
  site.addVeth('va');
  const exporter = await exporterOn(t, site, ['-t', '100']);
  await site.send('va', frames(300), 3);
  await exporter.scrapeUntil('the flows to fall silent', (now) => {
    const idle = now.sum('xtrace_network_flow_packets') === 0;
    return idle && now.sum('xtrace_network_packets_total') === 900;
  });
  const plain = await requestRaw(exporter.url);
  assert.equal(plain.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  const text = plain.body.toString();
  const lines = flowLines(text);
  assert.ok(lines.length >= 1200);
  assertBalance(parseExposition(text));

  const open = await requestRaw(exporter.url, { headers: { accept: PROMETHEUS_ACCEPT } });
  assert.equal(open.headers['content-type'], 'application/openmetrics-text; version=1.0.0; charset=utf-8');
  assert.ok(open.body.toString().endsWith('\n# EOF\n'));
  assert.deepEqual(flowLines(open.body.toString()), lines);

  for (const accept of ['*/*', PROMETHEUS_ACCEPT]) {
    const headers = { accept, 'accept-encoding': 'gzip' };
    const packed = await requestRaw(exporter.url, { headers });
    assert.equal(packed.headers['content-encoding'], 'gzip');
    assert.equal(packed.headers['content-length'], String(packed.bytes));
    assert.match(packed.headers.vary ?? '', /accept-encoding/i);
    const unpacked = gunzipSync(packed.body).toString();
    assert.deepEqual(flowLines(unpacked), lines);
    assert.ok(packed.bytes * 4 < unpacked.length, 'gzip is worth its while');

    const head = await requestRaw(exporter.url, { method: 'HEAD', headers: { accept } });
    assert.equal(head.status, 200);
    assert.equal(head.bytes, 0);
    assert.ok(Number(head.headers['content-length']) > 100_000);
  }
});

kernelTest('promtool finds nothing to say of what is served', async (t) => {
  const site = createSite(t, 'p');
  site.addVeth('va');
  site.addVeth('vb');
  // Every family has a sample: flows, others, a refusal, a malformed frame.
  const exporter = await exporterOn(t, site, ['-i', 'vb,vnone', '-t', '100', '--exclude-dns'], {
    flows: { max_series: 5, vlan: true },
    kernel: { max_flows: 16, slots_per_cpu: 64 },
    collect_agg: 'a "quoted\\ word',
  });
  await site.send('va', frames(2000), 2);
  await site.send('va', [frames(1)[0]?.subarray(0, 20) ?? Buffer.alloc(0)]);
  await site.send('vb', frames(3, '8.8.8.8'), 2);
  const seen = await exporter.scrapeUntil(
    'all frames',
    (now) => now.sum('xtrace_interface_packets_total') === 4007,
  );
  for (const reason of ['max_series', 'map_full', 'filtered', 'malformed']) {
    assert.ok(seen.sum('xtrace_other_packets_total', { reason }) > 0, reason);
  }
  const text = (await requestRaw(exporter.url)).body;
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  });
  assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
});

kernelTest('the other pages: where to go, alive, ready, and sentences for the rest', async (t) => {
  const site = createSite(t, 'o');
  site.addVeth('va');
  const exporter = await exporterOn(t, site, ['-t', '100', '--web.telemetry-path=/x/y-metrics']);
  assert.ok(exporter.url.endsWith('/x/y-metrics'));
  assert.ok((await exporter.scrape()).families.size > 20);
  const landing = await exporter.page('/');
  assert.match(landing.headers.get('content-type') ?? '', /^text\/html/);
  const html = await landing.text();
  assert.match(html, /xtrace-catch <small>\d+\.\d+\.\d+</);
  assert.match(html, /<td>va<\/td><td>native<\/td>/);
  assert.match(html, /href="\/x\/y-metrics"/);
  for (const [page, status, body] of [
    ['/-/healthy', 200, 'Healthy.\n'],
    ['/-/ready', 200, 'Ready: attached to va.\n'],
    ['/metrics', 404, 'There is nothing at this path; the metrics are at /x/y-metrics.\n'],
  ] as const) {
    const response = await exporter.page(page);
    assert.deepEqual([response.status, await response.text()], [status, body]);
  }
  const posted = await requestRaw(exporter.url, { method: 'POST' });
  assert.equal(posted.status, 405);
  assert.equal(posted.headers.allow, 'GET, HEAD');
  const codes = await exporter.scrape();
  assert.equal(codes.value('xtrace_http_requests_total', { code: '404' }), 1);
  assert.equal(codes.value('xtrace_http_requests_total', { code: '405' }), 1);
});

/** A first exposition tells of none. */
const renderings = (exposition: Exposition): number =>
  exposition.sum('xtrace_exposition_duration_seconds_count', { format: 'text' });

kernelTest('scrapes at the same time share renderings', async (t) => {
  const site = createSite(t, 's');
  site.addVeth('va');
  const exporter = await exporterOn(t, site, ['-t', '100']);
  await site.send('va', frames(5000));
  const before = await exporter.scrapeUntil('the flows', (now) => now.value('xtrace_series') === 5000);
  const scrapes = 30;
  const replies = await Promise.all(
    Array.from({ length: scrapes }, () => requestRaw(exporter.url, { keepBody: false })),
  );
  assert.deepEqual(new Set(replies.map(({ status }) => status)), new Set([200]));
  const rendered = renderings(await exporter.scrape()) - renderings(before);
  assert.ok(rendered >= 1 && rendered < scrapes, `${rendered} renderings for ${scrapes} scrapes`);
});

kernelTest('a scrape shows one refresh, whole, while refreshes and traffic go on', async (t) => {
  const site = createSite(t, 'r');
  site.addVeth('va');
  const exporter = await exporterOn(t, site, ['-t', '100']);
  const sending = startSending({
    prefix: site.peer.enter,
    interface: 'vap',
    frames: frames(400),
    repeat: 100_000,
    pauseNs: 20_000,
  });
  t.after(async () => {
    await sending.child.stop();
    sending.dispose();
  });
  await exporter.scrapeUntil('all flows', (now) => now.value('xtrace_series') === 400);
  /** By number of refresh: all flow samples as one text, and their sums. */
  const seen = new Map<number, { lines: string; total: number; interval: number }>();
  let sameTwice = 0;
  let nextTo = 0;
  await Promise.all(
    Array.from({ length: 3 }, async () => {
      for (let scrape = 0; scrape < 60; scrape++) {
        const text = (await requestRaw(exporter.url)).body.toString();
        const exposition = parseExposition(text);
        assertBalance(exposition);
        const refresh = exposition.value('xtrace_refreshes_total');
        const lines = flowLines(text).join('\n');
        const total = exposition.sum('xtrace_network_packets_total');
        const interval = exposition.sum('xtrace_network_flow_packets');
        const other = seen.get(refresh);
        if (other !== undefined) {
          assert.equal(lines, other.lines, `two scrapes of refresh ${refresh} differ`);
          sameTwice++;
        }
        seen.set(refresh, { lines, total, interval });
        const previous = seen.get(refresh - 1);
        if (previous !== undefined) {
          assert.equal(total - previous.total, interval, `refresh ${refresh} is not its interval's sum`);
          nextTo++;
        }
      }
    }),
  );
  assert.ok(sameTwice >= 10 && nextTo >= 10, `${sameTwice} scrapes of one refresh, ${nextTo} of neighbours`);
});

/** Peak resident memory since start. */
function peakMemoryBytes(pid: number): number {
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

kernelTest('100 scrapes at once of 10,000 flows: whole or 503, and memory stays bounded', async (t) => {
  const site = createSite(t, 'm');
  site.addVeth('va');
  const exporter = await exporterOn(t, site, ['-t', '300']);
  await site.send('va', frames(10_000));
  await exporter.scrapeUntil('all flows', (now) => now.value('xtrace_series') === 10_000);
  const before = peakMemoryBytes(exporter.child.pid);
  let whole = 0;
  let refused = 0;
  let cut = 0;
  let bytes = 0;
  for (let round = 0; round < 3; round++) {
    const replies = await Promise.allSettled(
      Array.from({ length: 100 }, (_, i) =>
        requestRaw(exporter.url, {
          keepBody: false,
          headers: {
            accept: i % 2 === 0 ? '*/*' : PROMETHEUS_ACCEPT,
            ...(i % 3 === 0 && { 'accept-encoding': 'gzip' }),
          },
        }),
      ),
    );
    for (const settled of replies) {
      if (settled.status === 'rejected') {
        // While others wait, a client that takes nothing for a second is cut off, and sees that it was.
        assert.equal((settled.reason as NodeJS.ErrnoException).code, 'ECONNRESET');
        cut++;
        continue;
      }
      const reply = settled.value;
      if (reply.status === 200) {
        whole++;
        assert.equal(reply.headers['content-length'], String(reply.bytes));
        bytes = Math.max(bytes, reply.bytes);
      } else {
        refused++;
        assert.equal(reply.status, 503);
        assert.equal(reply.headers['retry-after'], '1');
        assert.match(
          reply.body.toString(),
          /^(\d+ scrapes are being served already \(web\.max_requests\)|Too many scrapes of different refreshes)/,
        );
      }
    }
  }
  t.diagnostic(
    `${whole} whole, ${refused} refused, ${cut} cut off, peak ${before >> 20} -> ${peakMemoryBytes(exporter.child.pid) >> 20} MiB, ${bytes} bytes each`,
  );
  assert.ok(whole >= 100, `${whole} scrapes answered`);
  // Four renderings may live at once, and node keeps what it sends; 300 unshared would be 3 GB.
  const grown = peakMemoryBytes(exporter.child.pid) - before;
  assert.ok(grown < 20 * bytes, `${grown} bytes more for expositions of ${bytes}`);
  const after = await exporter.scrape();
  assertBalance(after);
  assert.equal(after.sum('xtrace_http_requests_total', { code: '500' }), 0);
});
