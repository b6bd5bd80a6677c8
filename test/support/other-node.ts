// SPDX-License-Identifier: Apache-2.0
// Node versions that are not this machine's: binaries of npm packages that `make test` installs into
// .node-versions. For tests only.

import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { PROGRAM } from './exporter.js';

export interface OtherNode {
  readonly path: string;
  /** A reason to skip; undefined where it is there. */
  readonly missing: string | undefined;
}

/** Throws where it is missing and the tests must not be skipped. */
export function findOtherNode(major: '22' | '24'): OtherNode {
  const root = path.resolve(path.dirname(PROGRAM), '..');
  const node = path.join(root, '.node-versions', 'node_modules', `node-${major}`, 'bin', 'node');
  return { path: node, missing: existsSync(node) ? undefined : whyMissing(node) };
}

function whyMissing(node: string): string {
  if (process.arch !== 'x64') return `the packages have binaries for x64, this is ${process.arch}`;
  if (process.env['CI'] === 'true') throw new Error(`${node} is missing: run the tests by make test`);
  return `${node} is not there: make test installs it`;
}
