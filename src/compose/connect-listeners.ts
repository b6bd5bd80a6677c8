// SPDX-License-Identifier: Apache-2.0
// Where the pages are served and by which rules, wired: addresses or systemd's sockets, TLS, logins.

import { lstatSync, unlinkSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { resolve } from 'node:path';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import { ConfigError, type ConfigProblem, ExporterError } from '../errors.js';
import { connectionLimit, MAX_CONNECTIONS } from '../http/connection-limit.js';
import { ConnectionLog } from '../http/connection-log.js';
import { createGuard, type Guard } from '../http/guard.js';
import { type ListeningServer, listen } from '../http/listen.js';
import type { ListenAddress } from '../http/listen-address.js';
import type { SocketFiles } from '../http/listening-socket.js';
import { passedSockets } from '../http/passed-sockets.js';
import type { TlsRules } from '../http/tls-handshake.js';
import type { TurnQueue } from '../http/turn-queue.js';
import type { Libc } from '../kernel/ffi.js';
import { limitReceiveBuffer } from '../kernel/receive-buffer.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { readOpenFileLimit } from '../system/open-file-limit.js';
import { countOpenFds } from './feed-self-metrics.js';

/** What a web configuration file asks for. */
export interface WebRulesLine {
  readonly guard: Guard;
  /** The rules in force; another object when they are others. */
  readonly current: object;
  /** Undefined: no TLS. */
  readonly tls: (() => TlsRules) | undefined;
  /** Goes by the file as it is now, or tells why it does not; never rejects. */
  lookNow(): Promise<readonly ConfigProblem[]>;
  stop(): void;
}

/** undefined where there is no such file. Rejects with ConfigError. */
export async function connectWebFile(
  { web }: Config,
  parts: { readonly log: Logger; readonly clock: Clock },
): Promise<WebRulesLine | undefined> {
  if (web.configFile === '') return undefined;
  // Loaded for those alone who have such a file: bcrypt is a native addon.
  const [{ WebFileFollower }, { PasswordCheck }] = await Promise.all([
    import('../web-config/web-file-follower.js'),
    import('../http/password-check.js'),
  ]);
  const follower = new WebFileFollower(resolve(web.configFile), parts);
  await follower.loadFirst();
  const first = follower.current.tls;
  return {
    guard: createGuard({
      rules: () => follower.current,
      nowMs: () => parts.clock.nowMs(),
      passwords: new PasswordCheck({ schedule: parts.clock.schedule }),
    }),
    get current() {
      return follower.current;
    },
    // The follower never goes from TLS to none.
    tls: first === undefined ? undefined : () => follower.current.tls ?? first,
    lookNow: () => follower.lookNow(),
    stop: () => follower.stop(),
  };
}

/** Whether the file, if there is one, can be served by. Rejects with ConfigError. */
export async function checkWebFile({ web }: Config): Promise<void> {
  if (web.configFile === '') return;
  const { readWebFile } = await import('../web-config/read-web-file.js');
  const { result } = await readWebFile(resolve(web.configFile));
  if ('problems' in result) throw new ConfigError(result.problems);
}

const SOCKET_FILES: SocketFiles = {
  kindOf(path) {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats === undefined ? 'none' : stats.isSocket() ? 'socket' : 'other';
  },
  remove: (path) => unlinkSync(path),
};

/** Rejects with ExporterError LISTEN. */
export async function connectListeners(
  { web }: Config,
  parts: {
    readonly respond: RequestListener;
    readonly tls: WebRulesLine['tls'];
    /** Paces requests. */
    readonly turns: TurnQueue;
    readonly selfMetrics: SelfMetrics;
    readonly libc: Libc;
    readonly log: Logger;
  },
): Promise<ListeningServer> {
  const { selfMetrics, log } = parts;
  const maxConnections = chooseConnectionLimit(log);
  const connectionLog = new ConnectionLog(maxConnections, { log, nowMs: () => performance.now() });
  const server = await listen(
    addressesOf(web),
    {
      respond: parts.respond,
      tls: parts.tls,
      files: SOCKET_FILES,
      turns: parts.turns,
      limitReceiveBuffer(fd, bytes) {
        try {
          limitReceiveBuffer(parts.libc, fd, bytes);
        } catch (error) {
          log.warn(
            { err: error },
            "a socket's receive buffer stays unlimited: a client that floods may delay others",
          );
        }
      },
      onClosed(reason) {
        selfMetrics.recordHttpConnectionClosed(reason);
        connectionLog.closed(reason);
      },
      onFault: (error) => connectionLog.notAccepted(error),
    },
    { maxConnections },
  );
  selfMetrics.setHttpConnections({ limit: maxConnections, readOpen: () => server.connections });
  return server;
}

function addressesOf(web: Config['web']): readonly ListenAddress[] {
  if (!web.systemdSocket) return web.listenAddress;
  const sockets = passedSockets(process.env, process.pid);
  if ('problem' in sockets) throw new ExporterError('LISTEN', sockets.problem);
  return sockets;
}

function chooseConnectionLimit(log: Logger): number {
  const files = readOpenFileLimit({ root: '/' });
  const fileLimit = typeof files === 'number' ? files : undefined;
  const limit = connectionLimit(countOpenFds() ?? 0, fileLimit);
  if (limit < MAX_CONNECTIONS) {
    log.warn(
      `this process may open ${fileLimit} files: it takes ${limit} HTTP connections at a time instead of ${MAX_CONNECTIONS}; ` +
        'raise the limit with LimitNOFILE= in the systemd unit, --ulimit nofile for a container, or ulimit -n',
    );
  }
  return limit;
}
