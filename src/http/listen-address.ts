// SPDX-License-Identifier: Apache-2.0
// Listen addresses as the operator writes them: `:10060`, `127.0.0.1:10060`, `[::1]:10060`. Pure.
import { isIPv6 } from 'node:net';

export interface ListenAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** What is wrong with an address, as one clause. */
export interface ListenAddressProblem {
  readonly problem: string;
}

const FORM = /^(?:\[(?<ipv6>[^\]]*)\]|(?<host>[^:[\]]*)):(?<port>\d{1,5})$/;

export function parseListenAddress(text: string): ListenAddress | ListenAddressProblem {
  const groups = FORM.exec(text)?.groups;
  if (groups === undefined) {
    return {
      problem: `${JSON.stringify(text)} is not host:port; write :10060, 127.0.0.1:10060 or [::1]:10060`,
    };
  }
  const port = Number(groups['port']);
  if (port > 65535) return { problem: `port ${port} is above 65535` };
  const ipv6 = groups['ipv6'];
  if (ipv6 !== undefined) {
    if (!isIPv6(ipv6)) return { problem: `${JSON.stringify(ipv6)} is not an IPv6 address` };
    return { host: ipv6, port };
  }
  const host = groups['host'] ?? '';
  if (/[\s/?#@]/.test(host)) return { problem: `${JSON.stringify(host)} is not a host name or address` };
  return { host: host === '' ? undefined : host, port };
}

/** The address as it stands in a URL; localhost where it is all addresses. */
export function urlHost({ host }: ListenAddress): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
