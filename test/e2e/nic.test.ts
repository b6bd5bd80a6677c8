// SPDX-License-Identifier: Apache-2.0
// What the running exporter shows of NICs: nothing of a veth, and no process to read it, unless its counters are asked
// for; then those, as ethtool(8) has them; and a reload takes them away again.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { waitFor } from '../support/conditions.js';
import { type Exporter, startExporterAsConfigured, writeSettings } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import type { Exposition } from '../support/oracle/exposition-parser.js';

const NIC = /^xtrace_nic_/;

function namesOf({ series }: Exposition): string[] {
  return [...series.values()].map(({ name }) => name).filter((name) => NIC.test(name));
}

function refreshes({ series }: Exposition): number {
  return [...series.values()].find(({ name }) => name === 'xtrace_refreshes_total')?.value ?? 0;
}

/** Process ids of what it has started. */
function childrenOf({ child }: Exporter): string[] {
  const { pid } = child;
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    .split(' ')
    .filter((text) => text !== '');
}

kernelTest('a veth has nothing to tell, until its counters are asked for', async (t) => {
  const site = createSite(t, 'n');
  site.addVeth('va');
  const settings = { interfaces: ['va'], interval_ms: 200 };
  const file = writeSettings(settings);
  const exporter = await startExporterAsConfigured({
    namespace: site.host,
    args: [`--config.file=${file}`],
  });
  t.after(() => exporter.stop());

  const plain = await exporter.scrapeUntil('three refreshes', (shown) => refreshes(shown) >= 3);
  assert.deepEqual(namesOf(plain), []);
  assert.deepEqual(childrenOf(exporter), []);

  writeFileSync(file, stringify({ ...settings, nic: { raw: ['peer_ifindex', 'rx_queue_0_*'] } }));
  exporter.child.kill('SIGHUP');
  const asked = await exporter.scrapeUntil('its counters', (shown) => namesOf(shown).length > 0);
  const raw = [...asked.series.values()].filter(({ name }) => name === 'xtrace_nic_raw');
  const ethtool = site.host.exec('ethtool', '-S', 'va');
  const expected = [...ethtool.matchAll(/^ +(peer_ifindex|rx_queue_0_\w+): \d+$/gm)].map(([, name]) => name);
  assert.ok(expected.length > 3);
  assert.deepEqual(raw.map(({ labels }) => new Map(labels).get('counter')).sort(), expected.sort());
  const [, peer = ''] = /peer_ifindex: (\d+)/.exec(ethtool) ?? [];
  assert.equal(
    raw.find(({ labels }) => new Map(labels).get('counter') === 'peer_ifindex')?.value,
    Number(peer),
  );
  assert.equal(childrenOf(exporter).length, 1);

  writeFileSync(file, stringify({ ...settings, nic: { enabled: false, raw: ['*'] } }));
  exporter.child.kill('SIGHUP');
  await exporter.scrapeUntil('them to go', (shown) => namesOf(shown).length === 0);
  await waitFor('the reading process to end', () => childrenOf(exporter).length === 0);
});
