// SPDX-License-Identifier: Apache-2.0
// Listen addresses as the operator writes them: `:10060`, `127.0.0.1:10060`, `[::1]:10060`. Parsed here
// and nowhere else.

import { isIPv6 } from 'node:net';
import { type Rule, refuse } from './rules.js';

export interface HostAndPort {
  /** undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

export function listenAddress(): Rule<HostAndPort> {
  const allowed = 'HOST:PORT, :PORT or [IPV6]:PORT with a port from 0 to 65535';
  return (value) => {
    if (typeof value !== 'string') return refuse(allowed, value);
    const address = parseListenAddress(value);
    if (address !== undefined) return { value: address };
    const candidates = [
      `:${value}`,
      `[${value}]:10060`,
      value.replace(/^https?:\/\//, '').replace(/\/+$/, ''),
    ];
    const meant = candidates.find((candidate) => parseListenAddress(candidate) !== undefined);
    return refuse(allowed, value, meant === undefined ? '' : `, did you mean "${meant}"?`);
  };
}

const FORM = /^(?:\[(?<ipv6>[^\]]+)\]|(?<host>[A-Za-z0-9._-]*)):(?<port>\d{1,5})$/;

function parseListenAddress(text: string): HostAndPort | undefined {
  const { ipv6, host, port } = FORM.exec(text)?.groups ?? {};
  if (port === undefined || Number(port) > 65535) return undefined;
  if (ipv6 !== undefined && !isIPv6(ipv6)) return undefined;
  return { host: ipv6 ?? (host === '' ? undefined : host), port: Number(port) };
}
