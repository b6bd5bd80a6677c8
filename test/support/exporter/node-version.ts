// SPDX-License-Identifier: Apache-2.0
// The supported Node versions, each with the npm that comes with it: npm packages that `make test`
// installs into .node-versions. For tests only.

import { existsSync, mkdirSync, renameSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { PROGRAM } from './exporter.js';

export const NODE_MAJORS = ['20', '22', '24', '26'] as const;
export type NodeMajor = (typeof NODE_MAJORS)[number];

/** The npm that comes with each. */
const NPM_OF: Readonly<Record<NodeMajor, string>> = {
  '20': 'npm-10',
  '22': 'npm-10',
  '24': 'npm-11',
  '26': 'npm-11',
};

export interface NodeVersion {
  readonly major: NodeMajor;
  /** The program. */
  readonly path: string;
  /** The folder of its package, with bin/node and include/node. */
  readonly prefix: string;
  /** The folder of the npm package that goes with it. */
  readonly npmPackage: string;
  /** A reason to skip; undefined where it is there. */
  readonly missing: string | undefined;
}

export const NODE_VERSIONS = path.resolve(path.dirname(PROGRAM), '..', '.node-versions');

/** Throws where it is missing and the tests must not be skipped. */
export function findNodeVersion(major: NodeMajor): NodeVersion {
  const prefix = path.join(NODE_VERSIONS, 'node_modules', `node-${major}`);
  const npmPackage = path.join(NODE_VERSIONS, 'node_modules', NPM_OF[major]);
  const node = path.join(prefix, 'bin', 'node');
  const missing = [node, path.join(npmPackage, 'bin', 'npm-cli.js')]
    .filter((file) => !existsSync(file))
    .map(whyMissing)[0];
  return { major, path: node, prefix, npmPackage, missing };
}

function whyMissing(file: string): string {
  if (process.arch !== 'x64') return `the packages have binaries for x64, this is ${process.arch}`;
  if (process.env['CI'] === 'true') throw new Error(`${file} is missing: run the tests by make test`);
  return `${file} is not there: make test installs it`;
}

/** An environment in which `node`, `npm` and `npx` are this version's, and nothing says where headers are. */
export function envOf(version: NodeVersion): Readonly<Record<string, string | undefined>> {
  const bin = path.join(NODE_VERSIONS, 'bin', version.major);
  mkdirSync(bin, { recursive: true });
  link(version.path, path.join(bin, 'node'));
  for (const name of ['npm', 'npx']) {
    link(path.join(version.npmPackage, 'bin', `${name}-cli.js`), path.join(bin, name));
  }
  return {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    npm_config_nodedir: undefined,
    // Neither a part of the make nor of the test run that this one is in.
    MAKEFLAGS: undefined,
    MAKELEVEL: undefined,
    NODE: undefined,
    NODE_TEST_CONTEXT: undefined,
  };
}

/** In one step, as other tests may do the same. */
function link(target: string, file: string): void {
  const temporary = `${file}.${process.pid}`;
  symlinkSync(target, temporary);
  renameSync(temporary, file);
}
