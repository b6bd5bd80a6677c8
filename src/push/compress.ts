// SPDX-License-Identifier: Apache-2.0
// The compressions of a request's body, all on threads of the pool and not on the event loop. zstd
// is in Node from 22.15 on; where it is missing, `hasZstd` says so.

import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { compress as snappyCompress, uncompress as snappyUncompress } from 'snappy';
import type { Encoding } from './batch.js';

export interface Codec {
  readonly hasZstd: boolean;
  /** Rejects where this Node does not know the encoding. */
  compress(encoding: Encoding, body: Buffer): Promise<Buffer>;
  /** Rejects for bytes that are not what the encoding makes. */
  decompress(encoding: Encoding, body: Buffer): Promise<Buffer>;
}

/** Level 6 takes 2.5 times as long for a sixth less. */
const GZIP_LEVEL = 1;
/** A batch is far smaller; this bounds what a file that only looks like one may blow up to. */
const OUTPUT_MAX_BYTES = 512 * 1024 * 1024;

type Transform = (body: Buffer, options: object) => Promise<Buffer>;

const gzip = promisify(zlib.gzip) as Transform;
const gunzip = promisify(zlib.gunzip) as Transform;

export function createCodec(): Codec {
  const zstdCompress = findTransform('zstdCompress');
  const zstdDecompress = findTransform('zstdDecompress');
  return {
    hasZstd: zstdCompress !== undefined && zstdDecompress !== undefined,
    async compress(encoding, body) {
      switch (encoding) {
        case 'snappy':
          return snappyCompress(body);
        case 'gzip':
          return gzip(body, { level: GZIP_LEVEL });
        case 'zstd':
          return (zstdCompress ?? missingZstd)(body, {});
      }
    },
    async decompress(encoding, body) {
      switch (encoding) {
        case 'snappy':
          return Buffer.from(await snappyUncompress(body, { asBuffer: true }));
        case 'gzip':
          return gunzip(body, { maxOutputLength: OUTPUT_MAX_BYTES });
        case 'zstd':
          return (zstdDecompress ?? missingZstd)(body, { maxOutputLength: OUTPUT_MAX_BYTES });
      }
    },
  };
}

/** By name: the types are those of the oldest Node we run on. */
function findTransform(name: string): Transform | undefined {
  const found: unknown = Reflect.get(zlib, name);
  return typeof found === 'function' ? (promisify(found as typeof zlib.gzip) as Transform) : undefined;
}

async function missingZstd(): Promise<Buffer> {
  throw new Error(`Node ${process.versions.node} has no zstd; 22.15 and later have`);
}
