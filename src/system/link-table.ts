// SPDX-License-Identifier: Apache-2.0
// The links of our network namespace as they are now: all of them once, then by the kernel's events. Where it
// lost some, all of them again, and that is counted.

import type { RouteLink, RouteMessage } from '../kernel/route-messages.js';
import type { RouteSocket } from '../kernel/route-socket.js';

export interface LinkTable {
  /** By ifindex, in the order in which they came. */
  readonly links: ReadonlyMap<number, RouteLink>;
  named(name: string): RouteLink | undefined;
  /**
   * Reads what the kernel told since the last call; returns whether links may have changed. Events that are too
   * many for one turn of the event loop come with the next call. Throws KernelError.
   */
  poll(): boolean;
  /** Grows whenever poll() returns true. */
  readonly changes: number;
  /** Whether the last call left something that can be read at once; never after one that threw. */
  readonly hasMore: boolean;
  /** Whether addresses may have changed, or links gone up or down, since the last call. */
  takeAddressChange(): boolean;
  /** Times that events were lost and all links were looked at again. */
  readonly overruns: number;
  close(): void;
}

/** Some 3 ms. */
const MOST_DATAGRAMS_PER_POLL = 500;
/** Some 30 ms, of a receive buffer that was full; what is more than that waits for the next call. */
const MOST_READS_BEFORE_LOOK = 10;

/** Throws KernelError. */
export function openLinkTable({ openSocket }: { openSocket(): RouteSocket }): LinkTable {
  const socket = openSocket();
  const links = new Map<number, RouteLink>();
  const indexByName = new Map<string, number>();
  let haveAddressesChanged = true;
  let isFirst = true;
  let isStale = true;
  let hasMore = false;
  let overruns = 0;
  let changes = 0;

  function put(link: RouteLink): boolean {
    const before = links.get(link.index);
    if (before?.flags !== link.flags) haveAddressesChanged = true;
    links.set(link.index, link);
    if (before !== undefined && before.name !== link.name) freeName(before);
    indexByName.set(link.name, link.index);
    return before === undefined || hasChanged(before, link);
  }

  /** Another link may have taken the name already. */
  function freeName({ name, index }: RouteLink): void {
    if (indexByName.get(name) === index) indexByName.delete(name);
  }

  function remove(index: number): boolean {
    const link = links.get(index);
    if (link === undefined) return false;
    links.delete(index);
    freeName(link);
    haveAddressesChanged = true;
    return true;
  }

  function note(message: RouteMessage): boolean {
    if (message.kind === 'link') return put(message.link);
    if (message.kind === 'link gone') return remove(message.index);
    if (message.kind === 'address') haveAddressesChanged = true;
    return false;
  }

  /**
   * What waits goes first: it is older than the answer, and the end of a link that it begins may be among what
   * was lost. Returns whether that was all of it. Where links came or went during the look, one may be missing in
   * the answer: what is known stays, and the next call looks again.
   */
  function lookAtAll(): boolean {
    for (let i = 0; !isFirst; i++) {
      const reading = socket.read(MOST_DATAGRAMS_PER_POLL, note);
      if (reading === 'all') break;
      if (reading === 'lost') overruns++;
      if (i === MOST_READS_BEFORE_LOOK) return false;
    }
    const listed = socket.listLinks();
    if (listed.isWhole) {
      links.clear();
      indexByName.clear();
    }
    for (const link of listed.links) put(link);
    haveAddressesChanged = true;
    isStale = !listed.isWhole;
    isFirst = false;
    return true;
  }

  function pollOnce(): boolean {
    let hasNews = false;
    hasMore = false; // nor after a look that failed: in the next turn of the event loop it would fail again
    if (isStale) {
      hasNews = true;
      if (!lookAtAll()) {
        hasMore = true;
        return hasNews;
      }
    }
    const reading = socket.read(MOST_DATAGRAMS_PER_POLL, (message) => {
      if (note(message)) hasNews = true;
    });
    hasMore = reading !== 'all' && !isStale;
    if (reading === 'lost') {
      overruns++;
      isStale = true;
    }
    return hasNews;
  }

  const table: LinkTable = {
    links,
    named(name) {
      const index = indexByName.get(name);
      return index === undefined ? undefined : links.get(index);
    },
    poll() {
      const hasNews = pollOnce();
      if (hasNews) changes++;
      return hasNews;
    },
    get changes() {
      return changes;
    },
    get hasMore() {
      return hasMore;
    },
    takeAddressChange() {
      const taken = haveAddressesChanged;
      haveAddressesChanged = false;
      return taken;
    },
    get overruns() {
      return overruns;
    },
    close: () => socket.close(),
  };
  try {
    table.poll();
  } catch (error) {
    socket.close();
    throw error;
  }
  return table;
}

/** Of what interfaces are chosen by. */
function hasChanged(before: RouteLink, after: RouteLink): boolean {
  return (
    before.name !== after.name ||
    before.isUp !== after.isUp ||
    before.linkType !== after.linkType ||
    before.lowerIndex !== after.lowerIndex ||
    before.masterIndex !== after.masterIndex ||
    before.parentDevice !== after.parentDevice ||
    before.physicalPortName !== after.physicalPortName
  );
}
