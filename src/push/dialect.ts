// SPDX-License-Identifier: Apache-2.0
// Format and compression of requests, what to try when the receiver does not know them, and the headers that
// say so. Pure; headers as remote write 1.0 and 2.0 and VictoriaMetrics' variant fix them.

import type { PayloadFormat } from '../exposition/payload.js';
import type { WireForm } from './batch.js';

export type Compression = 'auto' | 'snappy' | 'zstd';

/** How to start: with the best that both may know. */
export function firstDialect(format: PayloadFormat, compression: Compression, hasZstd: boolean): WireForm {
  switch (format) {
    case 'text':
      return { format, encoding: 'gzip' };
    case 'remote_write_2': // "snappy MUST be used": its only compression
      return { format, encoding: 'snappy' };
    case 'remote_write_1':
      return { format, encoding: compression !== 'snappy' && hasZstd ? 'zstd' : 'snappy' };
  }
}

/**
 * What a receiver may know that does not understand this one: 1.0 instead of 2.0, snappy instead of
 * zstd where that was only our guess.
 */
export function fallbackOf(dialect: WireForm, compression: Compression): WireForm | undefined {
  if (dialect.format === 'remote_write_2') return { format: 'remote_write_1', encoding: 'snappy' };
  if (dialect.encoding === 'zstd' && compression === 'auto') return { ...dialect, encoding: 'snappy' };
  return undefined;
}

/**
 * How a payload goes out in this dialect; undefined where it cannot. A spool may hold what was
 * encoded under another configuration: 2.0 can be made 1.0, and 1.0 goes to a receiver of 2.0 as it
 * is, but text and remote write do not become each other.
 */
export function wireFormOf(format: PayloadFormat, dialect: WireForm): WireForm | undefined {
  if ((format === 'text') !== (dialect.format === 'text')) return undefined;
  if (format === 'remote_write_1' && dialect.format === 'remote_write_2') {
    return { format, encoding: 'snappy' };
  }
  return dialect;
}

export interface HeaderOptions {
  /** Name and version, as in `xtrace-catch/1.2.3`. */
  readonly userAgent: string;
  /** Of the configuration; they cannot override ours. */
  readonly extra: Readonly<Record<string, string>>;
}

export function requestHeaders(wire: WireForm, { userAgent, extra }: HeaderOptions): Record<string, string> {
  const own: Record<string, string> = {
    'Content-Encoding': wire.encoding,
    ...formatHeaders(wire),
    'User-Agent': userAgent,
  };
  const taken = new Set(Object.keys(own).map((name) => name.toLowerCase()));
  const others = Object.entries(extra).filter(([name]) => !taken.has(name.toLowerCase()));
  return { ...Object.fromEntries(others), ...own };
}

function formatHeaders({ format, encoding }: WireForm): Record<string, string> {
  switch (format) {
    case 'text':
      return { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' };
    case 'remote_write_1':
      return {
        'Content-Type': 'application/x-protobuf',
        ...(encoding === 'zstd'
          ? { 'X-VictoriaMetrics-Remote-Write-Version': '1' }
          : { 'X-Prometheus-Remote-Write-Version': '0.1.0' }),
      };
    case 'remote_write_2':
      return {
        'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
        'X-Prometheus-Remote-Write-Version': '2.0.0',
      };
  }
}
