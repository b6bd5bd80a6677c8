// SPDX-License-Identifier: Apache-2.0
// Many hosts that are one: an exporter's own exposition, as it is at each scrape, at many addresses of the
// loopback and with a host_ip of its own at each. For tests only.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { TestContext } from 'node:test';
import { waitFor } from '../conditions.js';
import type { Exporter } from '../exporter/exporter.js';

const PORT = 10_060;
/** No longer than a refresh. */
const SHARED_MS = 1000;

export interface SimulatedHosts {
  /** As targets of a scraper. */
  readonly targets: readonly string[];
  /** Resolves when each host has given a whole answer to a scrape that began after the call. */
  allScraped(): Promise<void>;
  /** Bytes of the last whole answers of all hosts, without HTTP's headers. */
  answerBytes(): number;
}

/**
 * Serves them in the namespace that the test has joined. `hostIp` is the exporter's own, which no other label may have.
 */
export async function startSimulatedHosts(
  t: TestContext,
  { exporter, hostIp, count }: { exporter: Exporter; hostIp: string; count: number },
): Promise<SimulatedHosts> {
  const targets = Array.from({ length: count }, (_, i) => `127.1.${i >> 8}.${i & 0xff}:${PORT}`);
  const begunAtMs = new Map<string, number>();
  const bytes = new Map<string, number>();
  const shared = new SharedPage(exporter);
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const begunMs = performance.now();
    const target = `${request.socket.localAddress}:${PORT}`;
    const { type, text } = await shared.now(request.headers.accept ?? '*/*');
    const host = target.replace('127.1', '172.20').replace(/:.*/, '');
    const body = Buffer.from(text.replaceAll(`host_ip="${hostIp}"`, `host_ip="${host}"`));
    response.writeHead(200, { 'Content-Type': type });
    response.end(body, () => {
      begunAtMs.set(target, begunMs);
      bytes.set(target, body.length);
    });
  };
  const server = createServer((request, response) => {
    answer(request, response).catch((error: Error) => response.destroy(error));
  });
  await new Promise<void>((resolve) => server.listen(PORT, '0.0.0.0', resolve));
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return {
    targets,
    async allScraped() {
      const calledMs = performance.now();
      await waitFor(
        'a scrape of every host',
        () => targets.every((target) => (begunAtMs.get(target) ?? 0) > calledMs),
        { limitMs: 120_000, intervalMs: 100 },
      );
    },
    answerBytes: () => [...bytes.values()].reduce((sum, one) => sum + one, 0),
  };
}

interface Page {
  readonly type: string;
  readonly text: string;
}

/** The exporter's page, asked for once in a while: a share of what the hosts take together, as it stands for all of them. */
class SharedPage {
  readonly #exporter: Exporter;
  #page: Promise<Page> | undefined;
  #askedMs = 0;

  constructor(exporter: Exporter) {
    this.#exporter = exporter;
  }

  now(accept: string): Promise<Page> {
    const nowMs = performance.now();
    if (this.#page === undefined || nowMs - this.#askedMs > SHARED_MS) {
      this.#askedMs = nowMs;
      this.#page = this.#ask(accept);
    }
    return this.#page;
  }

  async #ask(accept: string): Promise<Page> {
    const page = await this.#exporter.page('/metrics', { accept });
    const text = await page.text();
    if (!page.ok) throw new Error(`the exporter answered ${page.status}: ${text}`);
    return { type: page.headers.get('content-type') ?? '', text };
  }
}
