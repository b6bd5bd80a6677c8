// SPDX-License-Identifier: Apache-2.0
// Puts the parts of the running exporter together: one configuration in, one exporter out. Wiring
// only; whatever decides something belongs into a room.

import { release } from 'node:os';
import { systemClock } from '../clock.js';
import { createDaemon, type Daemon, type RefreshSteps } from '../daemon.js';
import { ExpositionBudget } from '../flows/exposition-budget.js';
import { NetworkBytes } from '../flows/network-bytes.js';
import type { BooksView } from '../flows/views.js';
import { SubjectScrapers } from '../http/subject-scrapers.js';
import { TurnQueue } from '../http/turn-queue.js';
import { openNetdev } from '../kernel/netdev.js';
import { createProcessUsageReader } from '../metrics/process-usage.js';
import { createSelfMetrics } from '../metrics/self-metrics.js';
import { ReplaceableNetworks } from '../networks/replaceable-networks.js';
import { connectAccounts, flowLabelOptions } from './connect-flows.js';
import { connectAttachments } from './connect-kernel.js';
import { connectWebFile } from './connect-listeners.js';
import { connectLiveView } from './connect-live-view.js';
import { connectNetworks, networksShown } from './connect-networks.js';
import { connectReloader, followFile } from './connect-reload.js';
import { connectRoce, rocePacketsSeen } from './connect-roce.js';
import { serve } from './connect-web.js';
import { CountedMark } from './counted-mark.js';
import type { Exporter, ExporterOptions, ExporterParts } from './exporter-contract.js';
import { countOpenFds, limitsShown } from './feed-self-metrics.js';
import { createExpositionFit } from './fit-exposition.js';
import { connectHostIp, createHostIpStep } from './follow-host-ip.js';
import { connectIds, connectLinks, LINKS_MS } from './follow-links.js';
import { connectState } from './keep-state.js';
import { flowPartsOf, type LiveConfig, scrapersOptions, snapshotOptions } from './live-config.js';
import { LiveKernel } from './live-kernel.js';
import { openLiveNic, openLivePrinter, openLiveRdma } from './live-lines.js';
import { LivePush } from './live-push.js';
import { openKernel } from './open-kernel.js';
import { refreshSteps } from './refresh-steps.js';
import type { Reloader } from './reload.js';
import { createSnapshot } from './snapshot.js';

/** Files of networks are looked at once a second. */
const WATCHES_PER_LOOK = 1000 / LINKS_MS;
/** What is still to be pushed may take this long after a stop; the rest goes to the spool. */
const PUSH_LIMIT_MS = 1500;
/** Scrapes under way may take this long after a stop; then printing may. */
const CLOSE_LIMIT_MS = 1000;

/** What start() opened; `close` undoes it, last opened first. */
interface Running {
  readonly daemon: Daemon;
  readonly steps: RefreshSteps;
  readonly books: BooksView;
  readonly metricsUrl: string;
  readonly reloader: Reloader;
}

export function createExporter(options: ExporterOptions, parts: ExporterParts): Exporter {
  const { config } = options;
  const live: LiveConfig = { current: config, whole: config };
  const { log, stdout, systemd, source } = parts;
  const closers: (() => void | Promise<void>)[] = [];
  let running: Running | undefined;

  async function close(): Promise<void> {
    for (let closer = closers.pop(); closer !== undefined; closer = closers.pop()) await closer();
  }

  async function open(): Promise<Running> {
    const clock = systemClock();
    systemd.starting('reading the names of networks');
    const networks = new ReplaceableNetworks(await connectNetworks(config, { log, clock }));
    closers.push(() => networks.stop());
    const webFile = await connectWebFile(config, { log, clock });
    closers.push(() => webFile?.stop());
    systemd.starting('loading the programs into the kernel');
    const opened = await openKernel(config, options, log);
    let closeKernel = opened.close;
    closers.push(() => closeKernel());
    const { object, links } = opened;
    const netdev = openNetdev(object.libc);
    closers.push(() => netdev.close());
    const linkTable = connectLinks(object.libc);
    closers.push(() => linkTable.close());
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
        ...limitsShown(config),
      },
      { readProcessUsage: () => usage.read(), readDroppedLogLines: parts.droppedLogLines },
    );
    const ids = connectIds(config, linkTable);
    const hostIp = connectHostIp(config, { linkTable, clock });
    selfMetrics.recordReload(true, clock.wallMs());
    const flowParts = flowPartsOf(live, { hostIp, ids, networks });
    const budget = new ExpositionBudget(config.flows.maxExpositionBytes, hostIp);
    const attachments = connectAttachments({
      config,
      object,
      links,
      linkTable,
      netdev,
      ids,
      selfMetrics,
      log,
    });
    closers.push(() => attachments.close());
    const scrapers = new SubjectScrapers(scrapersOptions(live), clock);
    const networkBytes = new NetworkBytes(networks);
    const accountsParts = { networkBytes, linkFraming: (id: number) => attachments.framingOf(id) };
    const accounts = connectAccounts(flowParts, { ...accountsParts, audience: scrapers.flows, budget });
    const roce = connectRoce(flowParts, { audience: scrapers.roce, clock, budget });
    const roceSeen = rocePacketsSeen(accounts.books, { ids });
    const rdma = openLiveRdma({ live, attachments, hostIp, ids, roceSeen }, { log, clock });
    closers.push(() => rdma.close());
    const nic = openLiveNic({ live, attachments, hostIp }, { log, clock });
    closers.push(() => nic.close());
    systemd.starting('reading the counters that were kept');
    const mark = new CountedMark();
    const state = await connectState(config, {
      mark,
      accounts,
      roce,
      ids,
      networkNames: networks.names,
      networkBytes,
      currentConfig: () => live.current,
      hostIp,
      log,
      clock,
    });
    const snapshot = createSnapshot(snapshotOptions(live, hostIp), {
      ids,
      attachments,
      accounts,
      selfMetrics,
      starts: state?.starts,
      roceFamilies: async (refresh) => (await roce?.families(refresh)) ?? [],
      rdmaFamilies: () => rdma.line?.families() ?? [],
      nicFamilies: () => nic.line?.families() ?? [],
      networkFamilies: () => networksShown(live.current, networks, networkBytes),
    });
    const printer = openLivePrinter(flowParts, { stdout, live, log }, CLOSE_LIMIT_MS);
    closers.push(() => printer.close());

    const isMeant = (ifindex: number): boolean =>
      attachments.states.some(({ name }) => name === linkTable.links.get(ifindex)?.name);
    const kernel = new LiveKernel(opened, config, options, { ids, mark, isMeant, clock, log });
    closeKernel = () => kernel.close();
    const turns = new TurnQueue();
    let watches = 0;
    const daemon = createDaemon(
      { intervalMs: config.intervalMs, watchMs: LINKS_MS },
      {
        drain: kernel,
        isTakingOver: () => kernel.isTakingOver(),
        accounts,
        attachments,
        onWatch() {
          hostIp.look();
          if (watches++ % WATCHES_PER_LOOK === 0) void networks.look(); // never rejects
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
    const flowLabels = () => flowLabelOptions(flowParts);
    const keepState = async (): Promise<void> => {
      await state?.keep();
    };
    const fit = createExpositionFit({ accounts, roce, budget, keepState, selfMetrics, log, clock });
    if (state !== undefined) snapshot.append(() => state.families());
    const startedMs = clock.wallMs();
    const liveView = connectLiveView({
      ...{ live, version, startedMs, flowParts, accounts, roce, rdma, attachments, linkTable },
      ...{ fit, daemon, webFile, usage, selfMetrics, log, clock },
    });
    const web = {
      get config() {
        return live.current;
      },
      ...{ webFile, version, startedMs, flowLabels, attachments, snapshot, liveView },
      ...{ daemon, selfMetrics, scrapers, turns, fit, libc, log },
      pageFolder: options.pageFolder,
      ...(options.reload.lifecycle ? { lifecycle: { reload: () => exporter.reload('POST /-/reload') } } : {}),
    };
    const served = await serve(web);
    const { server } = served;
    closers.push(() => server.close(CLOSE_LIMIT_MS));
    closers.push(() => liveView.endEvents());
    // Series that did not go on are in other counters, which are shown from now on. Not before: another exporter may
    // have this port, and this state.
    await daemon.withSnapshot(keepState);
    const push = await LivePush.open({
      config: () => live.current,
      ...{ flowLabels, version, startedMs, port: server.port, log },
    });
    closers.push(() => push.line?.close(PUSH_LIMIT_MS));
    if (state?.former !== undefined) await push.line?.goOn(await snapshot.former());
    liveView.know({ server, push });
    accounts.onSeriesEnd((_table, series) => {
      push.line?.onSeriesEnd(series);
      liveView.onSeriesEnd(series);
    });
    snapshot.append(() => push.families());
    const shown = async () => ({ families: await snapshot.families(), flows: snapshot.flows() });
    const reloader = connectReloader({
      live,
      kernel,
      netdev,
      linkTable,
      attachments,
      networks,
      flowParts,
      accounts,
      accountsParts,
      budget,
      roce,
      ...{ rdma, nic, printer },
      web: served,
      push,
      pushLimitMs: PUSH_LIMIT_MS,
      shown,
      daemon,
      selfMetrics,
      onConfigured(next) {
        systemd.setInterval(next.intervalMs);
        liveView.endEvents();
        parts.onConfigured(next);
      },
      ...{ source, webFile },
      systemd,
      log,
      clock,
    });
    return {
      reloader,
      daemon,
      steps: refreshSteps({
        ...{ live, kernel, attachments, linkTable, networks, accounts, roce, rdma, nic, printer, push },
        ...{ liveView, fit, selfMetrics, keepState, shown },
        followHostIp: createHostIpStep(scrapersOptions(live), {
          ...{ hostIp, accounts, roce, roceSeen, clock, log },
          audiences: [scrapers.flows, scrapers.roce],
          lastRefresh: () => daemon.currentRefresh(),
          onBegun() {
            state?.beginAnew();
            liveView.beginAnew();
          },
        }),
      }),
      books: accounts.books,
      metricsUrl: server.urls.map((url) => `${url}${config.web.telemetryPath}`).join(', '),
    };
  }

  const exporter: Exporter = {
    async start() {
      try {
        systemd.setInterval(config.intervalMs);
        running = await open();
        systemd.starting('attaching, and the first refresh');
        await running.daemon.start(running.steps);
        systemd.ready();
        closers.push(followFile(options.reload, running.reloader, parts));
        log.info(`metrics are at ${running.metricsUrl}`);
      } catch (error) {
        running = undefined;
        await close();
        throw error;
      }
    },
    async reload(cause) {
      return running?.reloader.reload(cause) ?? { problem: 'the exporter does not run' };
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
  return exporter;
}
