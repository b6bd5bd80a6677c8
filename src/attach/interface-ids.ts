// SPDX-License-Identifier: Apache-2.0
// Stable numbers for interfaces. The kernel counts by ifindex, which is new each time a device is
// made; series must go on when a device comes back under its name. So rows carry the number of the
// name, and this maps ifindex to it. Pure.

import { ANY_INTERFACE } from '../abi/row-key.js';

/** Names beyond those configured that may get a number of their own; see adopt(). */
const ADOPTED_MAX = 256;
/** The same for names that patterns matched, ever: their books stay. */
const CLAIMED_MAX = 1024;
/** Ifindexes of interfaces that were let go, and whose last counts may still be in the kernel. */
const RELEASED_MAX = 4096;
/** Those that are adopted beyond. */
const UNKNOWN = 'unknown';
/** Whom names beyond CLAIMED_MAX count as, together. */
const OTHER_NAMES = 'other';

export interface InterfaceIds {
  /** The number of an ifindex; an ifindex never bound is adopted. */
  idOf(ifindex: number): number;
  /** The same of one that was bound or adopted; else undefined. */
  boundTo(ifindex: number): number | undefined;
  /** Of the ifindexes of this number the one seen last; 0 for none. */
  ifindexOf(id: number): number;
  nameOf(id: number): string;
  /** Of a name that an interface had in a former process; one that has none gets one, as with claim(). */
  idOfName(name: string): number;
  /**
   * A configured interface gets another name; before the first packet is counted under its number. Returns the number
   * that it has from now on: another one where the name has one already.
   */
  rename(id: number, name: string): number;
  /** From now on this ifindex is the interface `id`. */
  bind(ifindex: number, id: number): void;
  /**
   * The number of a name that was not configured, the same as ever. Names beyond CLAIMED_MAX share one, `other`,
   * so that nothing grows without bound however many short-lived interfaces match a pattern.
   */
  claim(name: string): number;
  /** This ifindex carries nothing any more; its number is known until RELEASED_MAX others went. */
  release(ifindex: number): void;
}

/**
 * Numbers 0..names.length-1 are the configured names, in order.
 *
 * A program attached to a bond runs on the bond's ports and sees their ifindexes: such an ifindex
 * gets a number of its own, under the name `nameOfIndex` finds or `ifindex_N`. Beyond ADOPTED_MAX
 * they share one, `unknown`, so that nothing grows without bound.
 */
export function createInterfaceIds(
  configuredNames: readonly string[],
  nameOfIndex: (ifindex: number) => string | undefined,
): InterfaceIds {
  const names = [...configuredNames];
  const idByName = new Map(names.map((name, id) => [name, id]));
  const idByIndex = new Map<number, number>();
  const indexById = new Map<number, number>();
  /** In the order in which they went. */
  const released = new Set<number>();
  const unknown = { name: UNKNOWN, most: ADOPTED_MAX, count: 0 };
  const other = { name: OTHER_NAMES, most: CLAIMED_MAX, count: 0 };

  /** A number of its own while there are any; then that of `beyond.name`. */
  function numberOf(name: string, beyond: typeof unknown): number {
    const known = idByName.get(name);
    if (known !== undefined) return known;
    if (beyond.count === beyond.most) return idByName.get(beyond.name) ?? add(beyond.name);
    beyond.count++;
    return add(name);
  }

  function add(name: string): number {
    const id = names.push(name) - 1;
    idByName.set(name, id);
    return id;
  }

  return {
    idOf(ifindex) {
      let id = idByIndex.get(ifindex);
      if (id === undefined) {
        id = numberOf(nameOfIndex(ifindex) ?? `ifindex_${ifindex}`, unknown);
        idByIndex.set(ifindex, id);
        indexById.set(id, ifindex);
      }
      return id;
    },
    boundTo: (ifindex) => idByIndex.get(ifindex),
    ifindexOf: (id) => indexById.get(id) ?? 0,
    nameOf: (id) => (id === ANY_INTERFACE ? 'any' : (names[id] ?? UNKNOWN)),
    // What two processes share beyond their bounds is the same.
    idOfName: (name) =>
      name === UNKNOWN || name === OTHER_NAMES ? (idByName.get(name) ?? add(name)) : numberOf(name, other),
    rename(id, name) {
      const known = idByName.get(name);
      if (known !== undefined) return known;
      const before = names[id];
      if (before !== undefined && idByName.get(before) === id) idByName.delete(before);
      names[id] = name;
      idByName.set(name, id);
      return id;
    },
    bind(ifindex, id) {
      released.delete(ifindex);
      idByIndex.set(ifindex, id);
      indexById.set(id, ifindex);
    },
    claim: (name) => numberOf(name, other),
    release(ifindex) {
      if (!idByIndex.has(ifindex)) return;
      released.delete(ifindex);
      released.add(ifindex);
      if (released.size <= RELEASED_MAX) return;
      const [oldest] = released;
      if (oldest === undefined) return;
      released.delete(oldest);
      idByIndex.delete(oldest);
    },
  };
}
