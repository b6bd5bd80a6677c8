// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch estimate` as a user meets it: what it says of real traffic, what an exporter then shows of the
// same, and that it leaves nothing behind.

import assert from 'node:assert/strict';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import {
  type ExporterOptions,
  runExporter,
  spawnExporter,
  startExporter,
} from '../support/exporter/exporter.js';
import { createSite, type Site } from '../support/exporter/site.js';
import { tcp } from '../support/frames/frames.js';
import { everyHeader, mixedFlows, over } from '../support/frames/traffic-mix.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { startSending } from '../support/kernel/sender.js';
import type { Child } from '../support/processes.js';

interface Found {
  readonly watched_ms: number;
  readonly packets: number;
  readonly empty: string | null;
  readonly cautions: readonly string[];
  readonly choices: readonly {
    readonly id: string;
    readonly labels: readonly string[];
    readonly ports: string;
    readonly ipv4_prefix_length: number;
    readonly ipv6_prefix_length: number;
    readonly flows_now: number;
    readonly with_gauges: { readonly series_now: number; readonly scrape_bytes: number };
  }[];
  readonly recommendation: { readonly id: string; readonly yaml: string } | null;
}

/** With `traffic`, which begins when it is attached, and at the end of which the watch ends by a signal. */
async function estimate(
  site: Site,
  args: readonly string[],
  traffic?: () => Promise<unknown>,
  {
    signals = ['SIGTERM'],
    settings,
  }: { signals?: readonly NodeJS.Signals[]; settings?: ExporterOptions['settings'] } = {},
) {
  const child = spawnCommand(site, args, settings);
  try {
    if (traffic !== undefined) {
      await child.waitFor('the watch to begin', () => child.stderr.includes('watching '));
      await traffic();
      for (const signal of signals) process.kill(child.pid, signal);
    }
    const { code } = await child.exited;
    return { code, stdout: child.stdout, stderr: child.stderr };
  } finally {
    await child.stop('SIGKILL');
  }
}

function spawnCommand(
  site: Site,
  args: readonly string[],
  settings: ExporterOptions['settings'] = {},
): Child {
  const start: Site['host']['start'] = (command, [, , ...rest] = [], options) =>
    site.host.start(command, ['estimate', ...rest], options);
  return spawnExporter({ namespace: { start }, args, settings });
}

function siteWithVeth(t: TestContext, suffix: string): Site {
  const site = createSite(t, suffix);
  site.addVeth('va');
  return site;
}

function isAttached(site: Site, device: string): boolean {
  return site.host.exec('ip', 'link', 'show', 'dev', device).includes('prog/xdp');
}

/** One frame a flow: from ports that the kernel gives to clients, to one service. */
function shortFlows(count: number): Buffer[] {
  const ends = { src: '10.7.0.2', dst: '10.7.0.1' };
  return Array.from({ length: count }, (_, i) => over(ends, tcp(32_768 + i, 443)));
}

kernelTest('short flows of one client: service ports, and an exporter shows what was said', async (t) => {
  const site = siteWithVeth(t, 'e');
  const frames = shortFlows(4000);
  const sending = startSending({
    prefix: site.peer.enter,
    interface: 'vap',
    frames,
    packetsPerSecond: 200,
  });
  t.after(() => sending.dispose());
  t.after(() => sending.child.stop('SIGKILL'));
  const { code, stdout, stderr } = await estimate(site, ['-i', 'va', '--for', '6s', '--json']);
  assert.equal(code, 0, stderr);
  const found = JSON.parse(stdout) as Found;
  const flowsOf = (id: string) => found.choices.find((one) => one.id === id)?.flows_now ?? assert.fail(id);
  // A busy machine may send fewer.
  assert.ok(flowsOf('all') > 300 && flowsOf('all') < 1500, `${flowsOf('all')} flows`);
  assert.ok(Math.abs(flowsOf('all') - found.packets) <= 0.03 * found.packets, 'a flow a packet');
  assert.equal(flowsOf('service_ports'), 1);
  assert.equal(found.recommendation?.id, 'service_ports');
  const settings = parse(found.recommendation.yaml) as Record<string, unknown>;
  const check = await runExporter({ namespace: site.host, args: ['--config.check'], settings });
  assert.deepEqual([check.code, check.stderr], [0, '']);
  assert.equal(isAttached(site, 'va'), false);

  const said = found.choices.find(({ id }) => id === 'service_ports')?.with_gauges.series_now ?? 0;
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '200'], settings });
  t.after(() => exporter.stop('SIGKILL'));
  await site.send('va', frames);
  const shown = await exporter.scrapeUntil(
    'all frames',
    (now) => now.sum('xtrace_interface_packets_total') >= frames.length,
  );
  const series = [...shown.series.values()].filter(({ name }) => name.startsWith('xtrace_network_')).length;
  assert.ok(Math.abs(series - said) <= 0.05 * said, `${series} series, and not ${said}`);
});

kernelTest('of any traffic, each choice shows as many flows and bytes as was said', async (t) => {
  const site = siteWithVeth(t, 'm');
  const frames = [...everyHeader(), ...mixedFlows(1, 40)];
  const { stdout, stderr } = await estimate(site, ['-i', 'va', '--for', '10m', '--json'], () =>
    site.send('va', frames, 2),
  );
  const found = JSON.parse(stdout || assert.fail(stderr)) as Found;
  assert.equal(found.packets, 2 * frames.length, 'every packet is in the totals');
  for (const choice of found.choices) {
    const { labels, ports, ipv4_prefix_length, ipv6_prefix_length } = choice;
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '200'],
      settings: { flows: { labels, ports, ipv4_prefix_length, ipv6_prefix_length } },
    });
    t.after(() => exporter.stop('SIGKILL'));
    await site.send('va', frames, 2);
    const shown = await exporter.scrapeUntil(
      'all frames',
      (now) => now.sum('xtrace_interface_packets_total') >= 2 * frames.length,
    );
    const flows = [...shown.select('xtrace_network_bytes_total')].length;
    assert.ok(
      Math.abs(flows - choice.flows_now) <= 0.03 * flows,
      `${choice.id}: ${choice.flows_now} of ${flows}`,
    );
    const page = await (await exporter.page('/metrics')).text();
    const bytes = page.match(/^xtrace_network_.*\n/gm)?.reduce((sum, line) => sum + line.length, 0) ?? 0;
    const said = choice.with_gauges.scrape_bytes;
    assert.ok(Math.abs(bytes - said) <= 0.1 * bytes, `${choice.id}: ${said} bytes of ${bytes}`);
    await exporter.stop();
  }
});

kernelTest('where an exporter counts the interface: one sentence, and it goes on', async (t) => {
  const site = siteWithVeth(t, 't');
  site.addVeth('vb');
  const exporter = await startExporter({ namespace: site.host, args: ['-i', 'va', '-t', '200'] });
  t.after(() => exporter.stop('SIGKILL'));
  const { code, stdout, stderr } = await estimate(site, ['-i', 'va', '--for', '500ms']);
  assert.deepEqual([code, stdout], [1, '']);
  assert.match(
    stderr,
    /^xtrace-catch: nothing can be watched: va already has an XDP program .* another xtrace-catch counts this interface, or has left it pinned; stop that one .* or choose another interface\n$/,
  );
  await site.send('va', shortFlows(5));
  await exporter.scrapeUntil('its flows', (now) => now.sum('xtrace_interface_packets_total') === 5);

  const both = await estimate(site, ['-i', 'va,vb', '--for', '1h', '--json'], () =>
    site.send('vb', shortFlows(5)),
  );
  assert.equal(both.code, 0);
  const found = JSON.parse(both.stdout) as Found;
  assert.equal(found.packets, 5);
  assert.ok(found.cautions.some((sentence) => sentence.startsWith('va was not watched all the time: ')));
});

kernelTest('SIGINT ends the watch: detached, with what was seen until then', async (t) => {
  const site = siteWithVeth(t, 's');
  const { code, stdout } = await estimate(
    site,
    ['-i', 'va', '--for', '1h'],
    () => site.send('va', shortFlows(50)),
    { signals: ['SIGINT'] },
  );
  assert.equal(code, 0);
  assert.match(stdout, /^xtrace-catch \S+ estimate: va, watched for [\d.]+ m?s\n50 packets /);
  assert.match(stdout, /the watch was cut short: [\d.]+ m?s of 3600 s/);
  assert.match(stdout, /it saw fewer series\s+than there will be/);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 100, line);
  assert.equal(isAttached(site, 'va'), false);

  const twice = await estimate(site, ['-i', 'va', '--for', '1h'], async () => undefined, {
    signals: ['SIGINT', 'SIGTERM'],
  });
  assert.deepEqual([twice.code, twice.stdout], [1, '']);
  assert.equal(isAttached(site, 'va'), false);
});

kernelTest('no traffic, and none that filters want: a sentence and no table', async (t) => {
  const site = siteWithVeth(t, 'n');
  const none = await estimate(site, ['-i', 'va', '--for', '500ms']);
  assert.equal(none.code, 0);
  assert.match(none.stdout, /no packet came in on va within \d+ ms, so there is nothing to\s+estimate/);
  assert.doesNotMatch(none.stdout, /samples\/s|recommended/);
  const filtered = await estimate(site, ['-i', 'va', '--for', '1h', '-f', 'udp', '--json'], () =>
    site.send('va', shortFlows(5)),
  );
  const found = JSON.parse(filtered.stdout) as Found;
  assert.match(found.empty ?? '', /^5 packets came in .* none of a flow that would get series/);
  assert.equal(found.recommendation, null);
  const missing = await estimate(site, ['-i', 'nosuch']);
  assert.deepEqual(
    [missing.code, missing.stderr],
    [1, 'xtrace-catch: nothing can be watched: there is no interface nosuch\n'],
  );
});
