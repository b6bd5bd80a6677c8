// SPDX-License-Identifier: Apache-2.0
// Listen addresses as the operator writes them: `:10060`, `127.0.0.1:10060`, `[::1]:10060`, `unix:/run/x.sock`.
// Parsed here and nowhere else.

import { isIPv6 } from 'node:net';
import { isAbsolutePath, joinProblems, problemOf, type Rule, refuse } from './rules.js';

export interface HostAndPort {
  /** undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** A socket in the file system. */
export interface SocketPath {
  readonly path: string;
}

export type ListenTarget = HostAndPort | SocketPath;

/** sun_path of unix(7), without the final zero. */
const SOCKET_PATH_MAX_BYTES = 107;
/** Each is a socket of its own; nobody has so many. */
const ADDRESSES_MAX = 64;

/** One, or a list of them; gives a list. */
export function listenAddresses(): Rule<readonly ListenTarget[]> {
  const rule = listenAddress();
  return (value) => {
    const given: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (given.length === 0) return { problem: 'must name at least one address' };
    if (given.length > ADDRESSES_MAX) {
      return { problem: `may have ${ADDRESSES_MAX} addresses, but has ${given.length}` };
    }
    const judged = given.map(rule);
    const problem = joinProblems(judged.flatMap((one) => problemOf(one) ?? []));
    if (problem !== undefined) return { problem };
    const targets = judged.flatMap((one) => ('value' in one ? [one.value] : []));
    const texts = targets.map(renderListenTarget);
    const twice = texts.find((text, at) => texts.indexOf(text) < at && !text.endsWith(':0'));
    return twice === undefined ? { value: targets } : { problem: `has ${JSON.stringify(twice)} twice` };
  };
}

export function listenAddress(): Rule<ListenTarget> {
  const allowed = 'HOST:PORT, :PORT, [IPV6]:PORT with a port from 0 to 65535, or unix:/PATH';
  return (value) => {
    if (typeof value !== 'string') return refuse(allowed, value);
    // unix:80 is a port of a host of this name.
    if (value.startsWith('unix:/')) return judgeSocketPath(value);
    const address = parseListenAddress(value);
    if (address !== undefined) return { value: address };
    const candidates = [
      `:${value}`,
      `[${value}]:10060`,
      value.replace(/^https?:\/\//, '').replace(/\/+$/, ''),
    ];
    const meant = candidates.find((candidate) => parseListenAddress(candidate) !== undefined);
    const hint = meant ?? (isAbsolutePath(value) ? `unix:${value}` : undefined);
    return refuse(allowed, value, hint === undefined ? '' : `, did you mean "${hint}"?`);
  };
}

/** As it is written. */
export function renderListenTarget(target: ListenTarget): string {
  if ('path' in target) return `unix:${target.path}`;
  const { host = '', port } = target;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}

function judgeSocketPath(value: string): ReturnType<Rule<ListenTarget>> {
  const path = value.slice('unix:'.length);
  return isAbsolutePath(path) && !path.endsWith('/') && Buffer.byteLength(path) <= SOCKET_PATH_MAX_BYTES
    ? { value: { path } }
    : refuse(
        `unix: and an absolute path of at most ${SOCKET_PATH_MAX_BYTES} bytes, such as unix:/run/metrics/xtrace-catch.sock`,
        value,
      );
}

const FORM = /^(?:\[(?<ipv6>[^\]]+)\]|(?<host>[A-Za-z0-9._-]*)):(?<port>\d{1,5})$/;

function parseListenAddress(text: string): HostAndPort | undefined {
  const { ipv6, host, port } = FORM.exec(text)?.groups ?? {};
  if (port === undefined || Number(port) > 65535) return undefined;
  if (ipv6 !== undefined && !isIPv6(ipv6)) return undefined;
  return { host: ipv6 ?? (host === '' ? undefined : host), port: Number(port) };
}
