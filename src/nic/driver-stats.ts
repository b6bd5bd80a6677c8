// SPDX-License-Identifier: Apache-2.0
// The driver's own counters of an interface, read by the places of their strings, which are found once and again when
// the strings have changed: PFC that is switched on for a priority, another number of queues, another card.

import { decodeStatNames, type Ethtool } from '../kernel/ethtool/ethtool-ioctl.js';
import {
  countersAt,
  placeStrings,
  type RawCounter,
  rawCountersAt,
  type StringPlaces,
} from './known-strings.js';
import type { NicCounter } from './meanings.js';

export interface DriverStats {
  readonly counters: readonly NicCounter[];
  readonly raw: readonly RawCounter[];
  readonly rawLeftOut: number;
}

/** The positive errno instead where it cannot be read; EAGAIN where the strings would not stand still. */
export interface DriverStatsReader {
  /** Looks at the strings first. */
  read(interfaceName: string, driver: string): DriverStats | number;
  /** By the strings as of the last read(); none before it. */
  readAgain(interfaceName: string): readonly NicCounter[] | number;
}

interface Strings {
  readonly driver: string;
  readonly bytes: Buffer;
  readonly count: number;
  readonly places: StringPlaces;
}

/** From errno.h: what this makes of a count that changes all the time. */
const EAGAIN = 11;
const ATTEMPTS = 3;
/** More interfaces than a host has NICs: names that came and went. */
const MOST_REMEMBERED = 1024;

export function createDriverStatsReader(
  options: { wantsRaw(name: string): boolean },
  { ethtool }: { readonly ethtool: Ethtool },
): DriverStatsReader {
  const remembered = new Map<string, Strings>();

  function lookAtStrings(interfaceName: string, driver: string): Strings | number {
    const count = ethtool.countStats(interfaceName);
    if (typeof count !== 'number') return count.errno;
    const bytes = ethtool.readStatNames(interfaceName, count);
    if (typeof bytes === 'number') return bytes;
    const before = remembered.get(interfaceName);
    if (before?.driver === driver && before.bytes.equals(bytes)) return before;
    const places = placeStrings(driver, decodeStatNames(bytes), options.wantsRaw);
    if (remembered.size >= MOST_REMEMBERED) remembered.clear();
    const strings = { driver, bytes, count, places };
    remembered.set(interfaceName, strings);
    return strings;
  }

  return {
    read(interfaceName, driver) {
      for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
        const strings = lookAtStrings(interfaceName, driver);
        if (strings === EAGAIN) continue;
        if (typeof strings === 'number') return strings;
        const { count, places } = strings;
        const { rawLeftOut } = places;
        if (places.known.length + places.raw.length === 0) return { counters: [], raw: [], rawLeftOut };
        const values = ethtool.readStatValues(interfaceName, count);
        if (values === EAGAIN) continue;
        if (typeof values === 'number') return values;
        return { counters: countersAt(values, places), raw: rawCountersAt(values, places), rawLeftOut };
      }
      return EAGAIN;
    },
    readAgain(interfaceName) {
      const strings = remembered.get(interfaceName);
      if (strings === undefined) return [];
      const values = ethtool.readStatValues(interfaceName, strings.count);
      return typeof values === 'number' ? values : countersAt(values, strings.places);
    },
  };
}
