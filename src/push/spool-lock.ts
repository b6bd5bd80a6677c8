// SPDX-License-Identifier: Apache-2.0
// One exporter a spool. The lock is a listening socket in the folder: it works between containers,
// the kernel drops it however its owner dies, and what is left of it refuses connections. (Node has
// no flock(); a file with a process id says nothing in another container.)

import { constants, type FileHandle, lstat, open, rename, unlink } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { ExporterError } from '../errors.js';
import { errorCode, fileKindOf } from '../system/regular-file.js';
import { findFreeName, setAside } from './set-aside.js';

export interface SpoolLock {
  /** A sentence for each thing that stood in its place and was no socket. */
  readonly setAside: readonly string[];
  release(): Promise<void>;
}

const LOCK_NAME = 'lock';
/** The second try follows the removal of a dead lock; a third means that others are at it, too. */
const ATTEMPTS = 3;

/** Rejects with ExporterError SPOOL when another process holds the folder. */
export async function lockSpool(path: string): Promise<SpoolLock> {
  const folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  const moved: string[] = [];
  // A socket's path has at most 107 bytes; this one is short whatever the folder's.
  const short = (name: string): string => `/proc/self/fd/${folder.fd}/${name}`;
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const server = await listenAt(short(LOCK_NAME));
      if (server !== undefined) return { setAside: moved, release: () => release(server, folder) };
      moved.push(...(await moveNonSocket(path)));
      await removeDeadLock(path, short);
    }
    throw held(path);
  } catch (error) {
    await folder.close();
    throw error;
  }
}

function held(path: string): ExporterError {
  return new ExporterError(
    'SPOOL',
    `push.spool_path ${path} is in use by another exporter; give each its own folder`,
  );
}

/** undefined when there is something already. */
function listenAt(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((connection) => connection.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

/** Only a socket can be a lock: a link to one elsewhere would be the lock of somebody else. */
async function moveNonSocket(path: string): Promise<string[]> {
  try {
    const kind = fileKindOf(await lstat(join(path, LOCK_NAME)));
    if (kind === 'a socket') return [];
    return [`${LOCK_NAME}: it is ${kind}; it is now ${await setAside(path, LOCK_NAME)}`];
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return []; // another was faster
    throw error;
  }
}

/** Moved away first: of several that find it dead, one has it, and sees if it was not. */
async function removeDeadLock(path: string, short: (name: string) => string): Promise<void> {
  if (await isAlive(short(LOCK_NAME))) throw held(path);
  const aside = await findFreeName(path, `${LOCK_NAME}-${process.pid}`);
  try {
    await rename(join(path, LOCK_NAME), join(path, aside));
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return; // another was faster
    throw error;
  }
  if (await isAlive(short(aside))) {
    await rename(join(path, aside), join(path, LOCK_NAME));
    throw held(path);
  }
  await unlink(join(path, aside));
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect({ path });
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', (error: NodeJS.ErrnoException) => {
      // Refused: nobody listens any more. A full queue or a lack of permission is an answer of the living.
      resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT' && error.code !== 'ENOTSOCK');
    });
  });
}

/** Closing the server removes the socket, by the folder's short path: so the folder goes after it. */
async function release(server: Server, folder: FileHandle): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  await folder.close();
}
