// SPDX-License-Identifier: Apache-2.0
// Where a running exporter is: --url as people write it, or the listen addresses of its configuration.

import { type ListenTarget, listenAddress, renderListenTarget } from './listen-address.js';
import { isAbsolutePath, type Rule, refuse, refuseUnshown } from './rules.js';

export interface TopTarget {
  /** Without a path at its end, and without a login: `http://127.0.0.1:10060`. */
  readonly url: string;
  /** In place of host and port. */
  readonly socketPath: string | undefined;
  /** Of the URL; an empty user is none. */
  readonly login: { readonly user: string; readonly password: string };
  /** For people. */
  readonly shown: string;
}

const ALLOWED = 'http://HOST:PORT, https://HOST:PORT, HOST:PORT or unix:/PATH';
const NO_LOGIN = { user: '', password: '' } as const;

/** isTls: what a socket in the file system, and an address without a scheme, is asked by. */
export function topTarget(isTls: boolean): Rule<TopTarget> {
  return (value) => {
    if (typeof value !== 'string') return refuse(ALLOWED, value);
    if (/^https?:\/\//i.test(value)) return judgeUrl(value);
    // Before isAbsolutePath(), after which the compiler takes it for no text.
    const judged = listenAddress()(value.includes(':') ? value : `${value}:10060`);
    if (isAbsolutePath(value)) return refuse(ALLOWED, value, `, did you mean "unix:${value}"?`);
    if ('problem' in judged) return refuse(ALLOWED, value);
    if (!('path' in judged.value) && judged.value.port === 0)
      return refuse(`${ALLOWED} with a port above 0`, value);
    return { value: targetOfListener(judged.value, isTls) };
  };
}

/** What it is called like for whoever is on the same host; not of port 0. */
export function targetOfListener(target: ListenTarget, isTls: boolean): TopTarget {
  const scheme = isTls ? 'https' : 'http';
  if ('path' in target) {
    const shown = renderListenTarget(target);
    return { url: `${scheme}://localhost`, socketPath: target.path, login: NO_LOGIN, shown };
  }
  const given = target.host ?? '127.0.0.1';
  const host = given === '0.0.0.0' ? '127.0.0.1' : given === '::' ? '::1' : given;
  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${target.port}`;
  return { url, socketPath: undefined, login: NO_LOGIN, shown: url };
}

/** What may hold a password is not shown. */
function judgeUrl(value: string): ReturnType<Rule<TopTarget>> {
  if (!URL.canParse(value)) return refuseUnshown(ALLOWED, value);
  const url = new URL(value);
  const { username, password, protocol, host } = url;
  // People copy the address of the metrics.
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(metrics|api\/v1)$/, '');
  const base = `${protocol}//${host}${path}`;
  return {
    value: {
      url: base,
      socketPath: undefined,
      login: { user: decode(username), password: decode(password) },
      shown: base,
    },
  };
}

/** A stray "%" stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
