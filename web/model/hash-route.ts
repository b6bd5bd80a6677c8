// SPDX-License-Identifier: Apache-2.0
// Which page an address shows, by what stands after its #. Pure.

export type Route =
  | { readonly page: 'live' | 'rdma' | 'exporter' }
  | { readonly page: 'pair'; readonly pairId: string };

export function routeOf(hash: string): Route {
  const path = hash.replace(/^#\/?/, '');
  if (path === 'rdma' || path === 'exporter') return { page: path };
  const [, id] = /^pair\/(.+)$/s.exec(path) ?? [];
  if (id !== undefined) {
    try {
      return { page: 'pair', pairId: decodeURIComponent(id) };
    } catch {
      return { page: 'live' };
    }
  }
  return { page: 'live' };
}

export function hashOfPair(pairId: string): string {
  return `#/pair/${encodeURIComponent(pairId)}`;
}

export interface PairEnds {
  readonly interface: string;
  readonly src: string;
  readonly dst: string;
}

/** An id is interface, source, destination and perhaps a queue pair, by spaces; undefined: it is none. */
export function endsOfPair(pairId: string): PairEnds | undefined {
  const [interfaceName, src, dst] = pairId.split(' ');
  if (!interfaceName || !src || !dst) return undefined;
  return { interface: interfaceName, src, dst };
}
