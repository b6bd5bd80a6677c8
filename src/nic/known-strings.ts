// SPDX-License-Identifier: Apache-2.0
// A driver's strings -> which of them mean what, and which are left over. Made once for a list of strings; then a
// reading takes the values at these places alone, of the thousands that a card with many queues has. Pure.

import type { CounterRow } from './counter-row.js';
import { DRIVER_TABLES } from './driver-tables.js';
import type { Meaning, NicCounter } from './meanings.js';

const PRIORITIES = [0, 1, 2, 3, 4, 5, 6, 7] as const;
const PLACEHOLDER = '{p}';
const U64_BYTES = 8;

/** One of a driver's strings, whose meaning we know. */
export interface KnownString {
  /** Its place in the driver's list. */
  readonly index: number;
  readonly meaning: Meaning;
  readonly labels: readonly string[];
  readonly factor: number;
}

/** A counter by the driver's own string. */
export interface RawCounter {
  readonly name: string;
  readonly value: number;
}

export interface StringPlaces {
  readonly known: readonly KnownString[];
  readonly raw: readonly { readonly index: number; readonly name: string }[];
  /** Strings that were asked for raw, but for which there was no room. */
  readonly rawLeftOut: number;
}

/** Most raw counters of an interface: a card with a hundred queues has ten thousand strings. */
export const MOST_RAW = 256;

/** @param wantsRaw of a string without a meaning: whether to show it as it is. */
export function placeStrings(
  driver: string,
  names: readonly string[],
  wantsRaw: (name: string) => boolean,
): StringPlaces {
  const meanings = meaningsOf(driver);
  const known: KnownString[] = [];
  const raw: { index: number; name: string }[] = [];
  const seen = new Set<string>();
  let rawLeftOut = 0;
  for (const [index, name] of names.entries()) {
    // Some drivers have a string twice; the first is the one that ethtool's readers go by.
    if (name === '' || seen.has(name)) continue;
    seen.add(name);
    const meaning = meanings.get(name);
    if (meaning !== undefined) known.push({ index, ...meaning });
    else if (wantsRaw(name)) {
      if (raw.length < MOST_RAW) raw.push({ index, name });
      else rawLeftOut++;
    }
  }
  return { known, raw, rawLeftOut };
}

/** Of a card's table, by string; none for a driver that we do not know. */
export function meaningsOf(driver: string): ReadonlyMap<string, Omit<KnownString, 'index'>> {
  const rows: readonly CounterRow[] =
    DRIVER_TABLES.find(({ drivers }) => drivers.includes(driver))?.rows ?? [];
  return new Map(rows.flatMap(expand));
}

/** values: 64 bits each, little-endian. A place beyond them has no counter. */
export function countersAt(values: Buffer, places: Pick<StringPlaces, 'known'>): NicCounter[] {
  return places.known.flatMap(({ index, meaning, labels, factor }) => {
    const value = valueAt(values, index);
    return value === undefined ? [] : [{ meaning, labels, value: value * factor }];
  });
}

export function rawCountersAt(values: Buffer, places: Pick<StringPlaces, 'raw'>): RawCounter[] {
  return places.raw.flatMap(({ index, name }) => {
    const value = valueAt(values, index);
    return value === undefined ? [] : [{ name, value }];
  });
}

/** Above 2^53 the last bits are rounded away. */
function valueAt(values: Buffer, index: number): number | undefined {
  const at = index * U64_BYTES;
  return at + U64_BYTES <= values.length ? Number(values.readBigUInt64LE(at)) : undefined;
}

function expand([string, meaning, labels, factor = 1]: CounterRow): [string, Omit<KnownString, 'index'>][] {
  if (!string.includes(PLACEHOLDER)) return [[string, { meaning, labels, factor }]];
  return PRIORITIES.map((priority) => {
    const fill = (text: string): string => text.replace(PLACEHOLDER, String(priority));
    return [fill(string), { meaning, labels: labels.map(fill), factor }];
  });
}
