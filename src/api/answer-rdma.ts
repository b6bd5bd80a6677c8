// SPDX-License-Identifier: Apache-2.0
// RDMA ports, their rates by what the cards count themselves, and which of their counters grow. Pure.

import { isLevelCounter } from '../metrics/rdma-families.js';
import type { RdmaPortStatus } from '../rdma/port-reader.js';
import type { RdmaView } from '../rdma/rounds.js';
import { bitsPerSecond, shareOf } from './json-list.js';
import type { RdmaReadings } from './rdma-readings.js';

export function answerRdma(
  readings: RdmaReadings,
  { isEnabled }: { readonly isEnabled: boolean },
): Record<string, unknown> {
  const { last, before, oldest } = readings;
  const ports = last?.ports ?? [];
  const recentMs = last === undefined || oldest === undefined ? 0 : last.readAtMs - oldest.readAtMs;
  return {
    enabled: isEnabled,
    read_ms: last?.readDurationMs ?? null,
    recent_seconds: recentMs > 0 ? recentMs / 1000 : null,
    ports: ports.map((port) => portRow(port, last, before, oldest)),
    empty: ports.length > 0 ? null : whyNoPort(isEnabled, last),
  };
}

function whyNoPort(isEnabled: boolean, last: RdmaView | undefined): string {
  if (!isEnabled) return 'rdma.enabled is false: RDMA devices are not read';
  return last === undefined
    ? 'RDMA devices have not been read yet'
    : 'this host has no RDMA device, or shows none here (in a container, mount its /sys)';
}

function portRow(
  port: RdmaPortStatus,
  last: RdmaView | undefined,
  before: RdmaView | undefined,
  oldest: RdmaView | undefined,
): object {
  const { name, identity, link, counters } = port;
  const [portBefore, portOldest] = [samePort(before, port), samePort(oldest, port)];
  const spanMs = last === undefined || before === undefined ? 0 : last.readAtMs - before.readAtMs;
  const received = growth(counters?.receivedBytes, portBefore?.counters?.receivedBytes);
  const transmitted = growth(counters?.transmittedBytes, portBefore?.counters?.transmittedBytes);
  const rate = (grown: number | null): number | null =>
    grown === null ? null : bitsPerSecond(grown, spanMs);
  const share = (grown: number | null): number | null => shareOfLink(rate(grown), link?.rateBitsPerSecond);
  return {
    device: name.device,
    port: name.port,
    netdevs: identity?.netdevs ?? [],
    driver: identity?.driver ?? null,
    link_layer: identity?.linkLayer ?? null,
    state: link?.state ?? null,
    physical_state: link?.physState ?? null,
    link_bits_per_second: link?.rateBitsPerSecond ?? null,
    answered: counters !== undefined,
    seconds: portBefore === undefined || spanMs <= 0 ? null : spanMs / 1000,
    received_bits_per_second: rate(received),
    transmitted_bits_per_second: rate(transmitted),
    received_share: share(received),
    transmitted_share: share(transmitted),
    counters: [
      ...counterRows('counters', port, portBefore, portOldest === port ? undefined : portOldest),
      ...counterRows('hw_counters', port, portBefore, portOldest === port ? undefined : portOldest),
    ],
  };
}

const FOLDERS = { counters: 'standard', hw_counters: 'hardware' } as const;

function counterRows(
  folder: keyof typeof FOLDERS,
  port: RdmaPortStatus,
  before: RdmaPortStatus | undefined,
  oldest: RdmaPortStatus | undefined,
): object[] {
  const valuesOf = (one: RdmaPortStatus | undefined): Readonly<Record<string, number>> =>
    one?.counters?.[FOLDERS[folder]] ?? {};
  const [earlier, first] = [valuesOf(before), valuesOf(oldest)];
  return Object.entries(valuesOf(port)).map(([name, value]) => {
    const level = folder === 'hw_counters' && isLevelCounter(name);
    return {
      name,
      folder,
      level,
      value,
      grown: level ? null : growth(value, earlier[name]),
      grown_recently: level ? null : growth(value, first[name]),
    };
  });
}

function samePort(view: RdmaView | undefined, { name }: RdmaPortStatus): RdmaPortStatus | undefined {
  return view?.ports.find((port) => port.name.device === name.device && port.name.port === name.port);
}

/** null where one of them is not known, and where the counter was set back. */
function growth(now: number | undefined, before: number | undefined): number | null {
  return now === undefined || before === undefined || now < before ? null : now - before;
}

function shareOfLink(bits: number | null, linkBits: number | undefined): number | null {
  return bits === null || linkBits === undefined ? null : shareOf(bits, linkBits);
}
