// SPDX-License-Identifier: Apache-2.0
// Where to listen, and how a URL says it. Pure.

export interface ListenAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** The address as it stands in a URL; localhost where it is all addresses. */
export function urlHost({ host }: ListenAddress): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
