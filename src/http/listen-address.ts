// SPDX-License-Identifier: Apache-2.0
// Where to listen, and how a URL or a sentence says it. Pure.

export type ListenAddress = TcpAddress | UnixAddress | PassedSocket;

export interface TcpAddress {
  /** Undefined: all addresses, IPv4 and IPv6. */
  readonly host: string | undefined;
  /** 0: any free port. */
  readonly port: number;
}

/** A socket in the file system. */
export interface UnixAddress {
  /** Absolute. */
  readonly path: string;
}

/** A socket that listens already, such as systemd passes. */
export interface PassedSocket {
  readonly fd: number;
}

/** The address as it stands in a URL; localhost where it is all addresses. */
export function urlHost({ host }: Pick<TcpAddress, 'host'>): string {
  if (host === undefined || host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}

/** As it is configured. */
export function addressText(address: ListenAddress): string {
  if ('path' in address) return `unix:${address.path}`;
  if ('fd' in address) return `socket ${address.fd} (of LISTEN_FDS)`;
  const { host = '', port } = address;
  return `${host.includes(':') ? `[${host}]` : host}:${port}`;
}
