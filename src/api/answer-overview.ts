// SPDX-License-Identifier: Apache-2.0
// Whether all is well, what comes in where, and how the exporter itself does; and of that what changes, for the
// events of each refresh.

import { trafficType } from '../abi/kinds.js';
import type { BooksView, SeriesView } from '../flows/views.js';
import type { Pacer } from '../pacer.js';
import type { RdmaView, VisibilityView } from '../rdma/rounds.js';
import type { RocePairsView } from '../roce/views.js';
import type { ExporterFacts, FactParts, WatchedInterface } from './facts.js';
import { bitsPerSecond, perSecond, renderList } from './json-list.js';
import type { LiveCounts } from './live-counts.js';
import { judgeLive, whyNothing } from './verdict.js';
import { windowRates } from './windows.js';

export interface OverviewParts extends Pick<FactParts, 'facts' | 'interfaceName'> {
  /** Of RDMA, as of now; undefined before the first reading. */
  visibility(): RdmaView | undefined;
  readonly series: SeriesView;
  readonly books: BooksView;
  readonly roce: RocePairsView | undefined;
}

/** Numbers and texts of an interface's row, about. */
const ROW_VALUES = 70;
/** Of a message; the overview has all of them. */
const EVENT_INTERFACES_MAX = 128;

interface TypeRow {
  readonly traffic_type: string;
  readonly bits_per_second: number | null;
  readonly packets_per_second: number | null;
  readonly bytes: number | null;
  readonly packets: number | null;
  readonly total_bytes: number;
  readonly total_packets: number;
}

/** Within the guard. */
export async function answerOverview(
  live: LiveCounts,
  parts: OverviewParts & { readonly pacer: Pacer },
): Promise<Record<string, unknown>> {
  const facts = parts.facts();
  const { last } = live;
  const rdma = parts.visibility();
  const byName = placesByName(parts);
  const watched = new Map(facts.interfaces.map((one) => [one.name, one]));
  const visibility = visibilityByName(rdma);
  const hasCarried = (place: number): boolean => hasCarriedEver(place, parts);
  const others = [...byName].filter(([, places]) => places.some(hasCarried)).map(([name]) => name);
  const names = new Set([...watched.keys(), ...others]);
  const row = (name: string): object =>
    interfaceRow(name, byName.get(name) ?? [], watched.get(name), live, parts, visibility.get(name) ?? []);
  const isIdle = parts.books.interfaces.every((_row, place) => !isBusy(place, live, parts));
  return {
    version: facts.version,
    started_ms: facts.startedMs,
    host_ip: facts.hostIp,
    collect_agg: facts.collectAgg,
    verdict: judgeLive(facts, rdma),
    interfaces: await renderList([...names], ROW_VALUES, row, parts.pacer),
    empty: isIdle ? whyNothing(facts, live.spanMs / 1000) : null,
    series: {
      count: parts.series.count,
      limit: facts.maxSeries,
      flows: last?.flows ?? 0,
      binding: [...facts.binding],
    },
    pairs: { count: parts.roce?.pairs.length ?? 0, limit: facts.maxPairs },
    push: pushRow(facts),
    exporter: {
      ready: facts.readiness.ready,
      sentence: facts.readiness.reason,
      interval_ms: facts.intervalMs,
      refresh_ms: last?.durationMs ?? null,
      stall_ms: last?.stallMs ?? null,
      resident_memory_bytes: facts.residentMemoryBytes,
      cpu_seconds: facts.cpuSeconds,
      event_readers: facts.eventReaders,
      event_readers_limit: facts.eventReadersLimit,
    },
  };
}

/** What changes with each refresh; small, as it is sent to many. */
export function eventOf(live: LiveCounts, parts: OverviewParts): Record<string, unknown> {
  const facts = parts.facts();
  const { level, sentence } = judgeLive(facts, parts.visibility());
  const interfaces = [...placesByName(parts)]
    .map(([name, places]) => ({ name, busy: places.filter((place) => isBusy(place, live, parts)) }))
    .filter(({ busy }) => busy.length > 0)
    .slice(0, EVENT_INTERFACES_MAX)
    .map(({ name, busy }) => ({
      name,
      ...ratesOf(busy, live),
      types: busy.map((place) => ({ traffic_type: typeOf(place, parts), ...ratesOf([place], live) })),
    }));
  return {
    verdict: { level, sentence },
    interfaces,
    series: { count: parts.series.count, limit: facts.maxSeries },
    push: { enabled: facts.push !== undefined, up: facts.push?.isUp ?? null },
    refresh_ms: live.last?.durationMs ?? null,
    stall_ms: live.last?.stallMs ?? null,
  };
}

function interfaceRow(
  name: string,
  places: readonly number[],
  watched: WatchedInterface | undefined,
  live: LiveCounts,
  parts: OverviewParts,
  visibility: readonly VisibilityView[],
) {
  const types = places
    .map((place) => typeRow(place, live, parts))
    .filter(({ total_packets, total_bytes }) => total_packets > 0 || total_bytes > 0);
  const sum = (field: 'bytes' | 'packets' | 'total_bytes' | 'total_packets'): number =>
    types.reduce((total, row) => total + (row[field] ?? 0), 0);
  return {
    name,
    attached: watched?.mode !== undefined,
    mode: watched?.mode ?? null,
    note: watched?.note ?? '',
    roce_visibility: visibility.map(({ rdmaDevice, state, unseenPackets }) => ({
      rdma_device: rdmaDevice,
      state,
      unseen_packets: unseenPackets ?? null,
    })),
    ...ratesOf(places, live),
    bytes: live.isKnown ? sum('bytes') : null,
    packets: live.isKnown ? sum('packets') : null,
    total_bytes: sum('total_bytes'),
    total_packets: sum('total_packets'),
    windows: interfaceWindows(places, live),
    types,
  };
}

function typeRow(place: number, live: LiveCounts, parts: OverviewParts): TypeRow {
  const { bytes: total_bytes = 0, packets: total_packets = 0 } = parts.books.interfaces[place] ?? {};
  return {
    traffic_type: typeOf(place, parts),
    ...ratesOf([place], live),
    bytes: live.isKnown ? (live.interfaces.bytes[place] ?? 0) : null,
    packets: live.isKnown ? (live.interfaces.packets[place] ?? 0) : null,
    total_bytes,
    total_packets,
  };
}

/** Whether it carried something in the last refresh, or where that is not known, ever. */
function isBusy(place: number, live: LiveCounts, parts: OverviewParts): boolean {
  return live.isKnown ? (live.interfaces.packets[place] ?? 0) > 0 : hasCarriedEver(place, parts);
}

function hasCarriedEver(place: number, { books }: OverviewParts): boolean {
  const { bytes = 0, packets = 0 } = books.interfaces[place] ?? {};
  return bytes > 0 || packets > 0;
}

function visibilityByName(rdma: RdmaView | undefined): ReadonlyMap<string, VisibilityView[]> {
  const byName = new Map<string, VisibilityView[]>();
  for (const row of rdma?.visibility ?? []) {
    const rows = byName.get(row.interfaceName);
    if (rows === undefined) byName.set(row.interfaceName, [row]);
    else rows.push(row);
  }
  return byName;
}

function typeOf(place: number, { books }: OverviewParts): string {
  return trafficType(books.interfaces[place]?.kind ?? 0).label;
}

function ratesOf(places: readonly number[], { interfaces, spanMs }: LiveCounts) {
  const sum = (counts: Float64Array): number =>
    places.reduce((total, place) => total + (counts[place] ?? 0), 0);
  return {
    bits_per_second: bitsPerSecond(sum(interfaces.bytes), spanMs),
    packets_per_second: perSecond(sum(interfaces.packets), spanMs),
  };
}

/** null where the interface has no history of its own. */
function interfaceWindows(places: readonly number[], live: LiveCounts) {
  const { history } = live.interfaces;
  const rows = live.interfaces.places.flatMap((place, row) => (places.includes(place) ? [row] : []));
  const carried = places.filter((place) => live.interfaces.hasHistory(place));
  if (carried.length > rows.length) return null;
  const one = new Float64Array(history.columns);
  return windowRates(
    (askedMs, sums) => {
      sums.fill(0);
      // Also without rows: an idle interface has carried nothing in that time.
      let spanMs = history.sumWindow(askedMs, 0, 0, one);
      for (const row of rows) {
        spanMs = history.sumWindow(askedMs, row, 0, one);
        for (let i = 0; i < one.length; i++) sums[i] = (sums[i] ?? 0) + (one[i] ?? 0);
      }
      return spanMs;
    },
    { count: history.columns, bytes: 0, packets: 1 },
  );
}

/** Places among the rows of the books, by name of their interface. */
function placesByName({ books, interfaceName }: OverviewParts): Map<string, number[]> {
  const byId = new Map<number, number[]>();
  books.interfaces.forEach(({ interfaceId }, place) => {
    const places = byId.get(interfaceId);
    if (places === undefined) byId.set(interfaceId, [place]);
    else places.push(place);
  });
  const byName = new Map<string, number[]>();
  for (const [id, places] of byId) {
    const name = interfaceName(id);
    byName.set(name, [...(byName.get(name) ?? []), ...places]);
  }
  return byName;
}

function pushRow({ push }: ExporterFacts): object {
  return {
    enabled: push !== undefined,
    up: push?.isUp ?? null,
    last_success_ms: push?.lastSuccessMs ?? null,
    queue_samples: push?.queueSamples ?? null,
    spool_samples: push?.spoolSamples ?? null,
    sentence: push?.trouble ?? '',
  };
}
