// SPDX-License-Identifier: Apache-2.0
// An exporter that floods of clients reach over a wire, and what its users must get meanwhile. For tests only.

import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../frames/frames.js';
import { sendFrames } from '../kernel/sender.js';
import { createWire, type Wire } from '../kernel/wire.js';
import { putFirst, putTestFirst } from '../priority.js';
import type { Exporter } from './exporter.js';
import { type FloodPlan, flood } from './flood.js';
import { requestRaw } from './raw-http.js';
import type { Service } from './watched-service.js';
import { withExporter } from './with-exporter.js';

export const SERVER = '192.0.2.2';
export const INTERVAL_MS = 200;
const ANSWER_LIMIT_MS = 1000;
const GROWTH_LIMIT_BYTES = 50e6;

export interface FloodPlace {
  readonly wire: Wire;
  readonly exporter: Exporter;
  flood(plan: Omit<FloodPlan, 'host' | 'port'>): Promise<unknown>;
}

/** An exporter that clients reach over a wire, with so many flows to show. */
export async function atFloodPlace(
  suffix: string,
  flows: number,
  use: (place: FloodPlace) => Promise<void>,
  args: readonly string[] = [],
): Promise<void> {
  const wire = createWire(suffix, {
    arp: true,
    sourceAddresses: ['192.0.2.1/24'],
    sinkAddresses: [`${SERVER}/24`],
  });
  const putBack = putTestFirst();
  try {
    await withExporter(
      wire,
      {
        intervalMs: INTERVAL_MS,
        args: ['--web.listen-address=0.0.0.0:0', ...args],
        // The floods' own connections are flows, too, and must not be what memory is used for.
        settings: { flows: { max_series: flows + 50 } },
      },
      async (exporter) => {
        putFirst(exporter.child.pid);
        const frames = Array.from({ length: flows }, (_, i) => {
          const ends = { src: '198.51.100.1', dst: `203.0.${i >> 8}.${i & 255}` };
          return ethernet(ETHERTYPE.ipv4, ipv4(ends, udp(4000, 5000, payloadOf(60))));
        });
        await sendFrames({ prefix: wire.source.enter, interface: wire.sourceDevice(), frames });
        await exporter.scrapeUntil('the flows', (now) => now.value('xtrace_series') >= flows);
        // As it is after some minutes: what V8 takes to run at all is not what a flood takes.
        for (let scrape = 0; scrape < 50; scrape++) await requestRaw(exporter.url, { keepBody: false });
        await use({
          wire,
          exporter,
          flood: (plan) => flood(wire.source, { host: SERVER, port: exporter.port, ...plan }),
        });
      },
    );
  } finally {
    putBack();
    wire.dispose();
  }
}

export function assertServed(t: TestContext, service: Service, answerLimitMs = ANSWER_LIMIT_MS): void {
  t.diagnostic(service.summary);
  assert.deepEqual(service.refused, []);
  assert.ok(service.slowestMs < answerLimitMs, service.summary);
  assert.ok(service.refreshes >= service.expectedRefreshes - 1, service.summary);
  assert.ok(service.oldestRefreshMs < 3 * INTERVAL_MS, service.summary);
  assert.ok(service.grownBytes < GROWTH_LIMIT_BYTES, service.summary);
}
