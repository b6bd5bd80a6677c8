// SPDX-License-Identifier: Apache-2.0
// What two rounds of readings say of the RDMA devices on an interface: where their RoCE can be seen, and
// how much of it came between the rounds. Pure.

import { keyOf, type RdmaPortStatus, type RdmaRound } from '../rdma/port-reader.js';
import { receivedRdmaPackets, visibilityOf } from '../rdma/visibility.js';
import type { RdmaFacts, RdmaPortFacts } from './facts.js';

/** @param spanMs time between the rounds. Empty where no RDMA device belongs to the interface. */
export function rdmaFactsOf(
  interfaceName: string,
  first: RdmaRound,
  second: RdmaRound,
  spanMs: number,
): RdmaFacts[] {
  const rows = visibilityOf({
    relatives: second.relatives.get(interfaceName) ?? [interfaceName],
    ports: second.ports.flatMap(({ identity }) => identity ?? []),
    roceSeenPackets: 0, // nothing of ours is attached: what is hidden is not proved to be visible
  });
  return rows
    .filter((row) => row.rdmaDevice !== '')
    .map((row) => ({
      device: row.rdmaDevice,
      state: row.state,
      driver: row.ports[0]?.driver ?? '',
      hasGidNetdevs: row.ports.some((port) => port.hasGidNetdevs),
      ports: row.ports.map((port) => {
        const now = statusOf(second, keyOf(port));
        return {
          port: port.port,
          linkLayer: port.linkLayer,
          state: now?.link?.state,
          rateBitsPerSecond: now?.link?.rateBitsPerSecond,
          receivedPackets: growth(statusOf(first, keyOf(port)), now),
          spanMs,
        } satisfies RdmaPortFacts;
      }),
    }));
}

function statusOf(round: RdmaRound, key: string): RdmaPortStatus | undefined {
  return round.ports.find(({ name }) => keyOf(name) === key);
}

/** A counter that fell was reset or wrapped: nothing is known of the time between. */
function growth(before: RdmaPortStatus | undefined, now: RdmaPortStatus | undefined): number | undefined {
  const [from, to] = [before, now].map((one) =>
    one?.counters === undefined ? undefined : receivedRdmaPackets(one.counters),
  );
  return from === undefined || to === undefined || to < from ? undefined : to - from;
}
