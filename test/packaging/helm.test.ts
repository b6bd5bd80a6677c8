// SPDX-License-Identifier: Apache-2.0
// The Helm chart, linted and rendered by helm: the pod of deploy/kubernetes, and small.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { DEPLOY_TOOLS, deployToolsTest } from '../support/deploy/deploy-tools.js';
import {
  CHART,
  DEPLOY,
  type Manifest,
  manifestOf,
  onlyContainerOf,
  podSpecOf,
  renderChart,
  renderKustomization,
} from '../support/deploy/manifests.js';
import { schemaProblems } from '../support/deploy/object-schemas.js';
import { run } from '../support/processes.js';

const LINES_MAX = 200;
const WEB = { name: 'web', mountPath: '/etc/xtrace-web', readOnly: true };
const MONITORS = ['--set=podMonitor.enabled=true', '--set=vmPodScrape.enabled=true'];

test(`it has fewer than ${LINES_MAX} lines`, () => {
  const files = readdirSync(CHART, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const lines = files.map(
    (file) => readFileSync(path.join(file.parentPath, file.name), 'utf8').split('\n').length,
  );
  assert.ok(lines.reduce((sum, count) => sum + count, 0) < LINES_MAX, `${lines.join(' + ')}`);
});

deployToolsTest('helm lint has nothing to warn of', async () => {
  const { stdout } = await run(DEPLOY_TOOLS.helm, ['lint', '--strict', CHART]);
  assert.match(stdout, /1 chart\(s\) linted, 0 chart\(s\) failed/);
});

deployToolsTest('what it renders is what schemas want, whatever is switched on', async () => {
  const plain = await renderChart();
  assert.deepEqual(kindsOf(plain), ['ConfigMap', 'DaemonSet', 'ServiceAccount']);
  const all = await renderChart(
    ...MONITORS,
    '--set=priorityClassName=system-node-critical',
    '--set=imagePullSecrets[0].name=registry',
    '--set=extraArgs={--log.format=json}',
    '--set=image.tag=9.9.9',
    '--set=seLinuxOptions.type=spc_t',
    `--set-json=extraVolumes=${JSON.stringify([{ name: 'web', secret: { secretName: 'web' } }])}`,
    `--set-json=extraVolumeMounts=${JSON.stringify([WEB])}`,
    '--set=port=9200',
  );
  assert.deepEqual(kindsOf(all), ['ConfigMap', 'DaemonSet', 'PodMonitor', 'ServiceAccount', 'VMPodScrape']);
  assert.deepEqual(await schemaProblems([...plain, ...all]), []);
  const pod = podSpecOf(all);
  const { image, args, ports, volumeMounts } = onlyContainerOf(pod);
  assert.deepEqual(volumeMounts.at(-1), WEB);
  assert.equal(pod.volumes.at(-1)?.name, WEB.name);
  assert.equal(image, 'xtrace-catch:9.9.9');
  assert.deepEqual(args.slice(-2), ['--web.listen-address=:9200', '--log.format=json']);
  assert.equal(ports[0]?.containerPort, 9200);
});

deployToolsTest(
  'with TLS and users, who asks it for readiness and who scrapes it are told of them',
  async () => {
    const endpoint = {
      scheme: 'https',
      tlsConfig: { insecureSkipVerify: true },
      basicAuth: {
        username: { name: 'scraper', key: 'user' },
        password: { name: 'scraper', key: 'password' },
      },
    };
    const httpGet = { scheme: 'HTTPS', httpHeaders: [{ name: 'Authorization', value: 'Basic cDpx' }] };
    const values = ['podMonitor', 'vmPodScrape'].map(
      (monitor) => `--set-json=${monitor}=${JSON.stringify({ enabled: true, endpoint })}`,
    );
    const manifests = await renderChart(...values, `--set-json=readiness.httpGet=${JSON.stringify(httpGet)}`);
    assert.deepEqual(await schemaProblems(manifests), []);
    for (const kind of ['PodMonitor', 'VMPodScrape']) {
      const { podMetricsEndpoints } = manifestOf(manifests, kind).spec as { podMetricsEndpoints: object[] };
      assert.deepEqual({ ...podMetricsEndpoints[0], ...endpoint }, podMetricsEndpoints[0], kind);
    }
    const { readinessProbe } = onlyContainerOf(podSpecOf(manifests));
    assert.deepEqual(readinessProbe.httpGet, { path: '/-/ready', port: 'metrics', ...httpGet });
    const byConnection = await renderChart(
      '--set-json=readiness={"httpGet":null,"tcpSocket":{"port":"metrics"}}',
    );
    assert.deepEqual(await schemaProblems(byConnection), []);
  },
);

deployToolsTest('its pod, its configuration and what scrapes it are those of deploy/kubernetes', async () => {
  const chart = await renderChart(...MONITORS);
  const folders = ['.', 'podmonitor', 'vmpodscrape'];
  const kustomized = (await Promise.all(folders.map(renderKustomization))).flat();
  const podOf = (manifests: readonly Manifest[]): unknown =>
    JSON.parse(JSON.stringify(podSpecOf(manifests)).replace('"imagePullPolicy":"IfNotPresent",', ''));
  assert.deepEqual(podOf(chart), podOf(kustomized));
  const settingsOf = (manifests: readonly Manifest[]): unknown =>
    parse(manifestOf(manifests, 'ConfigMap').data?.['xtrace-catch.yaml'] ?? '');
  assert.deepEqual(settingsOf(chart), settingsOf(kustomized));
  for (const kind of ['PodMonitor', 'VMPodScrape']) {
    const specOf = (manifests: readonly Manifest[]): object =>
      manifestOf(manifests, kind).spec as { readonly selector: unknown };
    assert.deepEqual({ ...specOf(chart), selector: {} }, { ...specOf(kustomized), selector: {} }, kind);
  }
});

deployToolsTest('its version is that of the program and of deploy/kubernetes', async () => {
  const { appVersion } = parse(readFileSync(path.join(CHART, 'Chart.yaml'), 'utf8')) as {
    appVersion: string;
  };
  const { image } = onlyContainerOf(podSpecOf(await renderKustomization('.')));
  assert.equal(image, `xtrace-catch:${appVersion}`);
  const program = JSON.parse(readFileSync(path.join(DEPLOY, '..', 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal(appVersion, program.version);
});

function kindsOf(manifests: readonly Manifest[]): string[] {
  return manifests.map(({ kind }) => kind).sort();
}
