// SPDX-License-Identifier: Apache-2.0
// What scrapers and people see, wired: the snapshot of a refresh, its exposition, the pages.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attachments } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import type { Daemon } from '../daemon.js';
import { ExporterError } from '../errors.js';
import {
  createExposer,
  type Exposer,
  MAX_RENDERINGS,
  WARN_ABOVE_BYTES,
} from '../exposition/shared-exposition.js';
import { type ListeningServer, listen } from '../http/listen.js';
import { parseListenAddress } from '../http/listen-address.js';
import { createHttpApp, MAX_DURATION_MS } from '../http/server.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import type { Shown } from './shown.js';

export interface WebParts {
  readonly config: Config;
  readonly version: string;
  readonly attachments: Attachments;
  readonly shown: Shown;
  readonly daemon: Daemon;
  readonly selfMetrics: SelfMetrics;
  readonly log: Logger;
}

/** Listens. Rejects with ExporterError LISTEN. */
export function serve(parts: WebParts): Promise<ListeningServer> {
  const { config, attachments, selfMetrics, log } = parts;
  const { listenAddress, telemetryPath, maxRequests } = config.web;
  const onFault = (error: unknown): void => log.error({ err: error }, 'an HTTP request failed');
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
      onFault,
    },
  );
  const address = parseListenAddress(listenAddress);
  if ('problem' in address) throw new ExporterError('LISTEN', `web.listen_address: ${address.problem}`);
  return listen(address, { respond: app, onFault });
}

function connectExposer({ shown, daemon, selfMetrics, log }: WebParts): Exposer {
  return createExposer(
    { maxRenderings: MAX_RENDERINGS, warnAboveBytes: WARN_ABOVE_BYTES },
    {
      withSnapshot: (show) =>
        daemon.withSnapshot((refresh) =>
          show({ refresh, families: () => shown.families(), flows: shown.flows() }),
        ),
      currentRefresh: () => daemon.currentRefresh(),
      yieldToLoop: () => nextTurn(),
      monotonicMs: () => performance.now(),
      onRendered: (rendered) => selfMetrics.recordExposition(rendered),
      warn: (message) => log.warn(message),
    },
  );
}
