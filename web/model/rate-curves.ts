// SPDX-License-Identifier: Apache-2.0
// Rates of the last ten minutes by interface and traffic type: read once from the history, then carried on by
// the message of each refresh. Points are as dense as the exporter's: a second at least. Pure.

import type { HistoryAnswer, RefreshMessage } from './answers.js';

/** More curves than this nobody tells apart: the smaller ones are summed up as the last. */
export const CURVES_MAX = 8;
/** What goes into the rest must be less than this share of all; else curves are put together by something coarser. */
const REST_MAX_SHARE = 0.25;
/** What is shown stays until the rest is so large; a curve that is shown stays until another carries so much more. */
const REST_STAYS_SHARE = 0.35;
const STAYS_FACTOR = 1.25;
export const REST_NAME = 'all others';
/** Refreshes of less are put together. */
const POINT_SECONDS = 1;

export interface Curve {
  readonly name: string;
  /** Bits per second, one for each end. */
  readonly values: readonly number[];
}

export interface Curves {
  /** Unix seconds at which points end. */
  readonly ends: readonly number[];
  /** By what: the finest by which eight curves tell most of it. */
  readonly grouping: CurveGrouping;
  /** Largest first, by what they carried when they came in; the rest last. */
  readonly curves: readonly Curve[];
}

export type CurveGrouping = 'interface and traffic type' | 'interface' | 'traffic type';

/** The finest first. */
const GROUPINGS: readonly CurveGrouping[] = ['interface and traffic type', 'interface', 'traffic type'];

/** Of a curve at its finest: what it belongs to. */
interface CurveParts {
  readonly interfaceName: string;
  readonly trafficType: string;
}

interface Choice {
  readonly grouping: CurveGrouping;
  /** Bits by curve of this grouping. */
  readonly sums: ReadonlyMap<string, number>;
  readonly chosen: readonly string[];
}

interface Point {
  endMs: number;
  seconds: number;
  /** Bits by curve, at its finest. */
  readonly bits: Map<string, number>;
}

function curveName({ interfaceName, trafficType }: CurveParts, grouping: CurveGrouping): string {
  if (grouping === 'interface') return interfaceName;
  return grouping === 'traffic type' ? trafficType : `${interfaceName} ${trafficType}`;
}

export class RateCurves {
  #points: Point[] = [];
  #refresh = -1;
  #limitMs = 600_000;
  readonly #parts = new Map<string, CurveParts>();
  #grouping: CurveGrouping | undefined;
  /** Names of curves in their places. */
  #shown: readonly string[] = [];

  /** Of the last message or history; -1: none yet. */
  get refresh(): number {
    return this.#refresh;
  }

  begin(history: HistoryAnswer): void {
    this.#refresh = history.refresh;
    this.#limitMs = history.limit_seconds * 1000;
    this.#points = history.ends_ms.map((endMs, i) => {
      const seconds = history.seconds_each[i] ?? 0;
      const bits = new Map<string, number>();
      for (const series of history.series) {
        const name = this.#nameOf(series.interface ?? '', series.traffic_type ?? '');
        bits.set(name, (series.bits_per_second[i] ?? 0) * seconds);
      }
      return { endMs, seconds, bits };
    });
  }

  /** False: messages are missing before this one, or the exporter began anew; then the history tells. */
  append(message: RefreshMessage): boolean {
    if (this.#refresh < 0) return false;
    if (message.refresh === this.#refresh) return true;
    if (message.refresh !== this.#refresh + 1) return false;
    this.#refresh = message.refresh;
    const point = this.#openPoint(message.seconds);
    point.endMs = message.at_ms;
    point.seconds += message.seconds;
    for (const { name, types } of message.interfaces) {
      for (const { traffic_type: type, bits_per_second: rate } of types) {
        const curve = this.#nameOf(name, type);
        point.bits.set(curve, (point.bits.get(curve) ?? 0) + rate * message.seconds);
      }
    }
    const oldest = message.at_ms - this.#limitMs;
    this.#points = this.#points.filter(({ endMs }) => endMs >= oldest);
    return true;
  }

  #openPoint(seconds: number): Point {
    const last = this.#points.at(-1);
    // A tenth of slack, as refreshes are not on the tick.
    if (last !== undefined && last.seconds + seconds <= POINT_SECONDS * 1.1) return last;
    const fresh: Point = { endMs: 0, seconds: 0, bits: new Map() };
    this.#points.push(fresh);
    return fresh;
  }

  #nameOf(interfaceName: string, trafficType: string): string {
    const parts = { interfaceName, trafficType };
    const name = curveName(parts, 'interface and traffic type');
    if (!this.#parts.has(name)) this.#parts.set(name, parts);
    return name;
  }

  read(): Curves {
    const finest = new Map<string, number>();
    for (const { bits } of this.#points) {
      for (const [name, amount] of bits) {
        if (amount > 0) finest.set(name, (finest.get(name) ?? 0) + amount);
      }
    }
    const { grouping, sums, chosen } = this.#choose(finest);
    const before = this.#grouping === grouping ? this.#shown : [];
    this.#grouping = grouping;
    this.#shown = inTheirPlaces(chosen, before);
    const columns = new Map(this.#shown.map((name) => [name, this.#points.map(() => 0)]));
    const rest = sums.size > chosen.length ? this.#points.map(() => 0) : undefined;
    const groups = new Map([...finest.keys()].map((name) => [name, this.#groupOf(name, grouping)]));
    for (const [i, { bits, seconds }] of this.#points.entries()) {
      if (seconds <= 0) continue;
      for (const [name, amount] of bits) {
        const column = columns.get(groups.get(name) ?? '') ?? rest;
        if (column !== undefined) column[i] = (column[i] ?? 0) + amount / seconds;
      }
    }
    const curves: Curve[] = [...columns].map(([name, values]) => ({ name, values }));
    if (rest !== undefined) curves.push({ name: REST_NAME, values: rest });
    return { ends: this.#points.map(({ endMs }) => endMs / 1000), grouping, curves };
  }

  #groupOf(name: string, grouping: CurveGrouping): string {
    const parts = this.#parts.get(name);
    return parts === undefined ? name : curveName(parts, grouping);
  }

  /** The finest grouping of which the curves that are shown tell most, and its largest curves. */
  #choose(finest: ReadonlyMap<string, number>): Choice {
    const all = [...finest.values()].reduce((sum, amount) => sum + amount, 0);
    let last: Choice = { grouping: 'traffic type', sums: finest, chosen: [] };
    for (const grouping of GROUPINGS) {
      const sums = new Map<string, number>();
      for (const [name, amount] of finest) {
        const group = this.#groupOf(name, grouping);
        sums.set(group, (sums.get(group) ?? 0) + amount);
      }
      const isShown = grouping === this.#grouping;
      const chosen = largestOf(sums, isShown ? this.#shown : []);
      last = { grouping, sums, chosen };
      const told = chosen.reduce((sum, name) => sum + (sums.get(name) ?? 0), 0);
      if (all - told <= all * (isShown ? REST_STAYS_SHARE : REST_MAX_SHARE)) break;
    }
    return last;
  }
}

/** As many as there is room for, largest first; those before stay unless others carry clearly more. */
function largestOf(sums: ReadonlyMap<string, number>, before: readonly string[]): string[] {
  const weights = [...sums].map(([name, amount]) => ({
    name,
    weight: amount * (before.includes(name) ? STAYS_FACTOR : 1),
  }));
  const ranked = weights
    .sort((a, b) => b.weight - a.weight || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name);
  return ranked.length > CURVES_MAX ? ranked.slice(0, CURVES_MAX - 1) : ranked;
}

/** Who was there keeps its place, and so its colour; who is new takes a free one, or the end. */
function inTheirPlaces(names: readonly string[], before: readonly string[]): string[] {
  const fresh = names.filter((name) => !before.includes(name));
  const kept = before.flatMap((name) => (names.includes(name) ? [name] : fresh.splice(0, 1)));
  return [...kept, ...fresh];
}

/** Each curve upon those before it. */
export function stack(curves: readonly Curve[]): number[][] {
  const floor: number[] = [];
  return curves.map(({ values }) => {
    for (const [i, value] of values.entries()) floor[i] = (floor[i] ?? 0) + value;
    return [...floor];
  });
}
