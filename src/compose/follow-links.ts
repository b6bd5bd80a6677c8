// SPDX-License-Identifier: Apache-2.0
// The links of our network namespace, and attachments that follow them.

import type { Attachments } from '../attach/attachments.js';
import { createInterfaceIds, type InterfaceIds } from '../attach/interface-ids.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import { parseInterfacePatterns } from '../interface-patterns.js';
import type { Libc } from '../kernel/ffi.js';
import { openRouteSocket } from '../kernel/route-socket.js';
import { type LinkTable, openLinkTable } from '../system/link-table.js';

/** Events are read this often; without any that is one call of recv(). */
export const LINKS_MS = 250;
/** So often a look is taken at links that nothing was told of: somebody else may have detached us. */
const FULL_CHECK_MS = 1000;
/** Throws KernelError. */
export function connectLinks(libc: Libc): LinkTable {
  return openLinkTable({ openSocket: () => openRouteSocket(libc) });
}

/** Numbers of the interfaces that are configured by name, and of others as they are met. */
export function connectIds({ interfaces }: Pick<Config, 'interfaces'>, table: LinkTable): InterfaceIds {
  const { names } = parseInterfacePatterns(interfaces);
  return createInterfaceIds(names, (ifindex) => table.links.get(ifindex)?.name);
}

/** The same attachments, which check() looks at where a link has changed, and else once per FULL_CHECK_MS. */
export function followLinks(
  attachments: Attachments,
  parts: {
    readonly links: LinkTable;
    readonly clock: Pick<Clock, 'nowMs' | 'yieldToLoop'>;
    readonly log: { warn(fields: object, message: string): void };
  },
): Attachments {
  const { links, clock, log } = parts;
  let checkedMs = Number.NEGATIVE_INFINITY;
  let trouble = '';
  let isBusy = false;
  let isClosed = false;

  function poll(): boolean {
    const before = links.overruns;
    let hasNews = false;
    try {
      hasNews = links.poll();
      trouble = '';
    } catch (error) {
      const sentence = error instanceof Error ? error.message : String(error);
      if (sentence !== trouble) log.warn({ err: error }, 'links cannot be followed; trying again');
      trouble = sentence;
    }
    if (links.overruns > before)
      log.warn({}, 'the kernel had no room for events of links: looking at all links');
    return hasNews;
  }

  function check(isDue: boolean): void {
    const hasNews = poll();
    if (!isDue && !hasNews) return;
    checkedMs = clock.nowMs();
    attachments.check();
  }

  /** A burst of events, in turns of the event loop. Never rejects. */
  async function readOn(): Promise<void> {
    isBusy = true;
    try {
      while (links.hasMore) {
        await clock.yieldToLoop();
        if (isClosed) return;
        check(false);
      }
    } catch (error) {
      log.warn({ err: error }, 'checking the interfaces failed; trying again');
    } finally {
      isBusy = false;
    }
  }

  return {
    check() {
      check(clock.nowMs() - checkedMs >= FULL_CHECK_MS);
      if (links.hasMore && !isBusy) void readOn();
    },
    get states() {
      return attachments.states;
    },
    get sentences() {
      return attachments.sentences;
    },
    get refused() {
      return attachments.refused;
    },
    framingOf: (id) => attachments.framingOf(id),
    replacePrograms: (programs) => attachments.replacePrograms(programs),
    setInterfaces: (meant) => attachments.setInterfaces(meant),
    close() {
      isClosed = true;
      attachments.close();
    },
  };
}
