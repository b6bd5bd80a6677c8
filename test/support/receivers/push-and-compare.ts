// SPDX-License-Identifier: Apache-2.0
// The exporter pushing to a real receiver with traffic on a wire: every sample is there, and equal to
// /metrics at that refresh. For tests only.

import assert from 'node:assert/strict';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { startExporter } from '../exporter/exporter.js';
import type { Site } from '../exporter/site.js';
import { mixedFlows } from '../frames/traffic-mix.js';
import type { Exposition } from '../oracle/exposition-parser.js';
import { assertAllPushed, scrapeRefreshes } from './pushed.js';
import type { Storage } from './receivers.js';

const FRAMES = mixedFlows(3, 6);
const REPEAT = 40;
const REFRESHES = 12;
const ADDED = { job: 'test-job', instance: 'node-7:1', rack: 'r "7"', zone: 'ü' };

export interface PushCase {
  readonly storage: Storage;
  readonly url: string;
  /** Of the section push, besides. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly node?: string;
  /** What it ends up with. */
  readonly protocol: { readonly format: string; readonly compression: string };
}

/** Pushes with traffic, and compares all of it; resolves with the last scrape. */
export async function pushAndCompare(t: TestContext, site: Site, one: PushCase): Promise<Exposition> {
  const exporter = await startExporter({
    namespace: site.host,
    args: ['-i', 'va', '-t', '200'],
    settings: {
      push: {
        enabled: true,
        url: one.url,
        job: ADDED.job,
        instance: ADDED.instance,
        extra_labels: { rack: ADDED.rack, zone: ADDED.zone },
        batch_max_samples: 150,
        ...one.settings,
      },
    },
    env: { NODE: one.node ?? process.execPath },
  });
  t.after(() => exporter.stop('SIGKILL'));
  const scrapes = new Map(
    await scrapeRefreshes(exporter, REFRESHES, async () => {
      const sent = await site.send('va', FRAMES, REPEAT);
      await exporter.scrapeUntil(
        'all packets',
        (now) => now.sum('xtrace_interface_packets_total') === sent.packets,
      );
    }),
  );
  const last = await exporter.scrapeUntil(
    'all to be sent',
    (now) => now.value('xtrace_push_samples_sent_total') === now.value('xtrace_push_samples_total'),
  );
  scrapes.set(last.value('xtrace_refreshes_total'), last);
  const compared = await assertAllPushed(one.storage, ADDED, scrapes);
  t.diagnostic(`${compared} samples of ${scrapes.size} refreshes are the same`);
  assert.ok(compared > 500, `only ${compared} samples were compared`);
  assert.ok(last.select('xtrace_network_bytes_total').length > 50);
  assert.equal(last.sum('xtrace_push_samples_dropped_total'), 0);
  assert.equal(last.value('xtrace_push_up'), 1);
  assert.equal(last.value('xtrace_push_protocol_info', one.protocol), 1);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
  assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
  assert.match(exporter.child.stderr, /msg="push works: the receiver takes /);
  return last;
}
