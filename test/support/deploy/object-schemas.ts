// SPDX-License-Identifier: Apache-2.0
// What Kubernetes' API would say of an object: values by compiled validators of its schemas, unknown fields by the
// TypeScript compiler and its types. An API server drops unknown fields, so a typing error would go unnoticed
// there. For tests only.

import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { atEnd } from '../cleanup.js';
import { start } from '../processes.js';
import { DEPLOY_TOOLS } from './deploy-tools.js';
import type { Manifest } from './manifests.js';

interface Schema {
  /** A package of .deploy-tools, and the path of the type in it. */
  readonly types: string;
  readonly validator: string;
}

const OF_KUBERNETES = (types: string, validator: string): Schema => ({
  types: `kubernetes-models/${types}`,
  validator: `kubernetes-models/_schemas/IoK8sApi${validator}`,
});

const SCHEMAS: Readonly<Record<string, Schema>> = {
  ConfigMap: OF_KUBERNETES('v1', 'CoreV1ConfigMap'),
  DaemonSet: OF_KUBERNETES('apps/v1', 'AppsV1DaemonSet'),
  Namespace: OF_KUBERNETES('v1', 'CoreV1Namespace'),
  NetworkPolicy: OF_KUBERNETES('networking.k8s.io/v1', 'NetworkingV1NetworkPolicy'),
  PodMonitor: {
    types: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1',
    validator:
      '@kubernetes-models/prometheus-operator/_schemas/ComGithubPrometheusOperatorPrometheusOperatorPkgApisMonitoringV1PodMonitor',
  },
  ServiceAccount: OF_KUBERNETES('v1', 'CoreV1ServiceAccount'),
};

/** No package has the schema of this one: the fields that are used here, as its definition has them. */
const VM_POD_SCRAPE = `
import type { IObjectMeta } from '@kubernetes-models/apimachinery/apis/meta/v1/ObjectMeta';
interface VMPodScrape {
  apiVersion: 'operator.victoriametrics.com/v1beta1';
  kind: 'VMPodScrape';
  metadata: IObjectMeta;
  spec: {
    jobLabel?: string;
    selector: { matchLabels?: Record<string, string> };
    podMetricsEndpoints: {
      port?: string; path?: string; interval?: string; scrapeTimeout?: string; scheme?: 'http' | 'https';
      tlsConfig?: { insecureSkipVerify?: boolean; serverName?: string };
      basicAuth?: { username?: { name: string; key: string }; password?: { name: string; key: string } };
      relabelConfigs?: { action?: string; sourceLabels?: string[]; targetLabel?: string; regex?: string }[];
    }[];
  };
}`;

/** Sentences; none where all is well. */
export async function schemaProblems(manifests: readonly Manifest[]): Promise<readonly string[]> {
  const ofValues = await Promise.all(manifests.map(wrongValues));
  return [...ofValues.flat(), ...(await unknownFields(manifests))];
}

interface Validator {
  (value: unknown): boolean;
  readonly errors?: readonly { readonly instancePath: string; readonly message?: string }[] | null;
}

async function wrongValues(manifest: Manifest): Promise<readonly string[]> {
  const schema = SCHEMAS[manifest.kind];
  if (schema === undefined)
    return manifest.kind === 'VMPodScrape' ? [] : [`${manifest.kind} is not known here`];
  const url = pathToFileURL(path.join(DEPLOY_TOOLS.packages, `${schema.validator}.js`)).href;
  const { validate } = (await import(url)) as { validate: Validator };
  if (validate(manifest)) return [];
  return (validate.errors ?? []).map((error) => `${manifest.kind}: ${JSON.stringify(error)}`);
}

/** By the compiler, which refuses a field in a literal that its type does not have. */
async function unknownFields(manifests: readonly Manifest[]): Promise<readonly string[]> {
  const lines = manifests.map((manifest, index) => {
    const { types } = SCHEMAS[manifest.kind] ?? {};
    const json = JSON.stringify(manifest, null, 1);
    const type = types === undefined ? 'VMPodScrape' : `import('${types}').I${manifest.kind}`;
    return `export const object${index}: ${type} = ${json};`;
  });
  const file = path.join(path.dirname(DEPLOY_TOOLS.packages), `objects-${process.pid}.mts`);
  const remove = atEnd(() => rmSync(file, { force: true }));
  writeFileSync(file, [VM_POD_SCRAPE, ...lines].join('\n'));
  const tsc = path.join(import.meta.dirname, '..', '..', '..', '..', 'node_modules', '.bin', 'tsc');
  const flags = '--noEmit --strict --skipLibCheck --ignoreConfig --module nodenext --target es2022'.split(
    ' ',
  );
  const child = start(tsc, [...flags, file]);
  const { code } = await child.exited;
  await child.stop();
  remove();
  return code === 0 ? [] : [`${child.stdout}${child.stderr}`];
}
