// SPDX-License-Identifier: Apache-2.0
// deploy/compose as docker compose reads it, and its services run without containers: the programs that the images
// have, with the very flags and files. For tests only.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { parse } from 'yaml';
import type { Namespace } from '../kernel/namespace.js';
import { type Child, run } from '../processes.js';
import { temporaryFolder } from '../temporary-folder.js';
import { DEPLOY_TOOLS } from './deploy-tools.js';
import { DEPLOY } from './manifests.js';

export const COMPOSE_FOLDER = path.join(DEPLOY, 'compose');

export interface ComposeService {
  readonly image: string;
  readonly command?: readonly string[] | null;
  readonly cap_add?: readonly string[];
  readonly cap_drop?: readonly string[];
  readonly read_only?: boolean;
  readonly mem_limit?: string;
  readonly restart?: string;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly ports?: readonly { readonly host_ip?: string; readonly target: number }[];
  readonly extra_hosts?: readonly string[];
  readonly volumes: readonly {
    readonly type: 'bind' | 'volume';
    readonly source: string;
    readonly target: string;
  }[];
}

/** Rejects, with what it says, where docker compose does not take the file. */
export async function readComposeFile(): Promise<Readonly<Record<string, ComposeService>>> {
  const file = path.join(COMPOSE_FOLDER, 'compose.yaml');
  const { stdout } = await run(DEPLOY_TOOLS.compose, ['-f', file, 'config', '--format=json']);
  return (JSON.parse(stdout) as { services: Record<string, ComposeService> }).services;
}

export function readComposeYaml(file: string): unknown {
  return parse(readFileSync(path.join(COMPOSE_FOLDER, file), 'utf8'));
}

/** Starts a service's program where all services have the loopback's address; its volumes go with the test. */
export function startService(
  t: TestContext,
  { namespace, service, program, names, flags = [] }: ServiceRun,
): Child {
  const folder = temporaryFolder('xtrace-service-');
  const hosts = path.join(folder, 'hosts');
  writeFileSync(hosts, names.map((name) => `127.0.0.1 ${name}\n`).join(''));
  const args = (service.command ?? []).map((argument) =>
    service.volumes.reduce((text, { type, source, target }) => {
      const here = type === 'bind' ? source : path.join(folder, source);
      if (type === 'volume') mkdirSync(here, { recursive: true });
      return text.replace(target, here);
    }, argument),
  );
  const script = 'mount --bind "$0" /etc/hosts && exec "$@"';
  const child = namespace.start('unshare', [
    '--mount',
    'sh',
    '-c',
    script,
    hosts,
    program,
    ...args,
    ...flags,
  ]);
  t.after(() => child.stop());
  return child;
}

export interface ServiceRun {
  readonly namespace: Namespace;
  readonly service: ComposeService;
  /** What its image starts. */
  readonly program: string;
  /** Of all services. */
  readonly names: readonly string[];
  /** After its own. */
  readonly flags?: readonly string[];
}
