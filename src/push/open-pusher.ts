// SPDX-License-Identifier: Apache-2.0
// A pusher with the real network, the real disk and the real compressions.

import { createCodec } from './compress.js';
import { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
import { createPusher, type Pusher, type PusherOptions, type PusherParts } from './pusher.js';
import { openSpool, type Spool } from './spool.js';
import { openSpoolDirectory } from './spool-directory.js';

export interface OpenPusherOptions extends PusherOptions, HttpTransportOptions {
  /** Empty: no spool. */
  readonly spoolPath: string;
  readonly spoolMaxBytes: number;
}

export type OpenPusherParts = Omit<PusherParts, 'transport' | 'codec' | 'spool'>;

/** Rejects with ExporterError SPOOL where the spool cannot be used. Everything else is told to the log later. */
export async function openPusher(options: OpenPusherOptions, parts: OpenPusherParts): Promise<Pusher> {
  const codec = createCodec();
  if (options.compression === 'zstd' && !codec.hasZstd && options.format === 'remote_write_1') {
    parts.log.warn('push.compression is zstd, which this Node does not have (22.15 does): sending snappy');
  }
  const spool = await openSpoolAt(options);
  return createPusher(options, { ...parts, codec, spool, transport: createHttpTransport(options) });
}

async function openSpoolAt(options: OpenPusherOptions): Promise<Spool | undefined> {
  if (options.spoolPath === '') return undefined;
  return openSpool({ maxBytes: options.spoolMaxBytes }, openSpoolDirectory(options.spoolPath));
}
