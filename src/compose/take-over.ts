// SPDX-License-Identifier: Apache-2.0
// The drain of the running exporter, wired: of its own maps alone, or of what predecessors have left as well.

import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Clock } from '../clock.js';
import { createKeptDrain } from '../reader/kept-drain.js';
import { connectDrain } from './connect-kernel.js';
import type { CountedMark } from './counted-mark.js';
import { createTakeOverDrain, type TakeOverDrain } from './drain-predecessors.js';
import type { OpenedKernel } from './open-kernel.js';

export function connectTakeOver(
  kernel: OpenedKernel,
  parts: {
    readonly ids: InterfaceIds;
    readonly mark: CountedMark;
    /** Whether the interface of this ifindex is to be attached. */
    isMeant(ifindex: number): boolean;
    readonly clock: Clock;
    readonly log: { info(fields: object, message: string): void; warn(message: string): void };
  },
): TakeOverDrain {
  const { object, links, predecessors } = kernel;
  const { ids, mark, clock, log } = parts;
  if (links === undefined && predecessors.length === 0) {
    return {
      ...connectDrain(object, ids, clock),
      isTakingOver: () => false,
      noteCounted: () => undefined,
      clear: () => Promise.resolve(),
    };
  }
  return createTakeOverDrain({
    ...kernel,
    maps: object.maps,
    mark,
    interfaceIdOf: (ifindex) => ids.idOf(ifindex),
    yieldToLoop: clock.yieldToLoop,
    drainOf: (maps, written) =>
      createKeptDrain(
        {
          maps,
          interfaceIdOf: (ifindex) => ids.idOf(ifindex),
          ifindexOf: (id) => ids.ifindexOf(id),
          yieldToLoop: clock.yieldToLoop,
          nowMs: clock.nowMs,
        },
        written,
      ),
    onFirst() {
      for (const ifindex of links?.letGoOfRest(parts.isMeant) ?? []) {
        log.info({ ifindex }, 'detached from an interface that is no longer asked for');
      }
    },
    warn: (sentence) => log.warn(sentence),
  });
}
