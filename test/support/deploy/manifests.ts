// SPDX-License-Identifier: Apache-2.0
// The files of deploy/kubernetes as kubectl renders them, and those of the Helm chart. For tests only.

import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import { run } from '../processes.js';
import { DEPLOY_TOOLS } from './deploy-tools.js';

export const DEPLOY = path.join(import.meta.dirname, '..', '..', '..', '..', 'deploy');
export const CHART = path.join(DEPLOY, 'helm', 'xtrace-catch');

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly data?: Readonly<Record<string, string>>;
  readonly spec?: unknown;
}

export interface Probe {
  readonly httpGet?: {
    readonly path: string;
    readonly port: string;
    readonly scheme?: string;
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: string };
}

export interface PodContainer {
  readonly image: string;
  readonly args: readonly string[];
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: {
    readonly allowPrivilegeEscalation: boolean;
    readonly readOnlyRootFilesystem: boolean;
    readonly capabilities: { readonly drop: readonly string[]; readonly add: readonly string[] };
  };
  readonly resources: { readonly limits: { readonly memory: string } };
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly volumeMounts: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly readOnly?: boolean;
  }[];
}

export interface PodSpec {
  readonly containers: readonly PodContainer[];
  readonly volumes: readonly {
    readonly name: string;
    readonly hostPath?: { readonly path: string; readonly type: string };
    readonly configMap?: { readonly name: string };
  }[];
}

/** @param folder below deploy/kubernetes */
export async function renderKustomization(folder: string): Promise<readonly Manifest[]> {
  const target = path.join(DEPLOY, 'kubernetes', folder);
  return manifestsOf((await run(DEPLOY_TOOLS.kubectl, ['kustomize', target])).stdout);
}

export async function renderChart(...flags: readonly string[]): Promise<readonly Manifest[]> {
  const args = ['template', 'xtrace-catch', CHART, '--namespace=xtrace-catch', ...flags];
  return manifestsOf((await run(DEPLOY_TOOLS.helm, args)).stdout);
}

export function manifestsOf(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.join('\n'));
    return document.toJS() as Manifest;
  });
}

/** Throws where there is not exactly one. */
export function manifestOf(manifests: readonly Manifest[], kind: string): Manifest {
  const [first, ...others] = manifests.filter((one) => one.kind === kind);
  if (first === undefined || others.length > 0) throw new Error(`${others.length + 1} ${kind}, or none`);
  return first;
}

/** Of the DaemonSet. */
export function podSpecOf(manifests: readonly Manifest[]): PodSpec {
  const { spec } = manifestOf(manifests, 'DaemonSet') as { spec: { template: { spec: PodSpec } } };
  return spec.template.spec;
}

export function onlyContainerOf(pod: PodSpec): PodContainer {
  const [container, ...others] = pod.containers;
  if (container === undefined || others.length > 0) throw new Error('not one container');
  return container;
}

/** `512Mi` -> bytes. */
export function parseQuantity(text: string): number {
  const [, number = '', unit] = /^(\d+)(Ki|Mi|Gi)$/.exec(text) ?? [];
  const power = ['Ki', 'Mi', 'Gi'].indexOf(unit ?? '') + 1;
  if (power === 0) throw new Error(`${text} is no amount of memory`);
  return Number(number) * 1024 ** power;
}
