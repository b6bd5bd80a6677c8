// SPDX-License-Identifier: Apache-2.0
// Things that are no batch, to be put where the spool expects one. For tests only.

import { execFileSync } from 'node:child_process';
import { chownSync, linkSync, mkdirSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import process from 'node:process';

const isRoot = process.getuid?.() === 0;
export const ANOTHER_USER = 12_345;

export interface Stranger {
  readonly name: string;
  /** Puts it there instead of what is there. */
  put(path: string): void | Promise<void>;
  readonly fault: RegExp;
  /** Kind of the thing, of `stat -c %F`. */
  readonly kind: string;
}

function instead(put: Stranger['put']): Stranger['put'] {
  return (path) => {
    rmSync(path, { force: true });
    return put(path);
  };
}

export const STRANGERS: readonly Stranger[] = [
  {
    name: 'a FIFO',
    put: instead((path) => {
      execFileSync('mkfifo', [path]);
    }),
    fault: /^it is a FIFO$/,
    kind: 'fifo',
  },
  {
    name: 'a loop of links',
    put: instead((path) => symlinkSync(path, path)),
    fault: /^it is a link$/,
    kind: 'symbolic link',
  },
  {
    name: 'a link to a file of its size',
    put(path) {
      const elsewhere = join(dirname(path), 'elsewhere');
      linkSync(path, elsewhere);
      rmSync(path);
      symlinkSync(elsewhere, path);
    },
    fault: /^it is a link$/,
    kind: 'symbolic link',
  },
  {
    name: 'a link to a device',
    put: instead((path) => symlinkSync('/dev/zero', path)),
    fault: /^it is a link$/,
    kind: 'symbolic link',
  },
  {
    name: 'a directory',
    put: instead((path) => {
      mkdirSync(path);
      writeFileSync(join(path, 'inside'), 'kept');
    }),
    fault: /^it is a directory$/,
    kind: 'directory',
  },
  {
    name: 'a socket',
    put: instead(async (path) => {
      const server = createServer().unref();
      await new Promise<void>((resolve) => {
        server.listen(path, resolve);
      });
    }),
    fault: /^it is a socket$/,
    kind: 'socket',
  },
  {
    name: '2 GB under a name that says less',
    put: (path) => truncateSync(path, 2 ** 31),
    fault: /^it has 2147483648 bytes, its name says 140$/,
    kind: 'regular file',
  },
  {
    name: 'one byte more than the name says',
    put: (path) => truncateSync(path, 141),
    fault: /^it has 141 bytes, its name says 140$/,
    kind: 'regular file',
  },
  ...(isRoot
    ? [
        {
          name: 'a file of another user',
          put: (path: string) => chownSync(path, ANOTHER_USER, ANOTHER_USER),
          fault: /^it belongs to user 12345$/,
          kind: 'regular file',
        },
      ]
    : []),
];
