// SPDX-License-Identifier: Apache-2.0
// Opens one socket to listen on, and says in one sentence why it cannot.

import { connect, type Server } from 'node:net';
import { ExporterError } from '../errors.js';
import { addressText, type ListenAddress, type TcpAddress, urlHost } from './listen-address.js';

/**
 * Connections that the kernel keeps for us until we take them. Whoever finds no room tries again after a
 * second; whoever is last in a full one waits for all before it, 0.7 s for 2,048 where each sends a
 * request and is gone (1.4 s for 4,096, on a core of 2026).
 */
const BACKLOG = 2048;

/** Of the file system, for sockets in it. */
export interface SocketFiles {
  /** A socket: one that may be left from a process that ended without removing it. */
  kindOf(path: string): 'none' | 'socket' | 'other';
  remove(path: string): void;
}

/** Rejects with ExporterError LISTEN: one sentence that names the address and what to do. */
export async function openListeningSocket(
  server: Server,
  address: ListenAddress,
  files: SocketFiles | undefined,
): Promise<void> {
  try {
    await listenOn(server, address);
  } catch (error) {
    const isLeft = 'path' in address && errorCodeOf(error) === 'EADDRINUSE' && (await isUnused(address.path));
    if (!isLeft || files?.kindOf(address.path) !== 'socket') throw listenError(address, error, files);
    files.remove(address.path);
    try {
      await listenOn(server, address);
    } catch (again) {
      throw listenError(address, again, files);
    }
  }
}

function listenOn(server: Server, address: ListenAddress): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const succeed = (): void => {
      server.off('error', refuse);
      resolve();
    };
    const refuse = (error: Error): void => {
      server.off('listening', succeed);
      reject(error);
    };
    server.once('error', refuse);
    server.once('listening', succeed);
    try {
      server.listen({ ...placeOf(address), backlog: BACKLOG });
    } catch (error) {
      server.off('error', refuse);
      refuse(error as Error); // node:net throws nothing else
    }
  });
}

function placeOf(
  address: ListenAddress,
): { path: string } | { fd: number } | { host?: string; port: number } {
  if ('path' in address) return { path: address.path };
  if ('fd' in address) return { fd: address.fd };
  return { port: address.port, ...(address.host === undefined ? {} : { host: address.host }) };
}

/** Nobody listens on it. */
function isUnused(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(false);
    });
    probe.once('error', (error) => resolve(errorCodeOf(error) === 'ECONNREFUSED'));
  });
}

/**
 * Where a user finds the landing page, without a trailing slash. Of a socket in the file system as nginx and
 * others write it: `http://unix:/run/x.sock:`.
 */
export function urlOf(server: Server, address: ListenAddress, scheme: string): string {
  const bound = server.address();
  if (typeof bound !== 'object' || bound === null) return `${scheme}://unix:${bound ?? ''}:`;
  const host = 'port' in address ? address.host : bound.address;
  return `${scheme}://${urlHost({ host })}:${bound.port}`;
}

function errorCodeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

function listenError(address: ListenAddress, error: unknown, files: SocketFiles | undefined): ExporterError {
  const cause = error as NodeJS.ErrnoException; // node:net throws nothing else
  const why =
    'path' in address
      ? whyNotUnix(address.path, cause, files)
      : 'fd' in address
        ? `it is no socket that listens for connections (${cause.code ?? cause.message}); check the .socket unit: ListenStream= with Accept=no`
        : whyNotTcp(address, cause);
  return new ExporterError('LISTEN', `cannot listen on ${addressText(address)}: ${why}`, { cause: error });
}

function whyNotUnix(path: string, error: NodeJS.ErrnoException, files: SocketFiles | undefined): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return files?.kindOf(path) === 'socket'
        ? 'another process listens there; stop it (ss -lxp shows it) or choose another path with --web.listen-address'
        : 'there is a file that is no socket; remove it, or choose another path with --web.listen-address';
    case 'EACCES':
    case 'EPERM':
      return 'no permission to make a socket there; choose a folder that this process may write to; under systemd have xtrace-catch.socket make it (ListenStream=/run/NAME.sock, SocketGroup=) and use --web.systemd-socket';
    case 'ENOENT':
      return 'there is no such folder; make it, or choose another path with --web.listen-address';
    default:
      return `${error.message}; check --web.listen-address`;
  }
}

function whyNotTcp({ host, port }: TcpAddress, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `port ${port} is in use by another process; stop it (ss -ltnp shows it) or choose another with --web.listen-address`;
    case 'EACCES':
      return `no permission for port ${port}; choose one above 1023 with --web.listen-address, or give the process CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `this host has no address ${host ?? ''}; choose one of its own with --web.listen-address, or :${port} for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the name ${host ?? ''} has no address; check --web.listen-address`;
    default:
      return `${error.message}; check --web.listen-address`;
  }
}
