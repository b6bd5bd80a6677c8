// SPDX-License-Identifier: Apache-2.0
// deploy/compose: a file that docker compose takes, whose parts fit each other; and the stack itself, with the programs
// in place of their images. Grafana is in no registry that tests reach: its files are compared with the dashboards.

import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { waitFor } from '../support/conditions.js';
import {
  COMPOSE_FOLDER,
  readComposeFile,
  readComposeYaml,
  type ServiceRun,
  startService,
} from '../support/deploy/compose-file.js';
import {
  DASHBOARD_FOLDER,
  readDashboardQueries,
  readDashboards,
} from '../support/deploy/dashboard-queries.js';
import { deployToolsTest } from '../support/deploy/deploy-tools.js';
import { ALERT_RULES, RECORDING_RULES } from '../support/deploy/rule-files.js';
import { startExporter } from '../support/exporter/exporter.js';
import { createSite } from '../support/exporter/site.js';
import { udpFlows } from '../support/frames/traffic-mix.js';
import { findLaterReceiver } from '../support/receivers/later-receiver.js';

const DATA_SOURCE = 'grafana/provisioning/datasources/victoria-metrics.yaml';
const DASHBOARDS = 'grafana/provisioning/dashboards/xtrace-catch.yaml';

/** Folders that docker makes on the host. */
const OF_THE_HOST = ['/sys/fs/bpf/xtrace-catch', '/run/xtrace-catch-container'];

deployToolsTest('docker compose takes it, and what it mounts is there', async () => {
  const services = await readComposeFile();
  assert.deepEqual(Object.keys(services).sort(), [
    'grafana',
    'victoria-metrics',
    'vmagent',
    'vmalert',
    'xtrace-catch',
  ]);
  for (const [name, { image, volumes, mem_limit, restart, healthcheck, ports = [] }] of Object.entries(
    services,
  )) {
    for (const { type, source } of volumes) {
      assert.ok(
        type === 'volume' || OF_THE_HOST.includes(source) || existsSync(source),
        `${name}: ${source}`,
      );
    }
    assert.ok(mem_limit !== undefined && restart === 'unless-stopped', name);
    for (const { host_ip } of ports) assert.equal(host_ip, '127.0.0.1', `${name} is open to others`);
    if (name === 'xtrace-catch') continue; // which has them in its image
    assert.match(image, /:v?\d+\.\d+\.\d+$/, name);
    assert.ok(healthcheck !== undefined, name);
  }
});

deployToolsTest(
  'the exporter has three capabilities, and its configuration names what is mounted',
  async () => {
    const { 'xtrace-catch': service } = await readComposeFile();
    assert.ok(service !== undefined);
    assert.deepEqual([service.cap_drop, service.read_only], [['ALL'], true]);
    assert.deepEqual([...(service.cap_add ?? [])].sort(), ['BPF', 'NET_ADMIN', 'PERFMON']);
    const mounted = (file: string) => service.volumes.find(({ target }) => target === path.dirname(file));
    // A file that is mounted by itself would stay the one before it was replaced.
    const fileOf = (file: string) =>
      path.join(
        mounted(file)?.source ?? assert.fail(`the folder of ${file} is not mounted`),
        path.basename(file),
      );
    const resolution = resolveConfig({
      argv: service.command ?? [],
      env: {},
      readFile: (file) => readFileSync(fileOf(file)),
    });
    assert.ok(resolution.action === 'run');
    // Docker takes a signal for a stop by hand.
    assert.equal(resolution.reload.autoReloadMs, 30_000);
    for (const file of [resolution.config.statePath, resolution.config.kernel.pinPath]) {
      assert.ok(
        service.volumes.some(({ target }) => file.startsWith(`${target}/`)),
        file,
      );
    }
  },
);

test("the dashboards find their data source: the default one of Grafana's, of the type that they choose from", () => {
  const { datasources } = readComposeYaml(DATA_SOURCE) as {
    datasources: { type: string; isDefault: boolean; url: string }[];
  };
  assert.deepEqual(
    datasources.map(({ type, isDefault, url }) => ({ type, isDefault, url })),
    [{ type: 'prometheus', isDefault: true, url: 'http://victoria-metrics:8428' }],
  );
  for (const { uid, templating } of readDashboards()) {
    const choice = templating.list.find(({ name }) => name === 'datasource');
    assert.equal(choice?.query, 'prometheus', uid);
  }
});

deployToolsTest('Grafana is given every dashboard, where its provider looks', async () => {
  const { grafana } = await readComposeFile();
  const { providers } = readComposeYaml(DASHBOARDS) as { providers: { options: { path: string } }[] };
  const mounted = grafana?.volumes.find(({ target }) => target === providers[0]?.options.path);
  assert.equal(path.resolve(mounted?.source ?? ''), path.resolve(DASHBOARD_FOLDER));
  assert.equal(readdirSync(DASHBOARD_FOLDER).length, readDashboards().length);
  const provisioning = grafana?.volumes.find(({ target }) => target === '/etc/grafana/provisioning');
  assert.equal(provisioning?.source, path.join(path.resolve(COMPOSE_FOLDER), 'grafana', 'provisioning'));
});

const { missing } = findLaterReceiver('victoria-metrics', 'vmagent');

deployToolsTest(
  'scraped, kept and judged by its files, a panel of the host dashboard has an answer',
  async (t) => {
    if (missing !== undefined) return t.skip(`SKIPPED: ${missing}`);
    const services = await readComposeFile();
    const site = createSite(t, 'cs');
    site.addVeth('va');
    const exporter = await startExporter({
      namespace: site.host,
      args: ['-i', 'va', '-t', '500', '--web.listen-address=:10060'],
    });
    t.after(() => exporter.stop());
    const names = [...Object.keys(services), 'host.docker.internal'];
    const begin = (name: string, run: Partial<ServiceRun> = {}) => {
      const service = services[name] ?? assert.fail(name);
      const [, program = ''] = /^victoriametrics\/([\w-]+):/.exec(service.image) ?? [];
      const file = findLaterReceiver('victoria-metrics', program).path;
      return startService(t, { namespace: site.host, service, program: file, names, ...run });
    };
    // Samples are shown at once, not 30 s later.
    const flags = ['-search.latencyOffset=0s', '-memory.allowedBytes=134217728'];
    const database = begin('victoria-metrics', { flags });
    begin('vmagent');
    const judge = begin('vmalert');

    await site.send('va', udpFlows(5, 20), 50);
    const queries = readDashboardQueries({ job: 'xtrace-catch', instance: 'this-host' }).filter(
      ({ dashboard }) => dashboard === 'xtrace-host',
    );
    const answered = new Set<string>();
    await database.waitFor(
      'panels to have answers',
      async () => {
        await site.send('va', udpFlows(5, 20), 5);
        for (const { panel, promQl } of queries) {
          const url = `http://127.0.0.1:8428/api/v1/query?query=${encodeURIComponent(promQl)}`;
          const answer = (await fetch(url).then((response) => response.json())) as {
            data?: { result: unknown[] };
          };
          if ((answer.data?.result.length ?? 0) > 0) answered.add(panel);
        }
        return answered.size > 0;
      },
      { limitMs: 120_000, intervalMs: 1000 },
    );
    const rules = await judge.waitFor('the rules', async () => {
      const answer = (await fetch('http://127.0.0.1:8880/api/v1/rules').then((response) =>
        response.json(),
      )) as {
        data: { groups: { rules: { lastError: string }[] }[] };
      };
      const all = answer.data.groups.flatMap((group) => group.rules);
      return all.length > 0 && all;
    });
    assert.equal(rules.length, ALERT_RULES.length + RECORDING_RULES.length);
    assert.deepEqual(
      rules.filter(({ lastError }) => lastError !== ''),
      [],
    );
    await waitFor('the exporter to be up', async () => (await exporter.page('/-/ready')).status === 200);
  },
);
