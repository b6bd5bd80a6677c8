// SPDX-License-Identifier: Apache-2.0
// The repository, copied and built by `make build` under a Node version of its own. For tests only.

import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
} from 'node:fs';
import path from 'node:path';
import { run } from '../processes.js';
import { PROGRAM } from './exporter.js';
import { envOf, type NodeVersion } from './node-version.js';

const ROOT = path.resolve(path.dirname(PROGRAM), '..');
/** Not within .node-versions: npm would find the `node` in node_modules/.bin there, and run scripts on it. */
const BUILDS = path.join(ROOT, '.node-builds');
/** Installed once per version of these, and of Node. */
const DECIDES_NODE_MODULES = ['package.json', 'package-lock.json', 'Makefile'];
const SOURCES = [
  ...DECIDES_NODE_MODULES,
  'tsconfig.json',
  'bench',
  'bin',
  'bpf',
  'config',
  'deploy',
  'scripts',
  'src',
  'test',
  'web',
];
/** clang makes them, which knows nothing of Node. */
const OBJECTS = ['flow.bpf.o', 'flow-portable.bpf.o'].map((name) => path.join('dist', 'bpf', name));
const BUILD_LIMIT_S = 900;

/**
 * Resolves with the folder of the built copy. All but node_modules and the objects for the kernel is built each time;
 * node_modules is installed from nothing, unless it was by the same lock file for the same Node.
 */
export async function buildOn(version: NodeVersion): Promise<string> {
  mkdirSync(BUILDS, { recursive: true });
  const name = `${version.major}-${digestOf(version)}`;
  const older = readdirSync(BUILDS).filter(
    (other) => other.startsWith(`${version.major}-`) && other !== name,
  );
  for (const other of older) rmSync(path.join(BUILDS, other), { recursive: true });

  const copy = path.join(BUILDS, name);
  mkdirSync(copy, { recursive: true });
  const installed = path.join('node_modules', '.installed');
  const kept = existsSync(path.join(copy, installed)) ? 'node_modules' : '';
  for (const entry of readdirSync(copy)) {
    if (entry !== kept) rmSync(path.join(copy, entry), { recursive: true });
  }
  for (const source of SOURCES) cpSync(path.join(ROOT, source), path.join(copy, source), { recursive: true });
  copyObjects(copy);
  // Newer than package.json, which was copied just now.
  if (kept !== '') utimesSync(path.join(copy, installed), new Date(), new Date());
  await run('timeout', [String(BUILD_LIMIT_S), 'make', 'build'], { cwd: copy, env: envOf(version) });
  return copy;
}

/** Where those of the repository are newer than what they are made of, so that make leaves the copies alone. */
function copyObjects(copy: string): void {
  const sources = readdirSync(path.join(ROOT, 'bpf')).map((name) => path.join('bpf', name));
  const changedMs = Math.max(
    ...[...sources, 'Makefile'].map((file) => statSync(path.join(ROOT, file)).mtimeMs),
  );
  for (const object of OBJECTS) {
    const made = statSync(path.join(ROOT, object), { throwIfNoEntry: false });
    if (made !== undefined && made.mtimeMs >= changedMs) {
      cpSync(path.join(ROOT, object), path.join(copy, object), { recursive: true });
    }
  }
}

function digestOf({ prefix, npmPackage }: NodeVersion): string {
  const hash = createHash('sha256');
  const files = DECIDES_NODE_MODULES.map((name) => path.join(ROOT, name));
  for (const file of [...files, path.join(prefix, 'package.json'), path.join(npmPackage, 'package.json')]) {
    hash.update(readFileSync(file));
  }
  return hash.digest('hex').slice(0, 12);
}
