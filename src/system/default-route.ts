// SPDX-License-Identifier: Apache-2.0
// The interface of the default route, of our network namespace.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const RTF_UP = 0x1;
const RTF_REJECT = 0x200;

interface DefaultRoute {
  readonly interfaceName: string;
  readonly metric: number;
}

/** The name, IPv4 before IPv6; undefined where there is no default route. */
export function readDefaultRouteInterface(options: { root: string }): string | undefined {
  return (
    parseDefaultRoute4(readTable(join(options.root, 'proc/self/net/route'))) ??
    parseDefaultRoute6(readTable(join(options.root, 'proc/self/net/ipv6_route')))
  );
}

/** A missing table is an empty one: a kernel without IPv6 has no ipv6_route. */
function readTable(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
    throw error;
  }
}

/**
 * Of /proc/net/route: Iface Destination Gateway Flags RefCnt Use Metric Mask ..., addresses and
 * flags in hexadecimal, the metric in decimal.
 */
export function parseDefaultRoute4(table: string): string | undefined {
  return lowestMetric(
    table.split('\n').flatMap((line) => {
      const [interfaceName, destination, , flags, , , metric, mask] = line.trim().split(/\s+/);
      if (interfaceName === undefined || destination !== '00000000' || mask !== '00000000') return [];
      return usable(interfaceName, flags, Number(metric));
    }),
  );
}

/** Of /proc/net/ipv6_route: no heading, every number in hexadecimal, the name last. */
export function parseDefaultRoute6(table: string): string | undefined {
  return lowestMetric(
    table.split('\n').flatMap((line) => {
      const [destination, prefixLength, , , , metric, , , flags, interfaceName] = line.trim().split(/\s+/);
      if (interfaceName === undefined || prefixLength !== '00' || !/^0{32}$/.test(destination ?? ''))
        return [];
      return usable(interfaceName, flags, Number.parseInt(metric ?? '', 16));
    }),
  );
}

function usable(interfaceName: string, flagsHex: string | undefined, metric: number): DefaultRoute[] {
  const flags = Number.parseInt(flagsHex ?? '', 16);
  const isUsable = (flags & RTF_UP) !== 0 && (flags & RTF_REJECT) === 0 && interfaceName !== 'lo';
  return isUsable && Number.isFinite(metric) ? [{ interfaceName, metric }] : [];
}

/** The first of the lowest metric, as the kernel would take it. */
function lowestMetric(routes: readonly DefaultRoute[]): string | undefined {
  let best: DefaultRoute | undefined;
  for (const route of routes) {
    if (best === undefined || route.metric < best.metric) best = route;
  }
  return best?.interfaceName;
}
