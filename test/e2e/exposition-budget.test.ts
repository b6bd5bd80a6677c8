// SPDX-License-Identifier: Apache-2.0
// An answer never grows beyond flows.max_exposition_bytes: thousands of flows and RoCE pairs come one after
// the other, every answer in both text formats is within the bound and balances, and a vmagent that takes no
// more never refuses one. Metric and log say once that the bound is what holds them back.

import assert from 'node:assert/strict';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { payloadOf } from '../support/frames/frames.js';
import { ends4, ends6, over, udpFlows } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { assertBalance } from '../support/oracle/balance.js';
import { type Exposition, parseExposition } from '../support/oracle/exposition-parser.js';
import { startVmagent } from '../support/receivers/scrapers.js';
import { roceV2 } from '../support/roce/roce-frames.js';

/** The least there may be. */
const LIMIT_BYTES = 1 << 20;
const FORMATS = { text: 'text/plain', openmetrics: 'application/openmetrics-text; version=1.0.0' };
const BUDGETS = ['max_series', 'max_new_series_per_minute', 'max_exposition_bytes', 'max_pairs', 'max_flows'];

/** SEND, WRITE and READ of so many pairs over IPv4 and as many over IPv6. */
function pairFrames(net: number, pairs: number): Buffer[] {
  return Array.from({ length: pairs }, (_, host) =>
    [0x04, 0x0a, 0x0c, 0x11].flatMap((opcode, sequenceNumber) => {
      const fields = { opcode, destinationQp: 0x100 + host, sequenceNumber };
      return [
        over(ends4(net, host), roceV2(fields, payloadOf(64), 0xc000 + host)),
        over(ends6(net, host), roceV2(fields, payloadOf(64), 0xc000 + host)),
      ];
    }),
  ).flat();
}

/** Both formats; each within the bound and the estimate, and in balance. */
async function scrapeBounded(exporter: Exporter): Promise<{ shown: Exposition; largest: number }> {
  let shown: Exposition | undefined;
  let largest = 0;
  for (const accept of Object.values(FORMATS)) {
    const response = await exporter.page('/metrics', { accept });
    const text = await response.text();
    const bytes = Buffer.byteLength(text);
    assert.equal(response.status, 200);
    const isText = response.headers.get('content-type')?.startsWith('text/plain') === true;
    assert.equal(isText, accept === FORMATS.text);
    assert.ok(bytes <= LIMIT_BYTES, `${accept}: ${bytes} bytes`);
    largest = Math.max(largest, bytes);
    if (!isText) continue;
    shown = parseExposition(text);
    assertBalance(shown);
    const estimated = shown.value('xtrace_exposition_estimated_bytes');
    assert.ok(bytes <= estimated && estimated <= LIMIT_BYTES, `${bytes} bytes, ${estimated} estimated`);
    assert.equal(shown.value('xtrace_exposition_budget_bytes'), LIMIT_BYTES);
    assert.deepEqual(
      shown.select('xtrace_budget_binding').map(({ labels }) => labels.get('budget')),
      BUDGETS,
    );
  }
  assert.ok(shown !== undefined);
  return { shown, largest };
}

for (const created of [false, true]) {
  kernelTest(`no answer is larger than it may be, with _created ${created ? 'on' : 'off'}`, async (t) => {
    const site = createSite(t, created ? 'c' : 'b');
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200', '--web.listen-address=127.0.0.1:10060'],
      settings: {
        flows: { max_exposition_bytes: LIMIT_BYTES, hold_max_ms: 2000, idle_timeout_ms: 20_000 },
        web: { openmetrics_created: created },
      },
    });
    t.after(() => exporter.stop());
    const vmagent = await startVmagent(site.host, exporter.url, {
      flags: [`-promscrape.maxScrapeSize=${LIMIT_BYTES}`],
    });
    t.after(() => vmagent.stop());
    await waitFor('the first scrape', async () => (await vmagent.value('up')) === 1, {
      limitMs: 30_000,
      intervalMs: 200,
    });
    const beganS = Date.now() / 1000;

    assert.equal(
      (await scrapeBounded(exporter)).shown.value('xtrace_budget_binding', {
        budget: 'max_exposition_bytes',
      }),
      0,
    );
    let largest = 0;
    let fewest = Number.POSITIVE_INFINITY;
    let flows = 0;
    let bound = 0;
    for (let round = 1; round <= 12; round++) {
      await site.send('va', udpFlows(10 + round, 1500));
      if (round > 4) await site.send('va', pairFrames(round, 6));
      for (let scrape = 0; scrape < 3; scrape++) {
        const now = await scrapeBounded(exporter);
        largest = Math.max(largest, now.largest);
        flows = now.shown.value('xtrace_series');
        if (round > 4) fewest = Math.min(fewest, flows);
        bound = now.shown.value('xtrace_budget_bound_refreshes_total', { budget: 'max_exposition_bytes' });
      }
    }
    const end = await scrapeBounded(exporter);
    const pairs = end.shown.value('xtrace_roce_pairs');
    t.diagnostic(
      `largest answer ${largest} of ${LIMIT_BYTES} bytes, ${flows} flows, ${pairs} pairs, bound in ${bound} refreshes`,
    );
    assert.ok(bound >= 5, `bound in ${bound} refreshes`);
    assert.ok(pairs > 10 && flows > 100, `${pairs} pairs, ${flows} flows`);
    assert.ok(largest > 0.8 * LIMIT_BYTES, `the largest answer has ${largest} bytes: much goes unused`);
    assert.ok(
      end.shown.value('xtrace_series_ended_total', { reason: 'max_series' }) > 0,
      'pairs end flow series',
    );
    assert.ok(end.shown.sum('xtrace_other_packets_total', { reason: 'max_series' }) > 0);

    await waitFor('more scrapes by vmagent', () => Date.now() / 1000 > beganS + 10, {
      limitMs: 30_000,
      intervalMs: 200,
    });
    const up = await vmagent.range('up', Math.ceil(beganS), Math.floor(Date.now() / 1000) - 1);
    assert.ok(up.length >= 5 && up.every((value) => value === 1), `up: ${up.join()}`);
    const [target] = await vmagent.targets();
    assert.deepEqual([target?.health, target?.lastError], ['up', '']);

    // Others may bind as well, each with a line of its own.
    const lines = exporter.child.stderr
      .split('\n')
      .filter((line) => line.includes('flows.max_exposition_bytes is reached'));
    assert.equal(lines.length, 1, lines.join('\n'));
    assert.match(lines[0] ?? '', /level=warn/);
  });
}
