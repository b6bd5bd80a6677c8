// SPDX-License-Identifier: Apache-2.0
// Puts the parts of the running exporter together: one configuration in, one exporter out. Wiring
// only; whatever decides something belongs into a room.

import { networkInterfaces, release } from 'node:os';
import { createInterfaceIds } from '../attach/interface-ids.js';
import { systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { BuildInfo } from '../config/version.js';
import { createDaemon, type Daemon, type RefreshSteps } from '../daemon.js';
import { ExpositionBudget } from '../flows/exposition-budget.js';
import { NetworkBytes } from '../flows/network-bytes.js';
import type { BooksView } from '../flows/views.js';
import { SubjectScrapers } from '../http/subject-scrapers.js';
import { TurnQueue } from '../http/turn-queue.js';
import { openNetdev } from '../kernel/netdev.js';
import type { Logger } from '../log.js';
import { createProcessUsageReader } from '../metrics/process-usage.js';
import { createSelfMetrics } from '../metrics/self-metrics.js';
import { createHostIpFollower } from '../system/host-ip-follower.js';
import { listInterfaces } from '../system/interfaces.js';
import { connectAccounts, connectPrinter, flowLabelOptions, hidesAddresses } from './connect-flows.js';
import { connectAttachments } from './connect-kernel.js';
import { connectWebFile } from './connect-listeners.js';
import { connectNetworks, networksShown } from './connect-networks.js';
import { connectPush } from './connect-push.js';
import { connectRdma } from './connect-rdma.js';
import { connectRoce, rocePacketsSeen } from './connect-roce.js';
import { serve } from './connect-web.js';
import { CountedMark } from './counted-mark.js';
import { countOpenFds, recordRefresh } from './feed-self-metrics.js';
import { createExpositionFit } from './fit-exposition.js';
import { createHostIpStep } from './follow-host-ip.js';
import { connectState } from './keep-state.js';
import type { SystemdNotifier } from './notify-systemd.js';
import { openKernel } from './open-kernel.js';
import { createSnapshot } from './snapshot.js';
import { connectTakeOver } from './take-over.js';

/** A lost interface is looked for this often. */
const WATCH_MS = 1000;
/** What is still to be pushed may take this long after a stop; the rest goes to the spool. */
const PUSH_LIMIT_MS = 1500;
/** Scrapes under way may take this long after a stop; then printing may. */
const CLOSE_LIMIT_MS = 1000;

export interface ExporterOptions {
  readonly config: Config;
  readonly build: BuildInfo;
  /** flow.bpf.o as built. */
  readonly objectPath: string;
  /** flow-portable.bpf.o as built. */
  readonly portableObjectPath: string;
}

export interface ExporterParts {
  readonly log: Logger;
  readonly stdout: NodeJS.WriteStream;
  readonly systemd: SystemdNotifier;
  /** Since the start. */
  droppedLogLines(): number;
}

export interface Exporter {
  /** @throws ExporterError (rejects) with one sentence; nothing is left behind then. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** What start() opened; `close` undoes it, last opened first. */
interface Running {
  readonly daemon: Daemon;
  readonly steps: RefreshSteps;
  readonly books: BooksView;
  readonly metricsUrl: string;
}

export function createExporter(options: ExporterOptions, parts: ExporterParts): Exporter {
  const { config } = options;
  const { log, stdout, systemd } = parts;
  const closers: (() => void | Promise<void>)[] = [];
  let running: Running | undefined;

  async function close(): Promise<void> {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  }

  async function open(): Promise<Running> {
    const clock = systemClock();
    systemd.starting('reading the names of networks');
    const networks = await connectNetworks(config, { log, clock });
    closers.push(() => networks.stop());
    const webFile = await connectWebFile(config, { log, clock });
    closers.push(() => webFile?.stop());
    systemd.starting('loading the programs into the kernel');
    const kernel = await openKernel(config, options, log);
    closers.push(() => kernel.close());
    const { object, links } = kernel;
    const netdev = openNetdev(object.libc);
    closers.push(() => netdev.close());
    const usage = createProcessUsageReader({ countOpenFds, monotonicMs: () => performance.now() });
    closers.push(() => usage.close());

    const { version, revision } = options.build;
    const selfMetrics = createSelfMetrics(
      {
        version,
        revision,
        nodeVersion: process.version,
        kernelVersion: release(),
        arch: process.arch,
        refreshIntervalMs: config.intervalMs,
        seriesLimit: config.flows.maxSeries,
        expositionBudgetBytes: config.flows.maxExpositionBytes,
      },
      { readProcessUsage: () => usage.read(), readDroppedLogLines: parts.droppedLogLines },
    );
    const ids = createInterfaceIds(
      config.interfaces,
      (ifindex) => listInterfaces({ root: '/' }, { netdev }).find((one) => one.index === ifindex)?.name,
    );
    const hostIp = createHostIpFollower({ readAddresses: networkInterfaces, clock });
    const flowParts = { config, hostIp, ids, networks };
    const budget = new ExpositionBudget(config.flows.maxExpositionBytes, hostIp);
    const attachments = connectAttachments({ config, object, links, netdev, ids, selfMetrics, log });
    closers.push(() => attachments.close());
    const scrapers = new SubjectScrapers({ maxIntervalMs: config.flows.holdMaxMs }, clock);
    const networkBytes = new NetworkBytes(networks);
    const accounts = connectAccounts(flowParts, {
      networkBytes,
      linkFraming: (id) => attachments.framingOf(id),
      audience: scrapers.flows,
      budget,
    });
    const roce = connectRoce(flowParts, { audience: scrapers.roce, clock, budget });
    const rdma = connectRdma(
      {
        config,
        get interfaces() {
          return attachments.states.map(({ name }) => name);
        },
        get hostIp() {
          return hostIp.current;
        },
        collectAgg: config.collectAgg,
        roceSeen: rocePacketsSeen(accounts.books, { ids }),
      },
      { log, clock },
    );
    closers.push(() => rdma?.close());
    systemd.starting('reading the counters that were kept');
    const mark = new CountedMark();
    const state = await connectState(config, {
      mark,
      accounts,
      roce,
      ids,
      networkNames: networks.names,
      networkBytes,
      hostIp,
      log,
      clock,
    });
    const snapshot = createSnapshot(
      { hostIp, collectAgg: config.collectAgg, flowGauges: config.flows.gauges },
      {
        ids,
        attachments,
        accounts,
        selfMetrics,
        starts: state?.starts,
        roceFamilies: async (refresh) => (await roce?.families(refresh)) ?? [],
        rdmaFamilies: () => rdma?.families() ?? [],
        networkFamilies: () => networksShown(config, networks, networkBytes),
      },
    );
    const printer = connectPrinter(flowParts, { stdout, interfaceCount: config.interfaces.length, log });
    closers.push(() => within(CLOSE_LIMIT_MS, (signal) => printer?.close(signal)));

    const drain = connectTakeOver(kernel, { ids, mark, clock, log });
    const turns = new TurnQueue();
    const daemon = createDaemon(
      { intervalMs: config.intervalMs, watchMs: WATCH_MS },
      {
        drain,
        isTakingOver: () => drain.isTakingOver(),
        accounts,
        attachments,
        onWatch() {
          hostIp.look();
          void networks.look(); // never rejects
        },
        onRefreshed(succeeded) {
          systemd.refreshed({ number: daemon.currentRefresh(), succeeded, interfaces: attachments.states });
        },
        requests: turns,
        log,
        clock,
      },
    );
    const { libc } = object;
    const flowLabels = flowLabelOptions(flowParts);
    const keepState = async (): Promise<void> => {
      await state?.keep();
    };
    const fit = createExpositionFit({ accounts, roce, budget, keepState, selfMetrics, log, clock });
    if (state !== undefined) snapshot.append(() => state.families());
    const web = {
      config,
      webFile,
      version,
      flowLabels,
      attachments,
      snapshot,
      daemon,
      selfMetrics,
      scrapers,
      turns,
      fit,
      libc,
      log,
    };
    const server = await serve(web);
    closers.push(() => server.close(CLOSE_LIMIT_MS));
    // Series that did not go on are in other counters, which are shown from now on. Not before: another exporter may
    // have this port, and this state.
    await daemon.withSnapshot(keepState);
    const push = await connectPush({ config, version, flowLabels, port: server.port }, { log });
    if (push !== undefined) {
      closers.push(() => push.close(PUSH_LIMIT_MS));
      if (state?.former !== undefined) await push.goOn(await snapshot.former());
      accounts.onSeriesEnd((_table, series) => push.onSeriesEnd(series));
      snapshot.append(() => push.families());
    }
    return {
      daemon,
      steps: {
        record(refresh) {
          recordRefresh(selfMetrics, object.maps, refresh, { countsRefused: !hidesAddresses(config) });
          networks.adopt();
          for (const { attached, id, framing } of attachments.states) {
            if (attached && framing !== undefined) accounts.openInterface(id, framing);
          }
        },
        followHostIp: createHostIpStep({ hostIp, accounts, log, onRelabel: () => push?.onRelabel() }),
        addRoce: async ({ result, finishedAtMs, number }) => roce?.apply(result, finishedAtMs, number),
        fitExposition: fit.step,
        async keepState() {
          drain.noteCounted();
          await keepState();
        },
        clearDrained: () => drain.clear(),
        readRdma: () => rdma?.refresh(),
        print: async () => printer?.print(accounts.series, accounts.books),
        async push({ finishedAtMs }) {
          if (push === undefined) return;
          const families = await snapshot.families();
          await push.push({ families, flows: snapshot.flows() }, finishedAtMs);
        },
      },
      books: accounts.books,
      metricsUrl: server.urls.map((url) => `${url}${config.web.telemetryPath}`).join(', '),
    };
  }

  return {
    async start() {
      try {
        systemd.setInterval(config.intervalMs);
        running = await open();
        systemd.starting('attaching, and the first refresh');
        await running.daemon.start(running.steps);
        systemd.ready();
        log.info(`metrics are at ${running.metricsUrl}`);
      } catch (error) {
        running = undefined;
        await close();
        throw error;
      }
    },
    async stop() {
      if (running === undefined) return;
      const { daemon, books } = running;
      running = undefined;
      systemd.stopping();
      try {
        const isComplete = await daemon.stop();
        const sum = (field: 'packets' | 'bytes'): number =>
          books.interfaces.reduce((total, row) => total + row[field], 0);
        const totals = { packets: sum('packets'), bytes: sum('bytes') };
        const how = config.kernel.pinPath === '' ? 'detached' : 'stopped; the pinned programs go on counting';
        if (isComplete) log.info(totals, `${how}; every packet is counted`);
        else log.error(totals, `${how}, but the last drain failed: these totals lack its packets`);
      } finally {
        await close();
      }
    },
  };
}

/**
 * Aborts at the limit. Its timer keeps the process alive, unlike that of AbortSignal.timeout(): a
 * terminal that takes nothing does not, and the process would end in the middle of its stop.
 */
async function within(
  limitMs: number,
  task: (signal: AbortSignal) => Promise<void> | undefined,
): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  try {
    await task(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
