// SPDX-License-Identifier: Apache-2.0
// Receivers that know more than this system's: programs of later Debian releases that `make test`
// unpacks into .receivers. For tests only.

import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { PROGRAM } from '../exporter/exporter.js';

export interface LaterReceiver {
  readonly path: string;
  /** Of its package. */
  readonly version: string;
  /** A reason to skip; undefined where it is there. */
  readonly missing: string | undefined;
}

/** Throws where it is missing and the tests must not be skipped. */
export function findLaterReceiver(
  packageName: 'victoria-metrics' | 'prometheus',
  program: string,
): LaterReceiver {
  const folder = path.join(path.dirname(PROGRAM), '..', '.receivers', packageName);
  const file = path.join(folder, program);
  if (existsSync(file)) {
    const version = readFileSync(path.join(folder, 'version'), 'utf8').trim();
    return { path: file, version, missing: undefined };
  }
  if (process.env['CI'] === 'true') throw new Error(`${file} is missing: run the tests by make test`);
  return { path: file, version: '', missing: `${file} is not there: make test fetches it` };
}
