// SPDX-License-Identifier: Apache-2.0
// The estimate, wired: some time of this host's traffic in, the text to print out. Serves nothing, pushes
// nothing, and is detached from every interface when it is done.

import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Attachments } from '../attach/attachments.js';
import { type Clock, systemClock } from '../clock.js';
import type { Config, EstimateConfig } from '../config/config.js';
import { ExporterError } from '../errors.js';
import { estimateWatch } from '../estimate/estimate.js';
import { FlowWatch } from '../estimate/flow-watch.js';
import { recommendChoice } from '../estimate/recommend.js';
import { renderEstimate } from '../estimate/render-estimate.js';
import { renderEstimateJson } from '../estimate/render-estimate-json.js';
import { durationWords, type EstimateReport } from '../estimate/report.js';
import { renderSettingsYaml } from '../estimate/settings-yaml.js';
import { type Netdev, openNetdev } from '../kernel/netdev.js';
import type { Drain } from '../reader/drain.js';
import { createHostIpFollower } from '../system/host-ip-follower.js';
import type { LinkTable } from '../system/link-table.js';
import { SYSFS_FILES } from '../system/sysfs-files.js';
import { wantedFlows } from './connect-flows.js';
import { connectAttachments, connectDrain, loadObject } from './connect-kernel.js';
import { loadNetworksOnce } from './connect-networks.js';
import { connectChoices, rocePairProjection, switchesPortOff, withFullDetail } from './estimate-choices.js';
import { connectIds, connectLinks } from './follow-links.js';

/** A drain takes some 10 ms: ten a watch, or one a second. */
const MOST_INTERVAL_MS = 1000;
const INTERVALS = 10;
const LAST_DRAIN_ATTEMPTS = 3;
/** As in README.md. */
const SCRAPE_INTERVAL_MS = 15_000;
/** Metrics of an RDMA port beside its counters (rdma-families.ts). */
const SERIES_PER_RDMA_PORT = 8;

export interface EstimateRunOptions {
  readonly config: Config;
  readonly estimate: EstimateConfig;
  readonly version: string;
  readonly objectPath: string;
  readonly portableObjectPath: string;
}

export interface EstimateRunParts {
  /** Ends the watch; what was seen until then counts. */
  readonly cutShort: AbortSignal;
  /** What is about to be done, a sentence. */
  onStart(sentence: string): void;
}

/** @throws ExporterError (rejects) where no interface can be watched; nothing stays attached. */
export async function runEstimate(options: EstimateRunOptions, parts: EstimateRunParts): Promise<string> {
  const { config, estimate } = options;
  const clock = systemClock();
  const networks = await loadNetworksOnce(config);
  const object = loadObject(withFullDetail(config), options);
  let netdev: Netdev | undefined;
  let links: LinkTable | undefined;
  let attachments: Attachments | undefined;
  try {
    netdev = openNetdev(object.libc);
    const table = connectLinks(object.libc);
    links = table;
    const ids = connectIds(config, table);
    const hostIp = createHostIpFollower({ readAddresses: networkInterfaces, clock }, config.hostIp);
    hostIp.look();
    hostIp.adopt();
    const choices = connectChoices({ config, hostIp, ids, networks });

    const troubles = new Map<string, string>();
    const attached = connectAttachments({
      config,
      object,
      netdev,
      linkTable: table,
      ids,
      selfMetrics: { recordAttachFailure: () => undefined, recordReattachment: () => undefined },
      log: {
        info: () => undefined,
        warn: (fields, message) => {
          if ('interface' in fields) troubles.set(String(fields.interface), message);
        },
      },
    });
    attachments = attached;
    const intervalMs = Math.min(MOST_INTERVAL_MS, estimate.watchMs / INTERVALS);
    const idleTimeoutMs = Math.max(config.flows.idleTimeoutMs, 2 * config.intervalMs);
    const watch = new FlowWatch(
      {
        projections: choices.map(({ projection }) => projection),
        rocePairs: rocePairProjection(config),
        idleIntervals: idleTimeoutMs / intervalMs,
        hashSeeds: [randomBytes(4).readUInt32LE(), randomBytes(4).readUInt32LE()],
      },
      {
        keep: wantedFlows({ config, hostIp, ids, networks }, (id) => attached.framingOf(id)),
        yieldToLoop: clock.yieldToLoop,
      },
    );
    const drain = connectDrain(object, ids, clock);
    attached.check();
    requireAttached(attached);
    const names = attached.states.filter((state) => state.attached).map(({ name }) => name);
    parts.onStart(
      `watching ${names.join(', ')} for ${durationWords(estimate.watchMs)}; SIGINT (Ctrl-C) ends that early`,
    );
    const watchedMs = await watchFlows(
      { watchMs: estimate.watchMs, intervalMs, cutShort: parts.cutShort },
      { attachments: attached, drain, watch, clock },
    );
    return report(options, {
      watch,
      watchedMs,
      choices,
      idleTimeoutMs,
      interfaces: attached.states.map(({ name, sentence }) => ({
        name,
        trouble: troubles.get(name) ?? sentence,
      })),
    });
  } finally {
    attachments?.close();
    links?.close();
    netdev?.close();
    object.close();
  }
}

function requireAttached({ states, sentences }: Attachments): void {
  if (states.some(({ attached }) => attached)) return;
  throw new ExporterError('NOTHING_ATTACHED', `nothing can be watched: ${sentences.join('; ')}`);
}

/** Resolves with how long it was attached, when it no longer is and everything it counted is in. */
async function watchFlows(
  options: { readonly watchMs: number; readonly intervalMs: number; readonly cutShort: AbortSignal },
  parts: {
    readonly attachments: Attachments;
    readonly drain: Drain;
    readonly watch: FlowWatch;
    readonly clock: Clock;
  },
): Promise<number> {
  const { cutShort, intervalMs } = options;
  const { attachments, drain, watch, clock } = parts;
  const startedMs = clock.nowMs();
  for (;;) {
    const leftMs = startedMs + options.watchMs - clock.nowMs();
    // Rejects when it is cut short, which is asked next.
    await sleep(Math.max(0, Math.min(intervalMs, leftMs)), undefined, { signal: cutShort }).catch(
      () => undefined,
    );
    const watchedMs = clock.nowMs() - startedMs;
    const isOver = cutShort.aborted || watchedMs >= options.watchMs;
    if (isOver) attachments.close();
    for (let attempt = 1; ; attempt++) {
      const { rows, overflow, error } = await drain.drain();
      await watch.apply(rows, overflow);
      if (error === undefined || !isOver) break; // the next drain brings what is missing
      if (attempt === LAST_DRAIN_ATTEMPTS) throw error;
    }
    if (isOver) return watchedMs;
    attachments.check();
  }
}

function report(
  { config, estimate: asked, version }: EstimateRunOptions,
  seen: {
    readonly watch: FlowWatch;
    readonly watchedMs: number;
    readonly choices: ReturnType<typeof connectChoices>;
    readonly idleTimeoutMs: number;
    readonly interfaces: EstimateReport['interfaces'];
  },
): string {
  const { flows, roce, push } = config;
  const { maxSeries, maxNewSeriesPerMinute, maxExpositionBytes, gauges } = flows;
  const { watchedMs, idleTimeoutMs, interfaces } = seen;
  const scrapeIntervalMs = push.enabled ? config.intervalMs : SCRAPE_INTERVAL_MS;
  const estimate = estimateWatch(
    seen.watch,
    seen.choices.map(({ input }) => input),
    {
      watchedMs,
      maxSeries,
      maxNewSeriesPerMinute,
      idleTimeoutMs,
      scrapeIntervalMs,
      maxPairs: roce.maxPairs,
    },
  );
  const recommendation = recommendChoice(estimate, { maxSeries, maxExpositionBytes, gauges });
  const all: EstimateReport = {
    version,
    interfaces,
    askedMs: asked.watchMs,
    watchedMs,
    estimate,
    recommendation,
    yaml:
      recommendation === undefined
        ? ''
        : renderSettingsYaml(recommendation, { switchesPortOff: switchesPortOff(config) }),
    maxSeries,
    idleTimeoutMs,
    scrapeIntervalMs,
    isPushed: push.enabled,
    maxPairs: roce.maxPairs,
    readsRoce: roce.enabled,
    rdma: rdmaPorts(config),
  };
  return asked.json ? renderEstimateJson(all) : renderEstimate(all);
}

/** By the names of files alone: no counter is read, which a driver might not answer. */
function rdmaPorts({ rdma }: Config): EstimateReport['rdma'] {
  const sum = { ports: 0, series: 0 };
  if (!rdma.enabled) return sum;
  const root = join(rdma.sysfsPath, 'class/infiniband');
  for (const device of SYSFS_FILES.list(root)) {
    for (const port of SYSFS_FILES.list(join(root, device, 'ports'))) {
      const folder = join(root, device, 'ports', port);
      const counters = ['counters', 'hw_counters'].flatMap((name) => SYSFS_FILES.list(join(folder, name)));
      sum.ports++;
      sum.series += counters.length + SERIES_PER_RDMA_PORT;
    }
  }
  return sum;
}
