// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch unpin`, wired: what is pinned under the configured path in, sentences out.

import type { Config } from '../config/config.js';
import { ConfigError } from '../errors.js';
import { openLibc } from '../kernel/ffi.js';
import { openNetdev } from '../kernel/netdev.js';
import { type Unpinned, unpinAll } from '../kernel/pins/unpin.js';
import { listInterfaces } from '../system/interfaces.js';

/** Rejects with ConfigError where no path is given, else as unpinAll() does. */
export async function runUnpin(config: Pick<Config, 'kernel'>): Promise<string> {
  const { pinPath } = config.kernel;
  if (pinPath === '') {
    const message = 'is not set: give the path that the exporter ran with, --kernel.pin-path=PATH';
    throw new ConfigError([{ path: 'kernel.pin_path', message }]);
  }
  const unpinned = await unpinAll(pinPath);
  if (unpinned === undefined) return `nothing is pinned under ${pinPath}\n`;
  return renderUnpinned(pinPath, unpinned, interfaceNames());
}

/** By number, in the network namespace of this process. */
function interfaceNames(): ReadonlyMap<number, string> {
  const netdev = openNetdev(openLibc());
  try {
    return new Map(listInterfaces({ root: '/' }, { netdev }).map(({ index, name }) => [index, name]));
  } finally {
    netdev.close();
  }
}

export function renderUnpinned(
  path: string,
  { ifindexes, generations, pins, lost, unreadable }: Unpinned,
  names: ReadonlyMap<number, string>,
): string {
  const interfaces = ifindexes.map((ifindex) => {
    const name = names.get(ifindex);
    return name === undefined ? `ifindex ${ifindex}` : `${name} (ifindex ${ifindex})`;
  });
  return [
    interfaces.length === 0 ? 'no interface was attached' : `detached from ${interfaces.join(', ')}`,
    `removed ${pins} maps and programs of ${generations} generation${generations === 1 ? '' : 's'} from ${path}`,
    ...unreadable.map((sentence) => `what was counted and read by nobody is lost, and unknown: ${sentence}`),
    lost.packets === 0
      ? 'every packet that was counted had been read'
      : `lost: ${lost.packets} packets (${lost.bytes} bytes) that were counted and read by nobody`,
  ]
    .filter((line) => unreadable.length === 0 || !line.startsWith('every packet'))
    .map((line) => `${line}\n`)
    .join('');
}
