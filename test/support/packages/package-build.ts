// SPDX-License-Identifier: Apache-2.0
// Builds the packages, and the small Debians that they are tried in. For tests only.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import path from 'node:path';
import { atEnd } from '../cleanup.js';
import { run } from '../processes.js';
import { ROOT } from '../systemd/machine.js';

/** Kept between runs; git ignores it. */
const BASES = path.join(ROOT, '.debian-bases');
const PACKAGES = path.join(ROOT, 'dist-packages');
const LIMIT_S = '1200';

export type Suite = 'bookworm' | 'trixie';

export interface BuiltPackage {
  /** Where it and its checksums are. */
  readonly folder: string;
  /** The file's name. */
  readonly file: string;
  /** What the build said of its size. */
  readonly said: string;
}

/** A folder for packages, gone at the end of the process. */
export function makePackageFolder(): string {
  mkdirSync(PACKAGES, { recursive: true });
  const folder = mkdtempSync(path.join(PACKAGES, 'test-'));
  atEnd(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Compressed quickly, or not at all: at the level of what is published it takes minutes. */
export async function buildPackage(
  kind: 'deb' | 'tarball',
  {
    arch = 'amd64',
    version,
    folder,
    level = 0,
  }: { arch?: 'amd64' | 'arm64'; version: string; folder: string; level?: 0 | 'none' },
): Promise<BuiltPackage> {
  const script = path.join(ROOT, 'scripts', `build-${kind}`);
  const { stdout } = await run('timeout', [LIMIT_S, script, arch, version, folder], {
    env: { XZ_LEVEL: String(level) },
  });
  const said = stdout.trim().split('\n').at(-1) ?? '';
  return { folder, file: path.basename(said.replace(/:.*/, '')), said };
}

/** The folder of a Debian with systemd, without compiler and Node; made where it is not kept. */
export async function debianBase(suite: Suite): Promise<string> {
  const script = path.join(ROOT, 'test', 'packages', 'make-base');
  const { stdout } = await run('timeout', [LIMIT_S, script, suite, BASES]);
  return stdout.trim();
}
