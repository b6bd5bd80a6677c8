// SPDX-License-Identifier: Apache-2.0
// What the exporter says of itself: how each of SELF_METRICS gets its values.

import { Registry } from 'prom-client';
import { BUDGETS, type Budget } from '../flows/budgets.js';
import { NativeBuckets, type NativeHistogram } from '../native-buckets.js';
import { type Family, type Labels, withNative } from './definition.js';
import { createInstruments, familiesIn } from './instruments.js';
import type { ProcessUsage } from './process-usage.js';
import { SELF_METRICS } from './self-definitions.js';

/** What is shown of the configuration. */
export interface ConfiguredLimits {
  readonly refreshIntervalMs: number;
  readonly seriesLimit: number;
  readonly expositionBudgetBytes: number;
}

export interface SelfMetricsOptions extends ConfiguredLimits {
  readonly version: string;
  readonly revision: string;
  readonly nodeVersion: string;
  readonly kernelVersion: string;
  readonly arch: string;
}

export interface SelfMetricsParts {
  /** Called once per families(). */
  readProcessUsage(): ProcessUsage;
  /** Called once per families(); since the start. */
  readDroppedLogLines(): number;
}

export interface InterfaceState {
  readonly name: string;
  /** Undefined where the program is not attached. */
  readonly attached?: {
    readonly mode: 'native' | 'generic';
    readonly framing: 'ethernet' | 'infiniband' | 'l3';
    /** Whether multi-buffer frames are taken. */
    readonly frags: boolean;
  };
}

/** The kernel's maps by family; see xtrace_kernel_map_entries. */
export type KernelMapName = 'flows4' | 'flows6' | 'slots4' | 'slots6' | 'roce';

export interface SelfMetrics {
  /** As the configuration is now. */
  configure(limits: ConfiguredLimits): void;
  /** An attempt to read the configuration is over. nowMs: wall clock. */
  recordReload(succeeded: boolean, nowMs: number): void;
  /** Replaces the state of all interfaces. */
  setInterfaces(states: readonly InterfaceState[]): void;
  /** errno: the name (`EBUSY`), or a number where it has none. */
  recordAttachFailure(interfaceName: string, mode: 'native' | 'generic', errno: string): void;
  recordReattachment(interfaceName: string): void;
  /** Both since the start. */
  setLinkEvents(events: { readonly refused: number; readonly overruns: number }): void;
  /** Call once per refresh, good or failed. finishedAtMs: wall clock. */
  recordRefresh(refresh: {
    readonly ok: boolean;
    readonly durationMs: number;
    readonly finishedAtMs: number;
  }): void;
  setFlows(flows: { readonly active: number; readonly series: number }): void;
  /** Where series ended after setFlows(). */
  setSeries(count: number): void;
  recordSeriesEnded(reason: string, count: number): void;
  setKernelMap(map: KernelMapName, entries: number, capacity: number): void;
  /** total: since load, as KernelMaps.readUnattributed() tells it. A smaller one than before is a new start. */
  setUnattributedPackets(total: number): void;
  recordExposition(exposition: {
    readonly format: string;
    readonly bytes: number;
    readonly durationMs: number;
  }): void;
  /** code: a status, or `aborted`. */
  recordHttpRequest(code: string): void;
  /** Once per refresh: what left something without series in it. */
  recordBudgets(bound: ReadonlySet<Budget>): void;
  /** The most bytes that an answer has now. */
  setExpositionEstimate(bytes: number): void;
  /** Once, when clients can connect; readOpen is called once per families(). */
  setHttpConnections(connections: { readonly limit: number; readOpen(): number }): void;
  recordHttpConnectionClosed(reason: string): void;
  /** Once; called once per families(). */
  setEventReaders(readOpen: () => number): void;
  recordEventReaderRefused(): void;
  recordEventsSkipped(count: number): void;
  /** All of the above as of now. */
  families(): Promise<Family[]>;
}

/** All of them are shown from the start, at 0. */
const HTTP_CLOSE_REASONS = [
  'evicted',
  'refused',
  'read_ahead',
  'half_closed',
  'request_timeout',
  'tls_handshake',
];

export function createSelfMetrics(options: SelfMetricsOptions, parts: SelfMetricsParts): SelfMetrics {
  const registry = new Registry();
  const m = createInstruments(SELF_METRICS, registry);

  m.buildInfo.set(
    {
      version: options.version,
      revision: options.revision,
      node_version: options.nodeVersion,
      kernel_version: options.kernelVersion,
      arch: options.arch,
    },
    1,
  );
  const configure = (limits: ConfiguredLimits): void => {
    m.refreshIntervalSeconds.set(limits.refreshIntervalMs / 1000);
    m.seriesLimit.set(limits.seriesLimit);
    m.expositionBudgetBytes.set(limits.expositionBudgetBytes);
  };
  configure(options);

  for (const budget of BUDGETS) {
    m.budgetBinding.set({ budget }, 0);
    m.budgetBoundRefreshesTotal.inc({ budget }, 0);
  }
  for (const reason of HTTP_CLOSE_REASONS) m.httpConnectionsClosedTotal.inc({ reason }, 0);

  const refreshDurations = new NativeBuckets();
  /** By format. */
  const expositionDurations = new Map<string, NativeBuckets>();

  /** The native half of prom-client's histograms, which it does not have. */
  function nativeOf(name: string, labels: Labels): NativeHistogram | undefined {
    if (name === SELF_METRICS.refreshDurationSeconds.name) return refreshDurations;
    if (name !== SELF_METRICS.expositionDurationSeconds.name) return undefined;
    return expositionDurations.get(labels[0]?.[1] ?? '');
  }

  let unattributedBefore = 0;
  let readOpenConnections = (): number => 0;
  let readEventReaders = (): number => 0;

  return {
    configure,
    recordReload(succeeded, nowMs) {
      m.configLastReloadSuccessful.set(succeeded ? 1 : 0);
      if (succeeded) m.configLastReloadSuccessTimestampSeconds.set(nowMs / 1000);
    },
    setInterfaces(states) {
      m.interfaceAttached.reset();
      m.interfaceAttachInfo.reset();
      for (const state of states) {
        m.interfaceAttached.set({ interface: state.name }, state.attached === undefined ? 0 : 1);
        if (state.attached === undefined) continue;
        const { mode, framing, frags } = state.attached;
        m.interfaceAttachInfo.set({ interface: state.name, mode, framing, frags: String(frags) }, 1);
      }
    },
    recordAttachFailure(interfaceName, mode, errno) {
      m.interfaceAttachFailuresTotal.inc({ interface: interfaceName, mode, errno });
    },
    recordReattachment(interfaceName) {
      m.interfaceReattachmentsTotal.inc({ interface: interfaceName });
    },
    setLinkEvents({ refused, overruns }) {
      m.interfacesRefusedTotal.reset();
      m.interfacesRefusedTotal.inc(refused);
      m.netlinkOverrunsTotal.reset();
      m.netlinkOverrunsTotal.inc(overruns);
    },
    recordRefresh({ ok, durationMs, finishedAtMs }) {
      m.refreshesTotal.inc();
      m.refreshDurationSeconds.observe(durationMs / 1000);
      refreshDurations.observe(durationMs / 1000);
      if (ok) m.refreshTimestampSeconds.set(finishedAtMs / 1000);
      else m.refreshFailuresTotal.inc();
    },
    setFlows(flows) {
      m.flowsActive.set(flows.active);
      m.series.set(flows.series);
    },
    setSeries(count) {
      m.series.set(count);
    },
    recordSeriesEnded(reason, count) {
      m.seriesEndedTotal.inc({ reason }, count);
    },
    setKernelMap(map, entries, capacity) {
      m.kernelMapEntries.set({ map }, entries);
      m.kernelMapCapacity.set({ map }, capacity);
    },
    setUnattributedPackets(total) {
      m.kernelUnattributedPacketsTotal.inc(total >= unattributedBefore ? total - unattributedBefore : total);
      unattributedBefore = total;
    },
    recordExposition({ format, bytes, durationMs }) {
      m.expositionBytes.set({ format }, bytes);
      m.expositionDurationSeconds.observe({ format }, durationMs / 1000);
      const native = expositionDurations.get(format) ?? new NativeBuckets();
      expositionDurations.set(format, native);
      native.observe(durationMs / 1000);
    },
    setExpositionEstimate(bytes) {
      m.expositionEstimatedBytes.set(bytes);
    },
    recordBudgets(bound) {
      for (const budget of BUDGETS) {
        m.budgetBinding.set({ budget }, bound.has(budget) ? 1 : 0);
        if (bound.has(budget)) m.budgetBoundRefreshesTotal.inc({ budget });
      }
    },
    recordHttpRequest(code) {
      m.httpRequestsTotal.inc({ code });
    },
    setHttpConnections({ limit, readOpen }) {
      m.httpConnectionsLimit.set(limit);
      readOpenConnections = readOpen;
    },
    recordHttpConnectionClosed(reason) {
      m.httpConnectionsClosedTotal.inc({ reason });
    },
    setEventReaders(readOpen) {
      readEventReaders = readOpen;
    },
    recordEventReaderRefused() {
      m.httpEventReadersRefusedTotal.inc();
    },
    recordEventsSkipped(count) {
      m.httpEventsSkippedTotal.inc(count);
    },
    async families() {
      const usage = parts.readProcessUsage();
      m.httpConnections.set(readOpenConnections());
      m.httpEventReaders.set(readEventReaders());
      m.logLinesDroppedTotal.reset();
      m.logLinesDroppedTotal.inc(parts.readDroppedLogLines());
      m.processCpuSecondsTotal.reset();
      m.processCpuSecondsTotal.inc(usage.cpuSeconds);
      m.processResidentMemoryBytes.set(usage.residentMemoryBytes);
      m.processStartTimeSeconds.set(usage.startTimeSeconds);
      m.eventLoopStallSeconds.set(usage.eventLoopStallSeconds);
      if (usage.openFds === undefined) m.processOpenFds.remove();
      else m.processOpenFds.set(usage.openFds);
      return withNative(await familiesIn(registry, SELF_METRICS), nativeOf);
    },
  };
}
