// SPDX-License-Identifier: Apache-2.0
// A configuration file in a ConfigMap's volume: a link to `..data/NAME`, where `..data` is a link that the kubelet
// replaces. The exporter follows the name, not the file that it was at the start.

import assert from 'node:assert/strict';
import path from 'node:path';
import { stringify } from 'yaml';
import { createConfigVolume } from '../support/deploy/pod.js';
import { startExporterAsConfigured } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const NAME = 'xtrace-catch.yaml';
const CHANGES = 3;

kernelTest('each change of a ConfigMap is in force without a restart', async (t) => {
  const site = createSite(t, 'cm');
  site.addVeth('va');
  const folder = temporaryFolder('xtrace-config-map-');
  const contents = (intervalMs: number) => ({ [NAME]: stringify({ interval_ms: intervalMs }) });
  const volume = createConfigVolume(path.join(folder, 'config'), contents(200));
  const exporter = await startExporterAsConfigured({
    namespace: site.host,
    args: [
      '-i',
      'va',
      `--config.file=${path.join(volume.folder, NAME)}`,
      '--config.enable-auto-reload',
      '--config.auto-reload-interval=100ms',
    ],
  });
  t.after(() => exporter.stop('SIGKILL'));
  for (let change = 1; change <= CHANGES; change++) {
    volume.change(contents(200 + change));
    await exporter.scrapeUntil(
      'the new interval',
      (now) => now.value('xtrace_refresh_interval_seconds') === (200 + change) / 1000,
    );
  }
  const last = await exporter.scrape();
  assert.equal(last.value('xtrace_config_last_reload_successful'), 1);
  assert.doesNotMatch(exporter.child.stderr, /level=(warn|error)/);
  assert.deepEqual(await exporter.stop(), { code: 0, signal: null });
});
