// SPDX-License-Identifier: Apache-2.0
// Puts the parts of the running exporter together: one configuration in, one exporter out. Wiring
// only; whatever decides something belongs into a room.

import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { networkInterfaces, release } from 'node:os';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createKeyMasks } from './abi/key-masks.js';
import { FRAMING, type Framing } from './abi/kinds.js';
import { type Attachments, createAttachments, type InterfaceState } from './attach/attachments.js';
import { createInterfaceIds, type InterfaceIds } from './attach/interface-ids.js';
import type { Config } from './config/config.js';
import type { BuildInfo } from './config/version.js';
import { createDaemon, type Daemon, type Refresh } from './daemon.js';
import { ExporterError } from './errors.js';
import {
  createExposer,
  type Exposer,
  MAX_RENDERINGS,
  WARN_ABOVE_BYTES,
} from './exposition/shared-exposition.js';
import { createFilter, kindsWanted } from './flows/filter.js';
import { createFlowAccounts, type FlowAccounts } from './flows/flow-accounts.js';
import { type ListeningServer, listen } from './http/listen.js';
import { parseListenAddress } from './http/listen-address.js';
import { createHttpApp, MAX_DURATION_MS } from './http/server.js';
import { attachXdp } from './kernel/attach.js';
import { type KernelObject, loadKernelObject } from './kernel/load.js';
import { type Netdev, openNetdev } from './kernel/netdev.js';
import type { Logger } from './log.js';
import { bookFamilies } from './metrics/book-families.js';
import { flowFamilies } from './metrics/flow-families.js';
import { createFlowLabelRenderer, flowAddressText } from './metrics/flow-labels.js';
import { createProcessUsageReader, type ProcessUsageReader } from './metrics/process-usage.js';
import { createSelfMetrics, type SelfMetrics } from './metrics/self-metrics.js';
import { createFlowLineRenderer } from './print/flow-line.js';
import { createFlowPrinter, type FlowPrinter } from './print/flow-printer.js';
import { openFlowOutput } from './print/terminal-output.js';
import { createDrain } from './reader/drain.js';
import { framingOf } from './system/framing.js';
import { chooseHostIp } from './system/host-ip.js';
import { listInterfaces } from './system/interfaces.js';

/** A lost interface is looked for this often. */
const WATCH_MS = 1000;
/** Scrapes under way may take this long after a stop. */
const CLOSE_LIMIT_MS = 1000;

const FRAMING_NAMES = {
  [FRAMING.ethernet]: 'ethernet',
  [FRAMING.infiniband]: 'infiniband',
  [FRAMING.l3]: 'l3',
} as const satisfies Record<Framing, string>;

export interface ExporterOptions {
  readonly config: Config;
  /** Resolved: what config.interfaces says, or the default route's. */
  readonly interfaces: readonly string[];
  readonly build: BuildInfo;
  /** flow.bpf.o as built. */
  readonly objectPath: string;
}

export interface ExporterParts {
  readonly log: Logger;
  readonly stdout: NodeJS.WriteStream;
}

export interface Exporter {
  /** @throws ExporterError (rejects) with one sentence; nothing is left behind then. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Everything that is open while the exporter runs. */
interface Running {
  readonly object: KernelObject;
  readonly netdev: Netdev;
  readonly usage: ProcessUsageReader;
  readonly daemon: Daemon;
  readonly accounts: FlowAccounts;
  readonly printer: FlowPrinter | undefined;
  server?: ListeningServer;
}

export function createExporter(options: ExporterOptions, parts: ExporterParts): Exporter {
  const { config, interfaces } = options;
  const { log } = parts;
  const hostIp = chooseHostIp(networkInterfaces());
  let running: Running | undefined;

  async function open(): Promise<Running> {
    const object = loadObject(options);
    const netdev = openNetdev(object.libc);
    const usage = createProcessUsageReader({ countOpenFds, monotonicMs: () => performance.now() });
    const selfMetrics = createSelfMetrics(
      {
        version: options.build.version,
        revision: options.build.revision,
        nodeVersion: process.version,
        kernelVersion: release(),
        arch: process.arch,
        refreshIntervalMs: config.intervalMs,
        seriesLimit: config.flows.maxSeries,
      },
      { readProcessUsage: () => usage.read() },
    );
    const ids = createInterfaceIds(
      interfaces,
      (ifindex) => listInterfaces({ root: '/' }, { netdev }).find((one) => one.index === ifindex)?.name,
    );
    const attachments = connectAttachments({ interfaces, config, object, netdev, ids, selfMetrics, log });
    const accounts = connectAccounts({ config, hostIp, ids, attachments });
    const printer = connectPrinter({ config, hostIp, interfaces, ids, parts });
    const daemon = createDaemon(
      { intervalMs: config.intervalMs, watchMs: WATCH_MS },
      {
        drain: createDrain({
          maps: object.maps,
          interfaceIdOf: (ifindex) => ids.idOf(ifindex),
          yieldToLoop: () => nextTurn(),
          nowMs: () => performance.now(),
        }),
        accounts,
        attachments,
        async onRefresh(refresh) {
          recordRefresh(selfMetrics, object, refresh);
          await printer?.print(accounts.series, accounts.books);
        },
        log,
        nowMs: () => performance.now(),
        wallMs: () => Date.now(),
        schedule(task, delayMs) {
          const timer = setTimeout(task, delayMs);
          return () => clearTimeout(timer);
        },
      },
    );
    const now: Running = { object, netdev, usage, daemon, accounts, printer };
    running = now;
    const exposer = createExposer(
      { maxRenderings: MAX_RENDERINGS, warnAboveBytes: WARN_ABOVE_BYTES },
      {
        withSnapshot: (show) =>
          daemon.withSnapshot((refresh) =>
            show({
              refresh,
              async families() {
                selfMetrics.setInterfaces(attachments.states.map(selfMetricsState));
                const names = {
                  interfaceName: (id: number) => ids.nameOf(id),
                  hostIp,
                  collectAgg: config.collectAgg,
                };
                return [...bookFamilies(accounts.books, names), ...(await selfMetrics.families())];
              },
              flows: flowFamilies(accounts.series),
            }),
          ),
        currentRefresh: () => daemon.currentRefresh(),
        yieldToLoop: () => nextTurn(),
        monotonicMs: () => performance.now(),
        onRendered: (rendered) => selfMetrics.recordExposition(rendered),
        warn: (message) => log.warn(message),
      },
    );
    now.server = await serve(options, { exposer, attachments, daemon, selfMetrics, log });
    return now;
  }

  async function close(limitMs: number): Promise<void> {
    const now = running;
    running = undefined;
    if (now === undefined) return;
    await now.server?.close(limitMs);
    await now.printer?.close(AbortSignal.timeout(limitMs));
    now.usage.close();
    now.netdev.close();
    now.object.close();
  }

  return {
    async start() {
      try {
        const { daemon, server } = await open();
        await daemon.start();
        log.info(`metrics are at ${server?.url}${config.web.telemetryPath}`);
      } catch (error) {
        await close(0);
        throw error;
      }
    },
    async stop() {
      if (running === undefined) return;
      const { daemon, accounts } = running;
      await daemon.stop();
      const sum = (field: 'packets' | 'bytes'): number =>
        accounts.books.interfaces.reduce((total, row) => total + row[field], 0);
      log.info({ packets: sum('packets'), bytes: sum('bytes') }, 'detached; every packet is counted');
      await close(CLOSE_LIMIT_MS);
    },
  };
}

function loadObject({ config, objectPath }: ExporterOptions): KernelObject {
  const { flows, kernel } = config;
  return loadKernelObject({
    objectPath,
    flowCapacity: kernel.maxFlows,
    slotsPerCpu: kernel.slotsPerCpu,
    maxSlotBytes: kernel.maxSlotBytes,
    kindsWanted: kindsWanted(config.filter),
    ...createKeyMasks({ ...flows, queuePair: false }),
  });
}

function connectAttachments(p: {
  interfaces: readonly string[];
  config: Config;
  object: KernelObject;
  netdev: Netdev;
  ids: InterfaceIds;
  selfMetrics: SelfMetrics;
  log: Logger;
}): Attachments {
  return createAttachments(p.interfaces, {
    ids: p.ids,
    readInterface(name) {
      const facts = p.netdev.read(name);
      if (facts === undefined) return undefined;
      const verdict = framingOf(facts.linkType, name);
      return { index: facts.index, framing: verdict.framing ?? verdict.sentence };
    },
    attach: (interfaceName, ifindex, framing) =>
      attachXdp({ object: p.object, ifindex, interfaceName, framing, mode: p.config.attachMode }),
    onFailure: (name, failure) => p.selfMetrics.recordAttachFailure(name, failure.mode, failure.errnoName),
    onReattached: (name) => p.selfMetrics.recordReattachment(name),
    log: p.log,
  });
}

function connectAccounts(p: {
  config: Config;
  hostIp: string;
  ids: InterfaceIds;
  attachments: Attachments;
}): FlowAccounts {
  const { config, hostIp, ids } = p;
  const labels = createFlowLabelRenderer({
    interfaceName: (id) => ids.nameOf(id),
    hostIp,
    collectAgg: config.collectAgg,
    vlan: config.flows.vlan,
  });
  return createFlowAccounts(
    {
      maxSeries: config.flows.maxSeries,
      idleTimeoutMs: config.flows.idleTimeoutMs,
      intervalMs: config.intervalMs,
      hashSeed: randomBytes(4).readUInt32LE(),
      maxLabelBytes: labels.maxLabelBytes,
    },
    {
      keep: createFilter({
        filter: config.filter,
        excludeDns: config.excludeDns,
        linkFraming: (id) => p.attachments.framingOf(id),
      }),
      renderLabels: labels.render,
      yieldToLoop: () => nextTurn(),
    },
  );
}

function connectPrinter(p: {
  config: Config;
  hostIp: string;
  interfaces: readonly string[];
  ids: InterfaceIds;
  parts: ExporterParts;
}): FlowPrinter | undefined {
  const { stdout, log } = p.parts;
  const wanted = p.config.print === 'always' || (p.config.print === 'auto' && stdout.isTTY);
  if (!wanted) return undefined;
  const renderLine = createFlowLineRenderer(
    { hostIp: p.hostIp, withInterface: p.interfaces.length > 1 },
    { formatIp: flowAddressText, interfaceName: (id) => p.ids.nameOf(id) },
  );
  return createFlowPrinter({
    out: openFlowOutput(stdout),
    renderLine,
    onFailure: (error) => log.warn({ err: error }, 'printing flows ended: stdout cannot be written'),
  });
}

async function serve(
  { config, build }: ExporterOptions,
  p: { exposer: Exposer; attachments: Attachments; daemon: Daemon; selfMetrics: SelfMetrics; log: Logger },
): Promise<ListeningServer> {
  const onFault = (error: unknown): void => p.log.error({ err: error }, 'an HTTP request failed');
  const app = createHttpApp(
    {
      name: 'xtrace-catch',
      version: build.version,
      telemetryPath: config.web.telemetryPath,
      maxRequests: config.web.maxRequests,
      maxDurationMs: MAX_DURATION_MS,
    },
    {
      exposer: p.exposer,
      readiness: () => p.daemon.readiness(),
      interfaces: () =>
        p.attachments.states.map(({ name, mode, sentence }) => ({ name, mode, note: sentence })),
      onRequest: (code) => p.selfMetrics.recordHttpRequest(code),
      onFault,
    },
  );
  const address = parseListenAddress(config.web.listenAddress);
  if ('problem' in address) throw new ExporterError('LISTEN', `web.listen_address: ${address.problem}`);
  return listen(address, { respond: app, onFault });
}

function recordRefresh(selfMetrics: SelfMetrics, object: KernelObject, refresh: Refresh): void {
  const { result, summary } = refresh;
  const { maps } = object;
  const slotCapacity = 2 * maps.setsPerCpu * maps.cpuCount;
  selfMetrics.recordRefresh({
    ok: result.error === undefined,
    durationMs: refresh.durationMs,
    finishedAtMs: refresh.finishedAtMs,
  });
  selfMetrics.setFlows({ active: summary.flows, series: summary.series });
  for (const [reason, count] of Object.entries(summary.ended)) selfMetrics.recordSeriesEnded(reason, count);
  selfMetrics.setKernelMap('flows4', result.entries.flows4, maps.flowCapacity);
  selfMetrics.setKernelMap('flows6', result.entries.flows6, maps.flowCapacity);
  selfMetrics.setKernelMap('slots4', result.entries.slots4, slotCapacity);
  selfMetrics.setKernelMap('slots6', result.entries.slots6, slotCapacity);
  selfMetrics.setUnattributedPackets(result.unattributedPackets);
}

function selfMetricsState(state: InterfaceState) {
  const { name, attached, mode, framing } = state;
  if (!attached || mode === undefined || framing === undefined) return { name };
  return { name, attached: { mode, framing: FRAMING_NAMES[framing], frags: state.frags === true } };
}

function countOpenFds(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined; // no /proc: the metric is left out
  }
}
