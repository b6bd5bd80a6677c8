// SPDX-License-Identifier: Apache-2.0
// What scrapers and people see, wired: the snapshot of a refresh, its exposition, the pages.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attachments } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import type { Daemon } from '../daemon.js';
import { createFlowTailRenderer } from '../exposition/remote-write/flow-tail.js';
import {
  createExposer,
  type Exposer,
  MAX_RENDERINGS,
  WARN_ABOVE_BYTES,
} from '../exposition/shared-exposition.js';
import { connectionLimit, MAX_CONNECTIONS } from '../http/connection-limit.js';
import { ConnectionLog } from '../http/connection-log.js';
import { type ListeningServer, listen } from '../http/listen.js';
import type { Scrapers } from '../http/scrapers.js';
import { createHttpApp, MAX_DURATION_MS } from '../http/server.js';
import type { TurnQueue } from '../http/turn-queue.js';
import type { Libc } from '../kernel/ffi.js';
import { limitReceiveBuffer } from '../kernel/receive-buffer.js';
import type { Logger } from '../log.js';
import { createFlowLabelFields, type FlowLabelOptions } from '../metrics/flow-label-fields.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { readOpenFileLimit } from '../system/open-file-limit.js';
import { countOpenFds } from './feed-self-metrics.js';
import type { ExpositionFit } from './fit-exposition.js';
import type { Snapshot } from './snapshot.js';

/** vmagent's promscrape.maxScrapeSize, unless told otherwise. */
const USUAL_SCRAPE_BYTES = 16 * 1024 * 1024;

export interface WebParts {
  readonly config: Config;
  readonly version: string;
  readonly flowLabels: FlowLabelOptions;
  readonly attachments: Attachments;
  readonly snapshot: Snapshot;
  readonly daemon: Daemon;
  readonly selfMetrics: SelfMetrics;
  readonly scrapers: Scrapers;
  /** Paces requests. */
  readonly turns: TurnQueue;
  /** Of what is to go out. */
  readonly fit: ExpositionFit;
  readonly libc: Libc;
  readonly log: Logger;
}

/** Listens. Rejects with ExporterError LISTEN. */
export async function serve(parts: WebParts): Promise<ListeningServer> {
  const { config, attachments, selfMetrics, log } = parts;
  const { listenAddress, telemetryPath, maxRequests } = config.web;
  const app = createHttpApp(
    {
      name: 'xtrace-catch',
      version: parts.version,
      telemetryPath,
      maxRequests,
      maxDurationMs: MAX_DURATION_MS,
    },
    {
      exposer: connectExposer(parts),
      readiness: () => parts.daemon.readiness(),
      interfaces: () =>
        attachments.states.map(({ name, mode, sentence }) => ({ name, mode, note: sentence })),
      onRequest: (code) => selfMetrics.recordHttpRequest(code),
      onAnswered: (...answer) => parts.scrapers.answered(...answer),
      onFault: (error) => log.error({ err: error }, 'an HTTP request failed'),
    },
  );

  const maxConnections = chooseConnectionLimit(log);
  const connectionLog = new ConnectionLog(maxConnections, { log, nowMs: () => performance.now() });
  const server = await listen(
    listenAddress,
    {
      respond: app,
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

function connectExposer(parts: WebParts): Exposer {
  const { config, flowLabels, snapshot, daemon, selfMetrics, fit, log } = parts;
  const { openmetricsCreated } = config.web;
  const { maxExpositionBytes } = config.flows;
  return createExposer(
    {
      maxRenderings: MAX_RENDERINGS,
      // Within what scrapers take, there is nothing to tell as long as the budget is kept.
      warnAboveBytes: maxExpositionBytes > USUAL_SCRAPE_BYTES ? WARN_ABOVE_BYTES : maxExpositionBytes,
      starts: {
        startedMs: Date.now(),
        flowLabels: createFlowTailRenderer(createFlowLabelFields(flowLabels), []),
        openmetricsCreated,
      },
    },
    {
      withSnapshot: (show) =>
        daemon.withSnapshot((refresh) =>
          show({ refresh, families: () => snapshot.families(refresh), flows: () => snapshot.flows(refresh) }),
        ),
      currentRefresh: () => daemon.currentRefresh(),
      yieldToLoop: () => nextTurn(),
      monotonicMs: () => performance.now(),
      mayGoOut: (exposition) => fit.mayGoOut(exposition),
      onRendered: (rendered) => selfMetrics.recordExposition(rendered),
      warn: (message) => log.warn(message),
    },
  );
}
