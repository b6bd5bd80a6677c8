// SPDX-License-Identifier: Apache-2.0
// Listening and closing: the sockets' owner. What is served comes in as a request listener.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { ExporterError } from '../errors.js';
import { type ClientConnection, CONNECTION_TIMES, type ConnectionTimes } from './client-connection.js';
import { MAX_CONNECTIONS } from './connection-limit.js';
import { type CloseReason, Connections } from './connections.js';
import { type ListenAddress, urlHost } from './listen-address.js';
import type { RequestStream } from './request-stream.js';
import { isReadMethod } from './sentence.js';
import { TurnQueue } from './turn-queue.js';

export interface ListeningServer {
  /** The port that was bound, also where 0 was asked for. */
  readonly port: number;
  /** Where a user finds the landing page, without a trailing slash. */
  readonly url: string;
  /** Open now. */
  readonly connections: number;
  /**
   * Takes no more connections, lets responses under way end for as long as limitMs, then cuts what is
   * left. Resolves when no socket is open.
   */
  close(limitMs: number): Promise<void>;
}

/**
 * Connections that the kernel keeps for us until we take them. Whoever finds no room tries again after a
 * second; whoever is last in a full one waits for all before it, 0.7 s for 2,048 where each sends a
 * request and is gone (1.4 s for 4,096, on a core of 2026).
 */
const BACKLOG = 2048;
/**
 * The kernel takes twice this from a client before we read. A client that sends for ever must stop here:
 * where 64 KiB and more fit, it fills the backlog with connections that it has left already.
 */
export const RECEIVE_BUFFER_BYTES = 16 * 1024;
const MAX_HEAD_BYTES = 16 * 1024;

export interface ListenParts {
  readonly respond: RequestListener;
  /** A connection that could not be accepted; the server goes on. */
  onFault(error: unknown): void;
  /** Paces requests; nothing else does unless told. */
  readonly turns?: TurnQueue;
  /** Bounds what the kernel keeps of each connection, RECEIVE_BUFFER_BYTES; nothing does unless told. */
  limitReceiveBuffer?(fd: number, bytes: number): void;
  /** A connection was closed that its client would have kept. */
  onClosed?(reason: CloseReason): void;
}

export interface ListenOptions {
  /** MAX_CONNECTIONS unless told. */
  readonly maxConnections?: number;
  /** CONNECTION_TIMES unless told. */
  readonly times?: ConnectionTimes;
}

/** Rejects with ExporterError LISTEN: one sentence that names the address and what to do. */
export async function listen(
  address: ListenAddress,
  { respond, onFault, limitReceiveBuffer, turns = new TurnQueue(), onClosed = () => undefined }: ListenParts,
  { maxConnections = MAX_CONNECTIONS, times = CONNECTION_TIMES }: ListenOptions = {},
): Promise<ListeningServer> {
  const onStream = createRequestReader(respond, times);
  const connections = new Connections({ maxConnections, times }, { turns, onStream, onClosed });
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
    connections.admit(socket),
  );
  await new Promise<void>((resolve, reject) => {
    const refuse = (error: Error): void => reject(listenError(address, error));
    server.once('error', refuse);
    server.once('listening', () => {
      server.off('error', refuse);
      server.on('error', onFault);
      resolve();
    });
    const host = address.host === undefined ? {} : { host: address.host };
    server.listen({ port: address.port, backlog: BACKLOG, ...host });
  });
  limitReceiveBuffer?.(fdOf(server), RECEIVE_BUFFER_BYTES);
  const { port } = server.address() as AddressInfo; // listening on a port, not on a pipe
  return {
    port,
    url: `http://${urlHost(address)}:${port}`,
    get connections() {
      return connections.open;
    },
    close: (limitMs) => closeServer(server, connections, limitMs),
  };
}

/** node:net shows no file descriptor; every release that we support has it here. */
function fdOf(server: Server): number {
  const { _handle: handle } = server as unknown as { readonly _handle?: { readonly fd?: number } };
  return handle?.fd ?? -1;
}

/** An HTTP server of node that listens to no socket itself, but reads the streams that it is given. */
function createRequestReader(
  respond: RequestListener,
  times: ConnectionTimes,
): (stream: RequestStream, connection: ClientConnection) => void {
  const connections = new WeakMap<object, ClientConnection>();
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket);
    const isLast = !isReadMethod(request.method) || hasBody(request);
    if (isLast) response.setHeader('Connection', 'close');
    response.on('close', () => connection?.endAnswer());
    connection?.beginAnswer(response, isLast);
    respond(request, response);
    connection?.dropIfGone();
  };
  // The times are kept by the connections; this one is only told to clients.
  const options = { keepAliveTimeout: times.idleMs, maxHeaderSize: MAX_HEAD_BYTES };
  const server = createHttpServer(options, answer);
  // No page takes a body, so that no client needs to be asked to go on with one.
  server.on('checkContinue', answer);
  server.on('checkExpectation', answer);
  return (stream, connection) => {
    connections.set(stream, connection);
    server.emit('connection', stream);
  };
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0';
}

async function closeServer(server: Server, connections: Connections, limitMs: number): Promise<void> {
  if (!server.listening) return;
  const limit = setTimeout(() => connections.closeAll(), limitMs);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      connections.closeWhenIdle();
    });
  } finally {
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
