// SPDX-License-Identifier: Apache-2.0
// What people look at, wired: the live view over the parts of the running exporter, and the readers of its events.

import type { ExporterFacts } from '../api/facts.js';
import { LiveView } from '../api/live-view.js';
import type { Attachments } from '../attach/attachments.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import type { Daemon, Refresh } from '../daemon.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { ApiSource } from '../http/api-handler.js';
import { EventReaders, eventReaderLimit } from '../http/event-readers.js';
import type { ListeningServer } from '../http/listen.js';
import type { Logger } from '../log.js';
import { createFlowLabelFields } from '../metrics/flow-label-fields.js';
import type { ProcessUsageReader } from '../metrics/process-usage.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { Pacer } from '../pacer.js';
import type { LinkTable } from '../system/link-table.js';
import { type FlowParts, flowLabelOptions } from './connect-flows.js';
import type { RoceLine } from './connect-roce.js';
import type { ExpositionFit } from './fit-exposition.js';
import type { LiveConfig } from './live-config.js';
import type { LiveRdma } from './live-lines.js';
import type { LivePush } from './live-push.js';

export interface LiveViewLineParts {
  readonly live: LiveConfig;
  readonly version: string;
  /** Of the process, wall clock. */
  readonly startedMs: number;
  readonly flowParts: FlowParts;
  readonly accounts: FlowAccounts;
  readonly roce: RoceLine | undefined;
  readonly rdma: LiveRdma;
  readonly attachments: Pick<Attachments, 'states' | 'sentences'>;
  readonly linkTable: Pick<LinkTable, 'named'>;
  readonly fit: Pick<ExpositionFit, 'binding'>;
  readonly daemon: Pick<Daemon, 'withSnapshot' | 'currentRefresh' | 'readiness'>;
  readonly webFile: { readonly current: object } | undefined;
  readonly usage: Pick<ProcessUsageReader, 'watchStalls'>;
  readonly selfMetrics: Pick<
    SelfMetrics,
    'setEventReaders' | 'recordEventReaderRefused' | 'recordEventsSkipped'
  >;
  readonly log: Pick<Logger, 'error'>;
  readonly clock: Clock;
}

/** What there is only when it listens. */
interface KnownLater {
  readonly server: Pick<ListeningServer, 'maxConnections'>;
  readonly push: Pick<LivePush, 'line'>;
}

export interface LiveViewLine {
  readonly source: ApiSource;
  /** Within the guard, before the counts of a refresh are added. */
  begin(): void;
  /** Within the guard: all counts begin at 0 now. */
  beginAnew(): void;
  /** Within the guard, after the counts of a refresh. Never rejects. */
  show(refresh: Refresh): Promise<void>;
  /** Where the exporter listens, and what it pushes, once that is known. */
  know(known: KnownLater): void;
  /** Before the flow table gives up a series. */
  onSeriesEnd(series: number): void;
  /** Rules may be others now: readers connect again, and are judged by them. */
  endEvents(): void;
}

export function connectLiveView(parts: LiveViewLineParts): LiveViewLine {
  const { live, flowParts, accounts, roce, rdma, daemon, selfMetrics, log, clock } = parts;
  const { nowMs, wallMs } = clock;
  let known: KnownLater | undefined;
  const limit = (): number => eventReaderLimit(known?.server.maxConnections ?? 0);
  const readers = new EventReaders({
    limit,
    onRefused: () => selfMetrics.recordEventReaderRefused(),
    onSkipped: (count) => selfMetrics.recordEventsSkipped(count),
    schedule: clock.schedule,
  });
  selfMetrics.setEventReaders(() => readers.count);
  const takeStallMs = parts.usage.watchStalls();
  const isOn = (): boolean => live.current.web.ui;
  let rules = parts.webFile?.current;

  /** Where it is off, or others may be allowed to look now. */
  function endWhereDue(): void {
    const before = rules;
    rules = parts.webFile?.current;
    if (!isOn() || rules !== before) readers.endAll();
  }

  const view = new LiveView({
    series: () => accounts.series,
    books: () => accounts.books,
    pairs: () => roce?.view,
    rdma: () => rdma.line?.reading(),
    visibility: () => rdma.line?.view(),
    intervalMs: () => live.current.intervalMs,
    isOn,
    eventReaders: () => readers.count,
    ...{ nowMs, wallMs },
    pacer: new Pacer(clock.yieldToLoop),
    // Scrapes go first.
    withSnapshot: (fn) => daemon.withSnapshot(fn, 'patient'),
    currentRefresh: daemon.currentRefresh,
    interfaceName: (id) => flowParts.ids.nameOf(id),
    flowFields: () => createFlowLabelFields(flowLabelOptions(flowParts)),
    facts: () => ({
      ...configFacts(live.current),
      version: parts.version,
      startedMs: parts.startedMs,
      hostIp: flowParts.hostIp.current,
      ...attachmentFacts(parts),
      readiness: daemon.readiness(),
      binding: parts.fit.binding,
      push: known?.push.line?.stats,
      residentMemoryBytes: process.memoryUsage.rss(),
      cpuSeconds: cpuSeconds(),
      eventReaders: readers.count,
      eventReadersLimit: limit(),
    }),
  });

  return {
    source: {
      names: view.names,
      isOn,
      answer: (name, params) => view.answer(name, params),
      events: readers.handle,
    },
    begin: () => view.begin(),
    beginAnew: () => view.counts.beginAnew(),
    async show({ number, result, summary, durationMs, finishedAtMs, takenMs, isOfUnknownTime }) {
      const stallMs = Math.max(0, takeStallMs());
      endWhereDue();
      try {
        await view.note({
          takenMs,
          takenAtMs: finishedAtMs - durationMs,
          isWhole: result.error === undefined || result.hasAllRows === true,
          ...{ isOfUnknownTime, durationMs, stallMs },
          flows: summary.flows,
        });
        if (isOn() && readers.count > 0) readers.send('refresh', number, view.event(number));
      } catch (error) {
        log.error(
          { err: error },
          'what is shown under /api/v1/ could not be brought up to date; trying again',
        );
      }
    },
    know(facts) {
      known = facts;
    },
    onSeriesEnd: (series) => view.counts.endSeries(series),
    endEvents: () => readers.endAll(),
  };
}

function configFacts(config: Config) {
  const { flows, filter, excludeDns } = config;
  return {
    collectAgg: config.collectAgg,
    intervalMs: config.intervalMs,
    maxSeries: flows.maxSeries,
    maxPairs: config.roce.maxPairs,
    wantsGeneric: config.attachMode === 'generic',
    readsRdma: config.rdma.enabled,
    filters: [
      ...(filter === 'all' ? [] : [`filter: ${filter}`]),
      ...(excludeDns ? ['exclude_dns: true'] : []),
      ...(flows.include.length > 0 ? ['flows.include'] : []),
      ...(flows.exclude.length > 0 ? ['flows.exclude'] : []),
    ],
  };
}

function attachmentFacts({
  attachments,
  linkTable,
}: Pick<LiveViewLineParts, 'attachments' | 'linkTable'>): Pick<ExporterFacts, 'interfaces' | 'notAttached'> {
  return {
    interfaces: attachments.states.map(({ name, mode, sentence }) => ({
      ...{ name, mode },
      note: sentence,
      isUp: linkTable.named(name)?.isUp,
    })),
    notAttached: attachments.sentences,
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}
