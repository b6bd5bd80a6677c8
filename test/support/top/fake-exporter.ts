// SPDX-License-Identifier: Apache-2.0
// A server with the answers of docs/api.md whose numbers move, on TCP or on a socket in the file system; or one
// that answers as it is told. For tests only.

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';

export interface FakeAnswers {
  readonly overview: Record<string, unknown>;
  readonly flows: Record<string, unknown>;
  readonly pairs: Record<string, unknown>;
  readonly history: Record<string, unknown>;
}

export interface FakeOptions {
  /** Of the interface and of each flow's labels. */
  readonly interfaceName?: string;
  readonly collectAgg?: string;
  readonly flowCount?: number;
  readonly verdict?: Record<string, unknown>;
}

const windows = (rate: number, refresh: number): Record<string, number>[] =>
  [2, 10, 40].map((asked) => ({
    asked_seconds: asked,
    seconds: Math.min(asked, Math.max(1, refresh)),
    bits_per_second: rate * (1 + refresh / 1000),
    payload_bits_per_second: rate,
    packets_per_second: rate / 8000,
  }));

/** What the exporter says after so many refreshes; flow n carries (n + 1) Mbit/s from 10.0.0.n. */
export function fakeAnswers(refresh: number, options: FakeOptions = {}): FakeAnswers {
  const { interfaceName = 'eth0', collectAgg = 'default', flowCount = 3 } = options;
  const head = {
    refresh,
    at_ms: 1_764_327_121_000 + 1000 * refresh,
    seconds: 1,
    an_unknown_key: { deep: [] },
  };
  const rows = Array.from({ length: flowCount }, (_, n) => {
    const rate = 1_000_000 * (n + 1);
    return {
      id: `f${n}.1764327001000`,
      labels: {
        src_ip: `10.0.${n >> 8}.${n & 255}`,
        dst_ip: '10.1.0.1',
        src_port: String(40_000 + n),
        dst_port: '443',
        protocol: '6',
        traffic_type: 'TCP',
        interface: interfaceName,
        host_ip: '10.1.0.1',
        collect_agg: collectAgg,
      },
      began_ms: 1_764_327_001_000,
      bits_per_second: rate,
      packets_per_second: rate / 8000,
      bytes: rate / 8,
      packets: rate / 8000,
      total_bytes: (rate / 8) * refresh,
      total_packets: (rate / 8000) * refresh,
      windows: windows(rate, refresh),
    };
  }).reverse();
  return {
    overview: {
      ...head,
      version: '0.1.0',
      started_ms: 1_764_321_909_000,
      host_ip: '10.1.0.1',
      collect_agg: collectAgg,
      verdict: options.verdict ?? { level: 'ok', sentence: `${interfaceName} is watched`, findings: [] },
      interfaces: [
        {
          name: interfaceName,
          attached: true,
          mode: 'native',
          note: '',
          bits_per_second: 6e6,
          packets_per_second: 750,
          total_bytes: 750_000 * refresh,
          windows: windows(6e6, refresh),
          types: [{ traffic_type: 'TCP', bits_per_second: 6e6 }],
        },
      ],
      empty: null,
      series: { count: flowCount, limit: 10_000, flows: flowCount, binding: [] },
      pairs: { count: 1, limit: 1000 },
      push: { enabled: false },
      exporter: { interval_ms: 1000 },
    },
    flows: { ...head, history_since_ms: 1, by: 'bytes', flows: rows, all: { flows: flowCount }, empty: null },
    pairs: {
      ...head,
      history_since_ms: 1,
      by: 'payload_bytes',
      pairs: [
        {
          id: `${interfaceName} 10.0.0.1 10.0.0.2`,
          interface: interfaceName,
          src_ip: '10.0.0.1',
          dst_ip: '10.0.0.2',
          queue_pair: null,
          began_ms: 1_764_327_001_000,
          payload_bits_per_second: 7.5e6,
          packets_per_second: 1000,
          cnp_per_second: 412,
          ce_share: 0.031,
          naks: 0,
          rnr_naks: 2,
          psn_gaps: 0,
          retransmitted: 1,
          queue_pairs: 4,
          source_ports: 4,
          total_bytes: 1e8,
          total_packets: 100_000,
          trouble: [{ code: 'cnp', sentence: '10.0.0.1 asks 10.0.0.2 to slow down: 412 CNP/s' }],
          windows: windows(7.5e6, refresh),
        },
      ],
      all: { pairs: 1 },
      empty: null,
    },
    history: {
      ...head,
      ends_ms: [1, 2, 3],
      seconds_each: [1, 1, 1],
      series: [{ flow: 'f0', bits_per_second: [1e6, null, 2e6], payload_bits_per_second: [1e6, null, 2e6] }],
      empty: null,
    },
  };
}

export interface FakeExporter {
  /** `http://127.0.0.1:PORT`; `http://localhost` on a socket in the file system. */
  readonly url: string;
  /** Paths with their queries, in order. */
  readonly asked: readonly string[];
  /** Of now. */
  refresh: number;
  close(): Promise<void>;
}

/** Each overview is of a further refresh. listen: a port (0: any) or the path of a socket. */
export async function startFakeExporter(
  t: Pick<TestContext, 'after'>,
  { listen = 0, ...options }: FakeOptions & { readonly listen?: number | string } = {},
): Promise<FakeExporter> {
  const asked: string[] = [];
  const fake = { refresh: 50 }; // so that windows are full
  const server = await serve(t, listen, (request, response) => {
    asked.push(request.url ?? '');
    const [, name = ''] = /^\/api\/v1\/(\w+)/.exec(request.url ?? '') ?? [];
    if (name === 'overview') fake.refresh++;
    const answer = Reflect.get(fakeAnswers(fake.refresh, options), name);
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(answer));
  });
  return Object.assign(fake, { url: urlOf(server), asked, close: () => closeServer(server) });
}

/** A server that does what it is told; gone at the end of the test. */
export async function serve(
  t: Pick<TestContext, 'after'>,
  listen: number | string,
  onRequest: RequestListener,
): Promise<Server> {
  const server = createServer(onRequest);
  await new Promise<void>((resolve, reject) => {
    server.on('error', reject);
    if (typeof listen === 'string') server.listen(listen, resolve);
    else server.listen(listen, '127.0.0.1', resolve);
  });
  t.after(() => closeServer(server));
  return server;
}

export function urlOf(server: Server): string {
  const address = server.address() as AddressInfo | string | null;
  return typeof address === 'object' && address !== null
    ? `http://127.0.0.1:${address.port}`
    : 'http://localhost';
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}
