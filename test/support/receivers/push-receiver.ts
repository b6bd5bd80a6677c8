// SPDX-License-Identifier: Apache-2.0
// A receiver of pushes on a port of its own, which decodes what it is sent and answers as it is
// told. For tests only.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import * as zlib from 'node:zlib';
import { uncompressSync } from 'snappy';
import { decodeRequestV2, decodeWriteRequest, type ReceivedSeries } from './remote-write-protos.js';

export interface ReceivedPush {
  readonly method: string;
  /** With the query. */
  readonly path: string;
  /** Names in lower case. */
  readonly headers: IncomingMessage['headers'];
  /** Names and values as they were sent, in turn. */
  readonly rawHeaders: readonly string[];
  /** As it was sent. */
  readonly body: Buffer;
  /** Monotonic milliseconds of the end of the request. */
  readonly atMs: number;
  /** Counts the connections of the receiver from 1. */
  readonly connection: number;
}

/** How to answer. Nothing said: 204. */
export interface Reply {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** `never`: takes the request and does not answer; `reset`: closes; `half`: closes within the answer. */
  readonly fault?: 'never' | 'reset' | 'half';
  /** Raw bytes instead of an answer in HTTP. */
  readonly raw?: string;
}

export interface PushReceiverOptions {
  /** 0: any free one. */
  readonly port?: number;
  readonly tls?: ServerOptions;
  /** Called with each whole request and how many came before it. */
  reply?(push: ReceivedPush, index: number): Reply | Promise<Reply>;
}

export class PushReceiver {
  readonly pushes: ReceivedPush[] = [];
  readonly #options: PushReceiverOptions;
  readonly #server: Server;
  readonly #sockets = new Map<Socket, number>();
  #connections = 0;

  private constructor(options: PushReceiverOptions) {
    this.#options = options;
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      this.#receive(request, response);
    };
    this.#server =
      options.tls === undefined ? createServer(listener) : createTlsServer(options.tls, listener);
    this.#server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
      this.#sockets.set(socket, ++this.#connections);
      socket.on('close', () => this.#sockets.delete(socket));
      socket.on('error', () => undefined); // a sender may go whenever it likes
    });
  }

  static async start(options: PushReceiverOptions = {}): Promise<PushReceiver> {
    const receiver = new PushReceiver(options);
    await new Promise<void>((resolve, reject) => {
      receiver.#server.once('error', reject);
      receiver.#server.listen(options.port ?? 0, '127.0.0.1', resolve);
    });
    return receiver;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get connections(): number {
    return this.#connections;
  }

  url(path = '/api/v1/write', host = '127.0.0.1'): string {
    return `http${this.#options.tls === undefined ? '' : 's'}://${host}:${this.port}${path}`;
  }

  /** Closes kept connections, as a receiver does that finds them idle for too long. */
  closeConnections(): void {
    for (const socket of this.#sockets.keys()) socket.destroy();
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.closeConnections();
    await closed;
  }

  #receive(request: IncomingMessage, response: ServerResponse): void {
    const chunks: Buffer[] = [];
    request.on('error', () => undefined);
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const push: ReceivedPush = {
        method: request.method ?? '',
        path: request.url ?? '',
        headers: request.headers,
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks),
        atMs: performance.now(),
        connection: this.#sockets.get(request.socket) ?? 0,
      };
      const index = this.pushes.push(push) - 1;
      Promise.resolve(this.#options.reply?.(push, index) ?? {}).then(
        (reply) => answer(response, reply),
        () => response.destroy(),
      );
    });
  }
}

function answer(response: ServerResponse, reply: Reply): void {
  if (reply.fault === 'never') return;
  if (reply.fault === 'reset') {
    response.socket?.resetAndDestroy();
    return;
  }
  if (reply.raw !== undefined) {
    response.socket?.end(reply.raw);
    return;
  }
  const status = reply.status ?? 204;
  if (reply.fault === 'half') {
    response.writeHead(status, { 'Content-Length': '1000', ...reply.headers });
    response.write('half of', () => response.socket?.resetAndDestroy());
    return;
  }
  response.writeHead(status, reply.headers);
  response.end(reply.body ?? '');
}

/** The body as it was before compression. */
export function decompress(push: ReceivedPush): Buffer {
  switch (push.headers['content-encoding']) {
    case 'snappy':
      return Buffer.from(uncompressSync(push.body, { asBuffer: true }));
    case 'gzip':
      return zlib.gunzipSync(push.body);
    case 'zstd':
      return (Reflect.get(zlib, 'zstdDecompressSync') as typeof zlib.gunzipSync)(push.body);
    default:
      throw new Error(`no encoding we know: ${push.headers['content-encoding']}`);
  }
}

/** The series of a push of remote write, by its content type, as a receiver reads it. */
export function decodeSeries(push: ReceivedPush): readonly ReceivedSeries[] {
  const body = decompress(push);
  return push.headers['content-type']?.includes('io.prometheus.write.v2.Request')
    ? decodeRequestV2(body).series
    : decodeWriteRequest(body);
}

/** The answer of a receiver of 2.0 that has written so many samples. */
export function written(samples: number, status = 204): Reply {
  return {
    status,
    headers: {
      'X-Prometheus-Remote-Write-Samples-Written': String(samples),
      'X-Prometheus-Remote-Write-Histograms-Written': '0',
      'X-Prometheus-Remote-Write-Exemplars-Written': '0',
    },
  };
}
