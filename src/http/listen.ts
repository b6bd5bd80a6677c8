// SPDX-License-Identifier: Apache-2.0
// Listening and closing: the sockets' owner. What is served comes in as a request listener.

import {
  createServer as createHttpServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { type ClientConnection, CONNECTION_TIMES, type ConnectionTimes } from './client-connection.js';
import { MAX_CONNECTIONS } from './connection-limit.js';
import { type CloseReason, Connections } from './connections.js';
import type { ListenAddress } from './listen-address.js';
import { openListeningSocket, type SocketFiles, urlOf } from './listening-socket.js';
import type { RequestStream } from './request-stream.js';
import { isReadMethod } from './sentence.js';
import type { TlsRules } from './tls-handshake.js';
import { TurnQueue } from './turn-queue.js';

export interface ListeningServer {
  /** The first port that was bound, also where 0 was asked for; 0 where no address has one. */
  readonly port: number;
  /** Where a user finds the landing page, without a trailing slash; the first address. */
  readonly url: string;
  /** The same of all addresses. */
  readonly urls: readonly string[];
  /** Open now. */
  readonly connections: number;
  /** The most that may be open. */
  readonly maxConnections: number;
  /**
   * Takes no more connections, lets responses under way end for as long as limitMs, then cuts what is
   * left. Resolves when no socket is open.
   */
  close(limitMs: number): Promise<void>;
}

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
  /** TLS as it is now, for all connections; without it, none has any. */
  readonly tls?: (() => TlsRules) | undefined;
  /** For sockets in the file system: without it, one that was left there is not removed. */
  readonly files?: SocketFiles;
}

export interface ListenOptions {
  /** MAX_CONNECTIONS unless told. */
  readonly maxConnections?: number;
  /** CONNECTION_TIMES unless told. */
  readonly times?: ConnectionTimes;
}

/** Rejects with ExporterError LISTEN, and then listens on none: one sentence that names the address and what to do. */
export async function listen(
  addresses: readonly ListenAddress[],
  {
    respond,
    onFault,
    limitReceiveBuffer,
    tls,
    files,
    turns = new TurnQueue(),
    onClosed = () => undefined,
  }: ListenParts,
  { maxConnections = MAX_CONNECTIONS, times = CONNECTION_TIMES }: ListenOptions = {},
): Promise<ListeningServer> {
  const onStream = createRequestReader(respond, times);
  const connections = new Connections({ maxConnections, times }, { turns, onStream, onClosed, tls });
  const servers: Server[] = [];
  const close = async (limitMs: number): Promise<void> => closeServers(servers, connections, limitMs);
  const urls: string[] = [];
  for (const address of addresses) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }, (socket) =>
      connections.admit(socket),
    );
    try {
      await openListeningSocket(server, address, files);
    } catch (error) {
      await close(0);
      throw error;
    }
    servers.push(server);
    server.on('error', onFault);
    limitReceiveBuffer?.(fdOf(server), RECEIVE_BUFFER_BYTES);
    urls.push(urlOf(server, address, tls === undefined ? 'http' : 'https'));
  }
  return {
    port: servers.map(portOf).find((port) => port > 0) ?? 0,
    url: urls[0] ?? '',
    urls,
    get connections() {
      return connections.open;
    },
    maxConnections,
    close,
  };
}

/** 0 where it has none, as sockets in the file system. */
function portOf(server: Server): number {
  return (server.address() as Partial<AddressInfo> | null)?.port ?? 0;
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

async function closeServers(
  servers: readonly Server[],
  connections: Connections,
  limitMs: number,
): Promise<void> {
  const limit = setTimeout(() => connections.closeAll(), limitMs);
  try {
    const closed = servers
      .filter((server) => server.listening)
      .map((server) => new Promise<void>((resolve) => server.close(() => resolve())));
    connections.closeWhenIdle();
    await Promise.all(closed);
  } finally {
    clearTimeout(limit);
  }
}
