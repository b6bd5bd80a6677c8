// SPDX-License-Identifier: Apache-2.0
// Clients that no scraper resembles, against the running exporter: whatever they do, a scrape from
// another client is answered within a second, refreshes keep their beat, and memory stays.

import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../support/conditions.js';
import { startExporter } from '../support/exporter/exporter.js';
import { type FloodPlan, startFlood } from '../support/exporter/flood.js';
import { assertServed, atFloodPlace, INTERVAL_MS, SERVER } from '../support/exporter/flood-place.js';
import { requestRaw } from '../support/exporter/raw-http.js';
import { watchService } from '../support/exporter/watched-service.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { createWire } from '../support/kernel/wire.js';

const METRICS = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n';
const HEALTHY = 'GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n';
const PIPELINE = {
  connections: 80,
  repeated: METRICS,
  times: 4000,
  atEnd: 'destroy',
} as const;

kernelTest('80 connections of 4,000 pipelined requests, closed at once, delay nobody', async (t) => {
  await atFloodPlace('pl', 200, async ({ exporter, flood }) => {
    const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
      await flood(PIPELINE);
    });
    assertServed(t, service);
  });
});

kernelTest('four such clients for 10 s delay nobody', async (t) => {
  await atFloodPlace('p4', 200, async ({ exporter, flood }) => {
    const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
      await Promise.all(Array.from({ length: 4 }, () => flood({ ...PIPELINE, durationMs: 10_000 })));
    });
    assertServed(t, service);
  });
});

/** Four clients with 80 connections each: all that these have sent is in the kernel when they are gone. */
const GONE: readonly (readonly [suffix: string, what: string, plan: Partial<FloodPlan>])[] = [
  ['g1', 'one request', { opening: METRICS }],
  ['g2', 'many requests', { repeated: HEALTHY, times: 50 }],
];
for (const [suffix, what, plan] of GONE) {
  kernelTest(`clients that send ${what} and do not wait for an answer delay nobody`, async (t) => {
    await atFloodPlace(suffix, 200, async ({ exporter, flood }) => {
      const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
        const one = { ...plan, connections: 80, atEnd: 'destroy', durationMs: 5000 } as const;
        await Promise.all(Array.from({ length: 4 }, () => flood(one)));
      });
      assertServed(t, service);
    });
  });
}

for (const [suffix, what, comesBack] of [
  ['id', '2,000 idle connections', false],
  ['ib', '2,000 idle connections that come back whenever they are closed', true],
] as const) {
  kernelTest(`${what} lock nobody out`, async (t) => {
    await atFloodPlace(suffix, 200, async ({ wire, exporter }) => {
      const idle = {
        host: SERVER,
        port: exporter.port,
        connections: 1000,
        reads: true,
        atEnd: 'hold',
        ...(comesBack && { durationMs: 60_000 }),
      } as const;
      const clients = [idle, { ...idle, opening: HEALTHY }].map((plan) => startFlood(wire.source, plan));
      try {
        const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
          for (const client of clients) {
            // One whose connections were all evicted for the other's has ended by now, perhaps.
            await waitFor('all connections', () => client.stdout.includes('open'));
          }
          await delay(3000);
        });
        assertServed(t, service);
        const after = await exporter.scrape();
        assert.equal(after.value('xtrace_http_connections_limit'), 512);
        assert.equal(after.value('xtrace_http_connections'), 512, 'idle ones stay as long as there is room');
        const evicted = after.value('xtrace_http_connections_closed_total', { reason: 'evicted' });
        t.diagnostic(`${evicted} connections evicted`);
        assert.ok(evicted >= 1488, `${evicted} evicted`);
        assert.equal(after.value('xtrace_http_connections_closed_total', { reason: 'refused' }), 0);
        assert.equal(exporter.child.stderr.match(/512 HTTP connections are open/g)?.length, 1);
      } finally {
        for (const client of clients) await client.stop('SIGKILL');
      }
    });
  });
}

/** 100 connections each, opened again as long as the flood lasts. */
const FLOODS: readonly (readonly [what: string, plan: Partial<FloodPlan>])[] = [
  ['endless headers', { opening: 'GET / HTTP/1.1\r\n', repeated: 'A: b\r\n', times: 100_000, atEnd: 'hold' }],
  ['endless URLs', { opening: 'GET /', repeated: 'x', times: 1_000_000, atEnd: 'hold' }],
  ['endless empty lines', { repeated: '\r\n', times: 500_000, atEnd: 'hold' }],
  ['no HTTP at all', { repeated: '\x16\x03\x01', times: 100_000, atEnd: 'hold' }],
  [
    'endless bodies',
    {
      opening: 'POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n',
      repeated: `400\r\n${'x'.repeat(1024)}\r\n`,
      times: 4000,
      atEnd: 'hold',
    },
  ],
  [
    'slow bodies',
    {
      opening: 'POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n',
      repeated: 'x',
      times: 100_000,
      pieceBytes: 100,
      atEnd: 'hold',
    },
  ],
  [
    'bodies that wait',
    { opening: 'POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n', atEnd: 'hold' },
  ],
  ['a byte at a time', { repeated: METRICS, times: 100, pieceBytes: 1, reads: true, atEnd: 'destroy' }],
  ['upgrades', { repeated: `${HEALTHY.trimEnd()}\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n`, times: 50 }],
  ['tunnels', { opening: 'CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n', atEnd: 'hold' }],
  ['half-closed', { repeated: METRICS, times: 2, atEnd: 'end' }],
  ['HEAD', { repeated: METRICS.replace('GET', 'HEAD'), times: 400, reads: true }],
  ['the landing page', { repeated: METRICS.replace('/metrics', '/'), times: 400, reads: true }],
  ['health', { repeated: HEALTHY, times: 300, reads: true }],
  ['no page', { repeated: METRICS.replace('/metrics', '/x'), times: 300 }],
  ['answers nobody reads', { repeated: METRICS, times: 300, atEnd: 'hold' }],
  ['gone at once', { opening: METRICS, atEnd: 'destroy' }],
];

kernelTest('whatever clients send, others are served', async (t) => {
  await atFloodPlace('va', 200, async ({ exporter, flood }) => {
    for (const [what, plan] of FLOODS) {
      const service = await watchService(exporter, { intervalMs: INTERVAL_MS }, async () => {
        await flood({ connections: 100, durationMs: 2000, limitMs: 2500, atEnd: 'destroy', ...plan });
      });
      t.diagnostic(what);
      assertServed(t, service);
    }
    const after = await exporter.scrape();
    assert.equal(after.sum('xtrace_http_requests_total', { code: '500' }), 0);
    assert.doesNotMatch(exporter.child.stderr, /level=error/);
    assert.ok(exporter.child.stderr.split('\n').length < 20, exporter.child.stderr);
  });
});

kernelTest('clients that stop reading large answers make room for others', async (t) => {
  await atFloodPlace('st', 10_000, async ({ wire, exporter }) => {
    const stuck = {
      host: SERVER,
      port: exporter.port,
      connections: 45,
      opening: METRICS,
      atEnd: 'hold',
    } as const;
    const client = startFlood(wire.source, { ...stuck, holdMs: 2000, durationMs: 60_000 });
    try {
      await client.waitFor('all connections', () => client.stdout.includes('open'));
      for (let scrape = 0; scrape < 10; scrape++) {
        const startedMs = performance.now();
        const { status, bytes } = await requestRaw(exporter.url, { keepBody: false, limitMs: 20_000 });
        const tookMs = Math.round(performance.now() - startedMs);
        t.diagnostic(`${status} with ${bytes} bytes after ${tookMs} ms`);
        assert.equal(status, 200);
        // Prometheus' default timeout; a place gets free when its client has taken nothing for a second.
        assert.ok(tookMs < 10_000, `${tookMs} ms`);
        await delay(200);
      }
    } finally {
      await client.stop('SIGKILL');
    }
  });
});

kernelTest(
  'a process that may open few files takes fewer connections, and keeps some for itself',
  async (t) => {
    const wire = createWire('nf', {});
    t.after(() => wire.dispose());
    const exporter = await startExporter({
      namespace: wire.sink,
      args: [`--interface=${wire.sinkDevice()}`, `--interval=${INTERVAL_MS}`],
      through: ['prlimit', '--nofile=160:160'],
    });
    t.after(() => exporter.stop('SIGKILL'));
    const limit = (await exporter.scrape()).value('xtrace_http_connections_limit');
    assert.ok(limit >= 8 && limit < 96, `${limit} connections of 160 files`);
    await exporter.logged(
      new RegExp(`may open 160 files: it takes ${limit} HTTP connections at a time instead`),
    );
    const client = startFlood(wire.sink, {
      host: '127.0.0.1',
      port: exporter.port,
      connections: 300,
      durationMs: 60_000,
      atEnd: 'hold',
    });
    t.after(() => client.stop('SIGKILL'));
    await client.waitFor('all connections', () => client.stdout.includes('open'));
    for (let scrape = 0; scrape < 20; scrape++) {
      const now = await exporter.scrape();
      assert.ok(now.value('xtrace_http_connections') <= limit);
      assert.ok(now.value('process_open_fds') < 160);
    }
    assert.doesNotMatch(exporter.child.stderr, /EMFILE|level=error/);
    assert.equal((await exporter.stop()).code, 0);
  },
);

kernelTest('a stop is not held up by clients that flood', async () => {
  await atFloodPlace('fs', 200, async ({ wire, exporter }) => {
    const plans: FloodPlan[] = [
      { ...PIPELINE, host: SERVER, port: exporter.port, durationMs: 60_000 },
      { ...PIPELINE, host: SERVER, port: exporter.port, times: 300, atEnd: 'hold', durationMs: 60_000 },
    ];
    const clients = plans.map((plan) => startFlood(wire.source, plan));
    try {
      for (const client of clients) {
        await client.waitFor('all connections', () => client.stdout.includes('open'));
      }
      const startedMs = performance.now();
      const { code } = await exporter.stop();
      const tookMs = performance.now() - startedMs;
      assert.equal(code, 0, exporter.child.stderr);
      assert.ok(tookMs < 5000, `${tookMs} ms`);
    } finally {
      for (const client of clients) await client.stop('SIGKILL');
    }
  });
});
