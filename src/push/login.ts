// SPDX-License-Identifier: Apache-2.0
// The header Authorization: from the URL, or from files that are read again when they change.

import { WatchedFile } from './watched-file.js';

export interface LoginOptions {
  readonly url: URL;
  /** An empty user name: none. */
  readonly basicAuth: { readonly username: string; readonly passwordFile: string };
  /** Empty: none. */
  readonly bearerTokenFile: string;
}

/** Reads the header's value, undefined where there is no login. It rejects with PushFileError. */
export type ReadLogin = () => Promise<string | undefined>;

export function createLogin({ url, basicAuth, bearerTokenFile }: LoginOptions): ReadLogin {
  if (bearerTokenFile !== '') {
    const file = new WatchedFile('push.bearer_token_file', bearerTokenFile);
    return async () => `Bearer ${secretOf((await file.read()).bytes)}`;
  }
  if (basicAuth.username !== '') {
    const file = new WatchedFile('push.basic_auth.password_file', basicAuth.passwordFile);
    return async () => basic(basicAuth.username, secretOf((await file.read()).bytes));
  }
  if (url.username !== '' || url.password !== '') {
    const header = basic(decode(url.username), decode(url.password));
    return async () => header;
  }
  return async () => undefined;
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** A stray "%" stands for itself. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Editors end files with a line feed, which is no part of a secret. */
function secretOf(bytes: Buffer): string {
  return bytes.toString('utf8').trim();
}
