// SPDX-License-Identifier: Apache-2.0
// RDMA ports, their rates by what the cards count themselves, and which of their counters grow.

import { isLevelCounter } from '../metrics/rdma-families.js';
import type { Pacer } from '../pacer.js';
import type { RdmaPortStatus } from '../rdma/port-reader.js';
import type { RdmaPortsReading } from '../rdma/rounds.js';
import { bitsPerSecond, renderList, shareOf } from './json-list.js';
import type { RdmaReadings } from './rdma-readings.js';

/** Numbers and texts of a counter's row, about, and of a port without. */
const COUNTER_VALUES = 6;
const PORT_VALUES = 20;

/** Within the guard. */
export async function answerRdma(
  readings: RdmaReadings,
  { isEnabled, pacer }: { readonly isEnabled: boolean; readonly pacer: Pacer },
): Promise<Record<string, unknown>> {
  const { last, before, oldest } = readings;
  const compared: Compared = { last, before, ofBefore: portsByName(before), ofOldest: portsByName(oldest) };
  const ports = last?.ports ?? [];
  const recentMs = last === undefined || oldest === undefined ? 0 : last.readAtMs - oldest.readAtMs;
  return {
    enabled: isEnabled,
    read_ms: last?.readDurationMs ?? null,
    recent_seconds: recentMs > 0 ? recentMs / 1000 : null,
    ports: await renderList(ports, valuesEach(ports), (port) => portRow(port, compared), pacer),
    empty: ports.length > 0 ? null : whyNoPort(isEnabled, last),
  };
}

function whyNoPort(isEnabled: boolean, last: RdmaPortsReading | undefined): string {
  if (!isEnabled) return 'rdma.enabled is false: RDMA devices are not read';
  return last === undefined
    ? 'RDMA devices have not been read yet'
    : 'this host has no RDMA device, or shows none here (in a container, mount its /sys)';
}

interface Compared {
  readonly last: RdmaPortsReading | undefined;
  readonly before: RdmaPortsReading | undefined;
  readonly ofBefore: ReadonlyMap<string, RdmaPortStatus>;
  readonly ofOldest: ReadonlyMap<string, RdmaPortStatus>;
}

function portRow(port: RdmaPortStatus, { last, before, ofBefore, ofOldest }: Compared): object {
  const { name, identity, link, counters } = port;
  const [portBefore, portOldest] = [ofBefore.get(nameOf(port)), ofOldest.get(nameOf(port))];
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

function portsByName(reading: RdmaPortsReading | undefined): ReadonlyMap<string, RdmaPortStatus> {
  return new Map((reading?.ports ?? []).map((port) => [nameOf(port), port]));
}

function nameOf({ name }: RdmaPortStatus): string {
  return `${name.device} ${name.port}`;
}

function valuesEach(ports: readonly RdmaPortStatus[]): number {
  const { standard = {}, hardware = {} } = ports[0]?.counters ?? {};
  return PORT_VALUES + COUNTER_VALUES * (Object.keys(standard).length + Object.keys(hardware).length);
}

/** null where one of them is not known, and where the counter was set back. */
function growth(now: number | undefined, before: number | undefined): number | null {
  return now === undefined || before === undefined || now < before ? null : now - before;
}

function shareOfLink(bits: number | null, linkBits: number | undefined): number | null {
  return bits === null || linkBits === undefined ? null : shareOf(bits, linkBits);
}
