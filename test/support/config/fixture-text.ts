// SPDX-License-Identifier: Apache-2.0
// What the tests of the configuration share: the repository's files, and resolving with little ado.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigSources, type Resolution, resolveConfig } from '../../../src/config/resolve-config.js';
import { ConfigError, type ConfigProblem } from '../../../src/errors.js';

export const ROOT = join(import.meta.dirname, '..', '..', '..', '..');

export function readRepositoryFile(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

/** Sources with nothing but what is given; the file's text, if any, is what every path holds. */
export interface Given {
  readonly argv?: readonly string[];
  readonly env?: ConfigSources['env'];
  readonly file?: string | Uint8Array;
}

/** The name every file has in these tests. */
export const FILE = 'x.yaml';

export function resolve({ argv = [], env = {}, file }: Given): Resolution {
  return resolveConfig({
    argv: file === undefined ? argv : [...argv, `--config.file=${FILE}`],
    env,
    readFile: () => {
      if (file === undefined) throw new Error('nothing told it to read a file');
      return typeof file === 'string' ? Buffer.from(file) : file;
    },
  });
}

/** The configuration of a run or a check; anything else fails the test. */
export function resolveRun(given: Given) {
  const resolution = resolve(given);
  if (resolution.action !== 'run' && resolution.action !== 'check') {
    throw new Error(`asked for ${resolution.action}`);
  }
  return resolution.config;
}

/** The problems of sources that must have some. */
export function problemsOf(given: Given): readonly ConfigProblem[] {
  try {
    resolve(given);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('there was no problem');
}

/** The same as lines `path: message`, as a user sees them. */
export function complaintsOf(given: Given): string[] {
  return problemsOf(given).map(({ path, message }) => `${path}: ${message}`);
}
