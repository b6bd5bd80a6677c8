// SPDX-License-Identifier: Apache-2.0
// What scrapers and people see, wired: the snapshot of a refresh, its exposition, the pages.

import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attachments } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import { renderConfig } from '../config/render-config.js';
import type { Daemon } from '../daemon.js';
import { createFlowTailRenderer } from '../exposition/remote-write/flow-tail.js';
import {
  createExposer,
  type Exposer,
  FREE_BYTES,
  MAX_RENDERINGS,
  WARN_ABOVE_BYTES,
} from '../exposition/shared-exposition.js';
import type { Lifecycle } from '../http/lifecycle.js';
import type { ListeningServer } from '../http/listen.js';
import { createHttpApp, MAX_DURATION_MS } from '../http/server.js';
import type { SubjectScrapers } from '../http/subject-scrapers.js';
import type { TurnQueue } from '../http/turn-queue.js';
import type { Libc } from '../kernel/ffi.js';
import type { Logger } from '../log.js';
import { createFlowLabelFields, type FlowLabelOptions } from '../metrics/flow-label-fields.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { connectListeners, type WebRulesLine } from './connect-listeners.js';
import type { LiveViewLine } from './connect-live-view.js';
import type { ExpositionFit } from './fit-exposition.js';
import { KeptPage } from './kept-page.js';
import type { Snapshot } from './snapshot.js';

/** vmagent's promscrape.maxScrapeSize, unless told otherwise. */
const USUAL_SCRAPE_BYTES = 16 * 1024 * 1024;

export interface WebParts {
  /** In effect now; where to listen is that of the start. */
  readonly config: Config;
  readonly lifecycle?: Lifecycle;
  /** What a web configuration file asks for. */
  readonly webFile: WebRulesLine | undefined;
  readonly version: string;
  /** Of the process, wall clock: since when its counters count. */
  readonly startedMs: number;
  /** As they are now. */
  flowLabels(): FlowLabelOptions;
  readonly attachments: Attachments;
  readonly snapshot: Snapshot;
  readonly liveView: Pick<LiveViewLine, 'source'>;
  readonly daemon: Daemon;
  readonly selfMetrics: SelfMetrics;
  readonly scrapers: SubjectScrapers;
  /** Paces requests. */
  readonly turns: TurnQueue;
  /** Of what is to go out. */
  readonly fit: ExpositionFit;
  readonly libc: Libc;
  readonly log: Logger;
  /** Of the live page's files. */
  readonly pageFolder: string;
}

export interface ServedWeb {
  readonly server: ListeningServer;
  /** Answers from now on as the configuration is now. */
  renew(): void;
  /** The page has been switched on. Says why there is none nevertheless: then the landing page stands at `/`. */
  switchPageOn(): { readonly problem: string } | undefined;
}

/** Listens. Rejects with ExporterError LISTEN. */
export async function serve(parts: WebParts): Promise<ServedWeb> {
  const { config, attachments, selfMetrics, webFile, log } = parts;
  const { telemetryPath } = config.web;
  let exposer = connectExposer(parts);
  const page = new KeptPage(parts.pageFolder, config.web.ui);
  const app = createHttpApp(
    {
      name: 'xtrace-catch',
      version: parts.version,
      telemetryPath,
      get maxRequests() {
        return parts.config.web.maxRequests;
      },
      maxDurationMs: MAX_DURATION_MS,
    },
    {
      exposer: {
        expose: (...asked) => exposer.expose(...asked),
        get renderings() {
          return exposer.renderings;
        },
      },
      readiness: () => parts.daemon.readiness(),
      interfaces: () =>
        attachments.states.map(({ name, mode, sentence }) => ({ name, mode, note: sentence })),
      onRequest: (code) => selfMetrics.recordHttpRequest(code),
      onAnswered: (...answer) => parts.scrapers.answered(...answer),
      onFault: (error) => log.error({ err: error }, 'an HTTP request failed'),
      guard: webFile?.guard,
      configText: () => renderConfig(parts.config),
      lifecycle: parts.lifecycle,
      api: parts.liveView.source,
      get pageFiles() {
        return page.files;
      },
    },
  );

  const { turns, libc } = parts;
  const server = await connectListeners(config, {
    respond: app,
    tls: webFile?.tls,
    turns,
    selfMetrics,
    libc,
    log,
  });
  return {
    server,
    renew() {
      exposer = connectExposer(parts);
    },
    switchPageOn: () => page.switchOn(),
  };
}

function connectExposer(parts: WebParts): Exposer {
  const { config, flowLabels, snapshot, daemon, selfMetrics, fit, log } = parts;
  const { openmetricsCreated } = config.web;
  const { maxExpositionBytes } = config.flows;
  return createExposer(
    {
      maxRenderings: MAX_RENDERINGS,
      freeBytes: FREE_BYTES,
      // Within what scrapers take, there is nothing to tell as long as the budget is kept.
      warnAboveBytes: maxExpositionBytes > USUAL_SCRAPE_BYTES ? WARN_ABOVE_BYTES : maxExpositionBytes,
      starts: {
        startedMs: parts.startedMs,
        flowLabels: createFlowTailRenderer(createFlowLabelFields(flowLabels()), []),
        openmetricsCreated,
      },
    },
    {
      withSnapshot: (show) =>
        daemon.withSnapshot((refresh) =>
          show({
            refresh,
            families: (selection) => snapshot.families(refresh, selection),
            flows: () => snapshot.flows(refresh),
          }),
        ),
      currentRefresh: () => daemon.currentRefresh(),
      yieldToLoop: () => nextTurn(),
      monotonicMs: () => performance.now(),
      schedule(task, delayMs) {
        const timer = setTimeout(task, delayMs).unref();
        return () => clearTimeout(timer);
      },
      mayGoOut: (exposition) => fit.mayGoOut(exposition),
      onRendered: (rendered) => selfMetrics.recordExposition(rendered),
      warn: (message) => log.warn(message),
    },
  );
}
