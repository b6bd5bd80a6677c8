// SPDX-License-Identifier: Apache-2.0
// What is in a package, and what a system has of it. For tests only.

import { run } from '../processes.js';
import type { Machine } from '../systemd/machine.js';

/** Of no use to a running program, or where there is no clone. */
export const UNWANTED_FILE =
  /\.(map|ts|mts|cts|c|cc|cpp|h|hpp|gyp|gypi|mk|o\.d)$|\/(libffi|deps|node_gyp_bins|obj\.target)\/|\/node_modules\/(.*\/)?(typescript|node-addon-api|@types)\/|\/node_modules\/(@[^/]+\/)?[^/]+\/(test|tests|docs|examples?)\/|\/compose\.yaml$/;

export interface PackageFacts {
  /** Without folders, as `usr/bin/xtrace-catch`. */
  readonly files: readonly string[];
  readonly fields: ReadonlyMap<string, string>;
  readonly conffiles: readonly string[];
}

export async function readPackage(file: string): Promise<PackageFacts> {
  const { stdout: listed } = await run('sh', ['-c', 'dpkg-deb --fsys-tarfile "$0" | tar --list', file]);
  const { stdout: fields } = await run('dpkg-deb', ['--field', file]);
  const { stdout: conffiles } = await run('dpkg-deb', ['--info', file, 'conffiles']);
  return {
    files: listed
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('/'))
      .map((line) => line.replace(/^\.\//, '')),
    fields: new Map(
      [...fields.matchAll(/^([\w-]+): (.*)$/gm)].map(([, name = '', value = '']) => [name, value]),
    ),
    conffiles: conffiles.trim().split('\n'),
  };
}

/** What systemd, apt and dpkg keep for themselves, whoever is installed. */
const KEPT_BY_OTHERS = [
  '/run/lock',
  '/run/private',
  '/run/systemd',
  '/run/log',
  '/tmp',
  '/var/tmp',
  '/var/cache',
  '/var/lib/apt',
  '/var/lib/dpkg',
  '/var/lib/systemd/timers',
  '/var/log',
];

/** Every path of its file systems, but for /run/private itself and what others keep. */
export async function listFiles(machine: Machine): Promise<string[]> {
  const pruned = KEPT_BY_OTHERS.flatMap((folder) => ['-path', folder, '-o']).slice(0, -1);
  const inPrivate = await machine.exec('find', '/run/private', '-mindepth', '1');
  const listed = await machine.run(
    'find',
    '/',
    '/run',
    '-xdev',
    '(',
    ...pruned,
    ')',
    '-prune',
    '-o',
    '-print',
  );
  return [...listed.split('\n'), ...inPrivate.stdout.split('\n')].filter((line) => line !== '');
}
