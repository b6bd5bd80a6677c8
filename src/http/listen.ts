// SPDX-License-Identifier: Apache-2.0
// Listening and closing: the sockets' owner. What is served comes in as a request listener.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { ExporterError } from '../errors.js';
import { type ListenAddress, urlHost } from './listen-address.js';

export interface ListeningServer {
  /** The port that was bound, also where 0 was asked for. */
  readonly port: number;
  /** Where a user finds the landing page, without a trailing slash. */
  readonly url: string;
  /**
   * Takes no more connections, lets responses under way end for as long as limitMs, then cuts what is
   * left. Resolves when no socket is open.
   */
  close(limitMs: number): Promise<void>;
}

/** Above Prometheus' idle timeout of 5 minutes: who reuses a connection must not meet its end. */
const KEEP_ALIVE_MS = 310_000;
/** A request is a few lines; whoever needs longer to send one is no scraper. */
const REQUEST_MS = 10_000;
const MAX_CONNECTIONS = 512;
const CLOSE_POLL_MS = 20;

export interface ListenParts {
  readonly respond: RequestListener;
  /** A connection that could not be accepted (EMFILE); the server goes on. */
  onFault(error: unknown): void;
}

/** Rejects with ExporterError LISTEN: one sentence that names the address and what to do. */
export async function listen(
  address: ListenAddress,
  { respond, onFault }: ListenParts,
): Promise<ListeningServer> {
  const server = createServer(
    { keepAliveTimeout: KEEP_ALIVE_MS, headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS },
    respond,
  );
  server.maxConnections = MAX_CONNECTIONS;
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error): void => reject(listenError(address, error));
    server.once('error', refuse);
    server.once('listening', () => {
      server.off('error', refuse);
      server.on('error', onFault);
      resolve();
    });
    server.listen({ port: address.port, ...(address.host === undefined ? {} : { host: address.host }) });
  });
  const { port } = server.address() as AddressInfo; // listening on a port, not on a pipe
  return {
    port,
    url: `http://${urlHost(address)}:${port}`,
    close: (limitMs) => closeServer(server, limitMs),
  };
}

/** server.close() alone waits for keep-alive connections, which a scraper holds for minutes. */
async function closeServer(server: Server, limitMs: number): Promise<void> {
  if (!server.listening) return;
  const poll = setInterval(() => server.closeIdleConnections(), CLOSE_POLL_MS);
  const limit = setTimeout(() => server.closeAllConnections(), limitMs);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(poll);
    clearTimeout(limit);
  }
}

function listenError(address: ListenAddress, error: NodeJS.ErrnoException): ExporterError {
  const where = `${address.host === undefined ? '' : address.host.includes(':') ? `[${address.host}]` : address.host}:${address.port}`;
  const why = sentenceOf(where, address, error);
  return new ExporterError('LISTEN', why, { cause: error });
}

function sentenceOf(where: string, address: ListenAddress, error: NodeJS.ErrnoException): string {
  switch (error.code) {
    case 'EADDRINUSE':
      return `cannot listen on ${where}: port ${address.port} is in use by another process; stop it (ss -ltnp shows it) or choose another with --web.listen-address`;
    case 'EACCES':
      return `cannot listen on ${where}: no permission for port ${address.port}; choose one above 1023 with --web.listen-address, or give the process CAP_NET_BIND_SERVICE`;
    case 'EADDRNOTAVAIL':
      return `cannot listen on ${where}: this host has no address ${address.host ?? ''}; choose one of its own with --web.listen-address, or :${address.port} for all`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `cannot listen on ${where}: the name ${address.host ?? ''} has no address; check --web.listen-address`;
    default:
      return `cannot listen on ${where}: ${error.message}; check --web.listen-address`;
  }
}
