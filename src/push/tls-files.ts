// SPDX-License-Identifier: Apache-2.0
// How to speak TLS to the receiver: names and flags, and files that are read again when they change.

import type { AgentOptions } from 'node:https';
import { WatchedFile } from './watched-file.js';

/** Paths; an empty one is no file. */
export interface TlsOptions {
  readonly caFile: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** Empty: the host of the URL. */
  readonly serverName: string;
  readonly insecureSkipVerify: boolean;
}

export interface TlsSettings {
  /** Another number for other settings. */
  readonly version: number;
  readonly settings: AgentOptions;
}

/** Returns the reader of the settings as they are now; it rejects with PushFileError. */
export function createTlsFiles(options: TlsOptions): () => Promise<TlsSettings> {
  const files = (
    [
      ['ca', 'push.tls.ca_file', options.caFile],
      ['cert', 'push.tls.cert_file', options.certFile],
      ['key', 'push.tls.key_file', options.keyFile],
    ] as const
  )
    .filter(([, , path]) => path !== '')
    .map(([name, setting, path]) => ({ name, file: new WatchedFile(setting, path) }));
  const fixed: AgentOptions = {
    rejectUnauthorized: !options.insecureSkipVerify,
    ...(options.serverName === '' ? {} : { servername: options.serverName }),
  };
  return async () => {
    const read = await Promise.all(
      files.map(async ({ name, file }) => ({ name, contents: await file.read() })),
    );
    return {
      version: read.reduce((sum, { contents }) => sum + contents.version, 0),
      settings: { ...fixed, ...Object.fromEntries(read.map(({ name, contents }) => [name, contents.bytes])) },
    };
  };
}
