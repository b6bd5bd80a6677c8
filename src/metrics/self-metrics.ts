// SPDX-License-Identifier: Apache-2.0
// What the exporter says of itself, kept by prom-client in a registry of its own. prom-client only
// counts here: its renderer drops _total for good once a registry has been switched to OpenMetrics,
// so families leave as data and exposition/ renders them. Not for flows: 40,000 series cost it 0.4 s.
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CATALOG, METRICS, type MetricDefinition } from './catalog.js';
import type { Family, Sample } from './family.js';
import type { ProcessUsage } from './process-usage.js';

export interface SelfMetricsOptions {
  readonly version: string;
  readonly revision: string;
  readonly nodeVersion: string;
  readonly kernelVersion: string;
  readonly arch: string;
  readonly refreshIntervalMs: number;
  readonly seriesLimit: number;
}

export interface SelfMetricsParts {
  /** Called once per families(). */
  readProcessUsage(): ProcessUsage;
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
  /** Replaces the state of all interfaces. */
  setInterfaces(states: readonly InterfaceState[]): void;
  /** errno: the name (`EBUSY`), or a number where it has none. */
  recordAttachFailure(interfaceName: string, mode: 'native' | 'generic', errno: string): void;
  recordReattachment(interfaceName: string): void;
  /** Call once per refresh, good or failed. finishedAtMs: wall clock. */
  recordRefresh(refresh: {
    readonly ok: boolean;
    readonly durationMs: number;
    readonly finishedAtMs: number;
  }): void;
  setFlows(flows: { readonly active: number; readonly series: number }): void;
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
  /** All of the above as of now. */
  families(): Promise<Family[]>;
}

export function createSelfMetrics(options: SelfMetricsOptions, parts: SelfMetricsParts): SelfMetrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = ({ name, help, labels }: MetricDefinition): Gauge =>
    new Gauge({ name, help, labelNames: labels, registers });
  const counter = ({ name, help, labels }: MetricDefinition): Counter =>
    new Counter({ name, help, labelNames: labels, registers });
  const histogram = ({ name, help, labels, buckets = [] }: MetricDefinition): Histogram =>
    new Histogram({ name, help, labelNames: labels, registers, buckets: [...buckets] });

  const buildInfo = gauge(METRICS.buildInfo);
  const attached = gauge(METRICS.interfaceAttached);
  const attachInfo = gauge(METRICS.interfaceAttachInfo);
  const attachFailures = counter(METRICS.interfaceAttachFailuresTotal);
  const reattachments = counter(METRICS.interfaceReattachmentsTotal);
  const refreshDuration = histogram(METRICS.refreshDurationSeconds);
  const refreshTimestamp = gauge(METRICS.refreshTimestampSeconds);
  const refreshes = counter(METRICS.refreshesTotal);
  const refreshFailures = counter(METRICS.refreshFailuresTotal);
  const refreshInterval = gauge(METRICS.refreshIntervalSeconds);
  const flowsActive = gauge(METRICS.flowsActive);
  const series = gauge(METRICS.series);
  const seriesLimit = gauge(METRICS.seriesLimit);
  const seriesEnded = counter(METRICS.seriesEndedTotal);
  const mapEntries = gauge(METRICS.kernelMapEntries);
  const mapCapacity = gauge(METRICS.kernelMapCapacity);
  const unattributed = counter(METRICS.kernelUnattributedPacketsTotal);
  const expositionBytes = gauge(METRICS.expositionBytes);
  const expositionDuration = histogram(METRICS.expositionDurationSeconds);
  const httpRequests = counter(METRICS.httpRequestsTotal);
  const eventLoopStall = gauge(METRICS.eventLoopStallSeconds);
  const cpuSeconds = counter(METRICS.processCpuSecondsTotal);
  const residentMemory = gauge(METRICS.processResidentMemoryBytes);
  const startTime = gauge(METRICS.processStartTimeSeconds);
  const openFds = gauge(METRICS.processOpenFds);

  buildInfo.set(
    {
      version: options.version,
      revision: options.revision,
      node_version: options.nodeVersion,
      kernel_version: options.kernelVersion,
      arch: options.arch,
    },
    1,
  );
  refreshInterval.set(options.refreshIntervalMs / 1000);
  seriesLimit.set(options.seriesLimit);

  let unattributedBefore = 0;

  return {
    setInterfaces(states) {
      attached.reset();
      attachInfo.reset();
      for (const state of states) {
        attached.set({ interface: state.name }, state.attached === undefined ? 0 : 1);
        if (state.attached === undefined) continue;
        const { mode, framing, frags } = state.attached;
        attachInfo.set({ interface: state.name, mode, framing, frags: String(frags) }, 1);
      }
    },
    recordAttachFailure(interfaceName, mode, errno) {
      attachFailures.inc({ interface: interfaceName, mode, errno });
    },
    recordReattachment(interfaceName) {
      reattachments.inc({ interface: interfaceName });
    },
    recordRefresh({ ok, durationMs, finishedAtMs }) {
      refreshes.inc();
      refreshDuration.observe(durationMs / 1000);
      if (ok) refreshTimestamp.set(finishedAtMs / 1000);
      else refreshFailures.inc();
    },
    setFlows(flows) {
      flowsActive.set(flows.active);
      series.set(flows.series);
    },
    recordSeriesEnded(reason, count) {
      seriesEnded.inc({ reason }, count);
    },
    setKernelMap(map, entries, capacity) {
      mapEntries.set({ map }, entries);
      mapCapacity.set({ map }, capacity);
    },
    setUnattributedPackets(total) {
      unattributed.inc(total >= unattributedBefore ? total - unattributedBefore : total);
      unattributedBefore = total;
    },
    recordExposition({ format, bytes, durationMs }) {
      expositionBytes.set({ format }, bytes);
      expositionDuration.observe({ format }, durationMs / 1000);
    },
    recordHttpRequest(code) {
      httpRequests.inc({ code });
    },
    async families() {
      const usage = parts.readProcessUsage();
      cpuSeconds.reset();
      cpuSeconds.inc(usage.cpuSeconds);
      residentMemory.set(usage.residentMemoryBytes);
      startTime.set(usage.startTimeSeconds);
      eventLoopStall.set(usage.eventLoopStallSeconds);
      if (usage.openFds === undefined) openFds.remove();
      else openFds.set(usage.openFds);
      return toFamilies(await registry.getMetricsAsJSON());
    },
  };
}

/** One value of prom-client's JSON; metricName is set on histograms only. */
interface JsonValue {
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}

function toFamilies(
  metrics: readonly { readonly name: string; readonly values: readonly JsonValue[] }[],
): Family[] {
  const definitions = new Map(CATALOG.map((definition) => [definition.name, definition]));
  return metrics.flatMap((metric) => {
    const definition = definitions.get(metric.name);
    if (definition === undefined) return [];
    const { name, help, type } = definition;
    return [{ name, help, type, samples: metric.values.map((value) => toSample(definition, value)) }];
  });
}

/** Labels in the catalogue's order, le last and as OpenMetrics writes numbers, in every format. */
function toSample(definition: MetricDefinition, { value, labels, metricName }: JsonValue): Sample {
  const le = labels['le'];
  const pairs = definition.labels.map((name) => [name, String(labels[name] ?? '')] as const);
  return {
    suffix: metricName === undefined ? '' : metricName.slice(definition.name.length),
    labels: le === undefined ? pairs : [...pairs, ['le', canonicalBound(le)]],
    value,
  };
}

function canonicalBound(le: string | number): string {
  const text = String(le);
  return /^\d+$/.test(text) ? `${text}.0` : text;
}
