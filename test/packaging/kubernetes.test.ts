// SPDX-License-Identifier: Apache-2.0
// deploy/kubernetes, rendered by kubectl: objects that an API server would take, for the exporter as it is. The pod
// that they describe runs in image.test.ts.

import assert from 'node:assert/strict';
import { resolveConfig } from '../../src/config/resolve-config.js';
import { deployToolsTest } from '../support/deploy/deploy-tools.js';
import {
  type Manifest,
  manifestOf,
  onlyContainerOf,
  podSpecOf,
  renderKustomization,
} from '../support/deploy/manifests.js';
import { schemaProblems } from '../support/deploy/object-schemas.js';

const FOLDERS = ['.', 'podmonitor', 'vmpodscrape'] as const;

async function renderAll(): Promise<readonly Manifest[]> {
  return (await Promise.all(FOLDERS.map(renderKustomization))).flat();
}

deployToolsTest('every object is what its schema wants, with no field that it does not know', async () => {
  const manifests = await renderAll();
  assert.deepEqual(manifests.map(({ kind }) => kind).sort(), [
    'ConfigMap',
    'DaemonSet',
    'Namespace',
    'NetworkPolicy',
    'PodMonitor',
    'ServiceAccount',
    'VMPodScrape',
  ]);
  assert.deepEqual(await schemaProblems(manifests), []);
});

deployToolsTest('the check itself finds a field that is not known, and a value that is wrong', async () => {
  const text = JSON.stringify(await renderAll())
    .replace('"readOnlyRootFilesystem"', '"readonlyRootFilesystem"')
    .replace('"failureThreshold":30', '"failureThreshold":"30"')
    .replaceAll('"scrapeTimeout"', '"scrapeTimeOut"');
  const problems = (await schemaProblems(JSON.parse(text) as Manifest[])).join('\n');
  for (const word of ['readonlyRootFilesystem', 'failureThreshold', 'scrapeTimeOut']) {
    assert.ok(problems.includes(word), `${word} is not in ${problems}`);
  }
});

deployToolsTest('its configuration is one, and what it names is mounted', async () => {
  const manifests = await renderKustomization('.');
  const { data } = manifestOf(manifests, 'ConfigMap');
  const container = onlyContainerOf(podSpecOf(manifests));
  const resolution = resolveConfig({
    argv: container.args,
    env: {},
    readFile(path) {
      assert.equal(path, '/etc/xtrace-catch/xtrace-catch.yaml');
      return Buffer.from(data?.['xtrace-catch.yaml'] ?? '');
    },
  });
  assert.ok(resolution.action === 'run');
  const { statePath, kernel, web } = resolution.config;
  const mounted = container.volumeMounts.filter(({ readOnly }) => readOnly !== true);
  for (const path of [statePath, kernel.pinPath]) {
    assert.ok(
      mounted.some(({ mountPath }) => path.startsWith(`${mountPath}/`)),
      path,
    );
  }
  const ports = container.ports.map(({ containerPort }) => containerPort);
  assert.deepEqual(
    web.listenAddress.map((target) => 'port' in target && target.port),
    ports,
  );
});

deployToolsTest('what the kubelet kills it for is no page, which logins or TLS would fail', async () => {
  const { startupProbe, livenessProbe } = onlyContainerOf(podSpecOf(await renderKustomization('.')));
  for (const probe of [startupProbe, livenessProbe]) {
    assert.equal(probe.httpGet, undefined);
    assert.deepEqual(probe.tcpSocket, { port: 'metrics' });
  }
});

deployToolsTest('the labels that one selects by are those that the other has', async () => {
  const manifests = await renderAll();
  const { spec } = manifestOf(manifests, 'DaemonSet') as {
    spec: { template: { metadata: { labels: Record<string, string> } } };
  };
  const { labels } = spec.template.metadata;
  const selectors = manifests.flatMap(({ kind, spec }) => {
    const { selector, podSelector } = (spec ?? {}) as Record<string, { matchLabels: object } | undefined>;
    const found = selector ?? podSelector;
    return found === undefined ? [] : [[kind, found.matchLabels] as const];
  });
  assert.equal(selectors.length, 4);
  for (const [kind, wanted] of selectors) assert.deepEqual({ ...labels, ...wanted }, labels, kind);
  // The job of the rules and the dashboards.
  for (const kind of ['PodMonitor', 'VMPodScrape']) {
    const { jobLabel } = manifestOf(manifests, kind).spec as { jobLabel: string };
    assert.equal(labels[jobLabel], 'xtrace-catch');
  }
});

deployToolsTest(
  'it gets three capabilities and no more, and nothing of the node but two folders',
  async () => {
    const pod = podSpecOf(await renderKustomization('.'));
    const { securityContext, image } = onlyContainerOf(pod);
    assert.deepEqual(securityContext.capabilities, { drop: ['ALL'], add: ['BPF', 'NET_ADMIN', 'PERFMON'] });
    assert.equal(securityContext.readOnlyRootFilesystem, true);
    assert.equal(securityContext.allowPrivilegeEscalation, false);
    assert.deepEqual(
      pod.volumes.flatMap(({ hostPath }) => hostPath ?? []),
      [
        { path: '/sys/fs/bpf/xtrace-catch', type: 'DirectoryOrCreate' },
        { path: '/run/xtrace-catch-pod', type: 'DirectoryOrCreate' },
      ],
    );
    assert.match(image, /:\d/, 'a version, not what is latest');
  },
);
