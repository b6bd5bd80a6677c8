// SPDX-License-Identifier: Apache-2.0
// Stable numbers for interfaces. The kernel counts by ifindex, which is new each time a device is
// made; series must go on when a device comes back under its name. So rows carry the number of the
// name, and this maps ifindex to it. Pure.

import { ANY_INTERFACE } from '../abi/row-key.js';

/** Names beyond those configured that may get a number of their own; see adopt(). */
const ADOPTED_MAX = 256;
/** Those beyond. */
const UNKNOWN = 'unknown';

export interface InterfaceIds {
  /** The number of an ifindex; an ifindex never bound is adopted. */
  idOf(ifindex: number): number;
  /** Of the ifindexes of this number the one seen last; 0 for none. */
  ifindexOf(id: number): number;
  nameOf(id: number): string;
  /** Of a name that an interface had in a former process; one that has none is adopted. */
  idOfName(name: string): number;
  /**
   * A configured interface gets another name; before the first packet is counted under its number. Returns the number
   * that it has from now on: another one where the name has one already.
   */
  rename(id: number, name: string): number;
  /** From now on this ifindex is the interface `id`. */
  bind(ifindex: number, id: number): void;
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
  const idByIndex = new Map<number, number>();
  const indexById = new Map<number, number>();
  let unknownId: number | undefined;

  function adopt(ifindex: number): number {
    return idOfName(nameOfIndex(ifindex) ?? `ifindex_${ifindex}`);
  }

  function idOfName(name: string): number {
    const known = names.indexOf(name);
    if (known >= 0) return known;
    if (name !== UNKNOWN && names.length < configuredNames.length + ADOPTED_MAX) return names.push(name) - 1;
    unknownId ??= names.push(UNKNOWN) - 1;
    return unknownId;
  }

  return {
    idOf(ifindex) {
      let id = idByIndex.get(ifindex);
      if (id === undefined) {
        id = adopt(ifindex);
        idByIndex.set(ifindex, id);
        indexById.set(id, ifindex);
      }
      return id;
    },
    ifindexOf: (id) => indexById.get(id) ?? 0,
    nameOf: (id) => (id === ANY_INTERFACE ? 'any' : (names[id] ?? UNKNOWN)),
    idOfName,
    rename(id, name) {
      const known = names.indexOf(name);
      if (known >= 0) return known;
      names[id] = name;
      return id;
    },
    bind(ifindex, id) {
      idByIndex.set(ifindex, id);
      indexById.set(id, ifindex);
    },
  };
}
