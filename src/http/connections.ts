// SPDX-License-Identifier: Apache-2.0
// All connections of clients, and how many there may be: at the limit the one that has been idle
// longest makes room for a new one. Idle is a connection without a request under way, also one that
// never sent a whole request, or has not finished its handshake.

import type { Socket } from 'node:net';
import {
  ClientConnection,
  type ClientConnectionParts,
  type ConnectionTimes,
  type CutReason,
} from './client-connection.js';
import { HandshakeQueue } from './handshake-queue.js';
import type { RequestStream } from './request-stream.js';
import { TlsHandshake, type TlsRules } from './tls-handshake.js';
import { TurnQueue } from './turn-queue.js';

/** Why the exporter closed a connection: `evicted` for room, `refused` where none was idle. */
export type CloseReason = CutReason | 'evicted' | 'refused' | 'tls_handshake';

/** More new connections than this within CROWD_WINDOW_MS are a crowd, for as long again. */
export const CROWD = 200;
const CROWD_WINDOW_MS = 1000;

export interface ConnectionsParts {
  readonly turns: TurnQueue;
  /** node:http is to read it. */
  onStream(stream: RequestStream, connection: ClientConnection): void;
  onClosed(reason: CloseReason): void;
  /** TLS as it is now; without it, no connection has any. */
  readonly tls?: (() => TlsRules) | undefined;
}

/** A connection, or one that is to become one. */
interface Admitted {
  destroy(): void;
}

export interface ConnectionsOptions {
  readonly maxConnections: number;
  readonly times: ConnectionTimes;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #parts: ConnectionsParts;
  readonly #connectionParts: ClientConnectionParts;
  readonly #reads = new TurnQueue();
  readonly #handshakes: HandshakeQueue;
  readonly #all = new Set<Admitted>();
  /** Idle longest first. */
  readonly #idle = new Set<Admitted>();
  #isClosing = false;
  /** Of the window in which #admitted came. */
  #windowEndMs = 0;
  #admitted = 0;
  #crowdedUntilMs = 0;

  constructor(options: ConnectionsOptions, parts: ConnectionsParts) {
    this.#options = options;
    this.#parts = parts;
    this.#handshakes = new HandshakeQueue({
      turns: parts.turns,
      onGivenUp: () => parts.onClosed('evicted'),
    });
    this.#connectionParts = {
      reads: this.#reads,
      turns: parts.turns,
      onStream: parts.onStream,
      onBusy: (connection) => this.#idle.delete(connection),
      onIdle: (connection) => {
        if (this.#isClosing) connection.destroy();
        else this.#idle.add(connection);
      },
      isCrowded: () => performance.now() < this.#crowdedUntilMs,
      onCut: parts.onClosed,
      onClose: (connection) => this.#remove(connection),
    };
  }

  get open(): number {
    return this.#all.size;
  }

  /** Closes the socket where every connection is busy. */
  admit(socket: Socket): void {
    this.#countAdmitted(performance.now());
    if (this.#isClosing || !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const { tls } = this.#parts;
    if (tls === undefined) this.#connect(socket);
    else this.#shakeHands(socket, tls);
  }

  #connect(socket: Socket): void {
    this.#add(new ClientConnection(socket, this.#connectionParts, this.#options.times));
  }

  #shakeHands(socket: Socket, rules: () => TlsRules): void {
    const handshake: Admitted = new TlsHandshake(
      socket,
      {
        rules,
        enterReads: (begin) => this.#reads.enter(begin),
        enterHandshakes: (begin) => {
          // Whoever waits for us is not idle; then it is us who wait.
          this.#idle.delete(handshake);
          this.#handshakes.enter(handshake, () => {
            this.#idle.add(handshake);
            begin();
          });
        },
        onDone: (secured) => {
          this.#remove(handshake);
          if (this.#isClosing) secured.destroy();
          else this.#connect(secured);
        },
        onFailed: this.#parts.onClosed,
        onClose: () => this.#remove(handshake),
      },
      this.#options.times.requestMs,
    );
    this.#add(handshake);
  }

  #add(connection: Admitted): void {
    this.#all.add(connection);
    this.#idle.add(connection);
  }

  #remove(connection: Admitted): void {
    this.#handshakes.over(connection);
    this.#all.delete(connection);
    this.#idle.delete(connection);
  }

  /** Closes the idle ones now and the others after their answers; admits none from now on. */
  closeWhenIdle(): void {
    this.#isClosing = true;
    for (const connection of this.#idle) connection.destroy();
  }

  closeAll(): void {
    for (const connection of this.#all) connection.destroy();
  }

  #countAdmitted(nowMs: number): void {
    if (nowMs >= this.#windowEndMs) {
      this.#windowEndMs = nowMs + CROWD_WINDOW_MS;
      this.#admitted = 0;
    }
    this.#admitted++;
    if (this.#admitted > CROWD) this.#crowdedUntilMs = nowMs + CROWD_WINDOW_MS;
  }

  /** False where there is none. */
  #makeRoom(): boolean {
    if (this.#all.size < this.#options.maxConnections) return true;
    const [oldest] = this.#idle;
    this.#parts.onClosed(oldest === undefined ? 'refused' : 'evicted');
    oldest?.destroy();
    return oldest !== undefined;
  }
}
