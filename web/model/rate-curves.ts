// SPDX-License-Identifier: Apache-2.0
// Rates of the last ten minutes by interface and traffic type: read once from the history, then carried on by
// the message of each refresh. Points are as dense as the exporter's: a second at least. Pure.

import type { HistoryAnswer, RefreshMessage } from './answers.js';

/** More curves than this nobody tells apart: the smaller ones are summed up as the last. */
export const CURVES_MAX = 8;
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
  /** Largest first, by what they carried; the rest last. */
  readonly curves: readonly Curve[];
}

interface Point {
  endMs: number;
  seconds: number;
  /** Bits by curve. */
  readonly bits: Map<string, number>;
}

export function curveName(interfaceName: string, trafficType: string): string {
  return `${interfaceName} ${trafficType}`;
}

export class RateCurves {
  #points: Point[] = [];
  #refresh = -1;
  #limitMs = 600_000;

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
        const name = curveName(series.interface ?? '', series.traffic_type ?? '');
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
        const curve = curveName(name, type);
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

  read(): Curves {
    const sums = new Map<string, number>();
    for (const { bits } of this.#points) {
      for (const [name, amount] of bits) sums.set(name, (sums.get(name) ?? 0) + amount);
    }
    const ranked = [...sums]
      .filter(([, amount]) => amount > 0)
      .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
      .map(([name]) => name);
    const shown = ranked.length > CURVES_MAX ? ranked.slice(0, CURVES_MAX - 1) : ranked;
    const rest = ranked.slice(shown.length);
    const valuesOf = (names: readonly string[]): number[] =>
      this.#points.map(({ bits, seconds }) => {
        const sum = names.reduce((all, name) => all + (bits.get(name) ?? 0), 0);
        return seconds > 0 ? sum / seconds : 0;
      });
    const curves = shown.map((name) => ({ name, values: valuesOf([name]) }));
    if (rest.length > 0) curves.push({ name: REST_NAME, values: valuesOf(rest) });
    return { ends: this.#points.map(({ endMs }) => endMs / 1000), curves };
  }
}

/** Each curve upon those before it. */
export function stack(curves: readonly Curve[]): number[][] {
  const floor: number[] = [];
  return curves.map(({ values }) => {
    for (const [i, value] of values.entries()) floor[i] = (floor[i] ?? 0) + value;
    return [...floor];
  });
}
