// SPDX-License-Identifier: Apache-2.0
// The compressions of a request's body: gzip and zstd on threads of the pool, snappy, which is ten
// times as fast, on the event loop. zstd is in Node from 22.15 on; where it is missing, `hasZstd` says so.

import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { compressSync, uncompressSync } from 'snappy';
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
/** A batch has a tenth of it; this bounds what a file that only looks like one may blow up to. */
const OUTPUT_MAX_BYTES = 64 * 1024 * 1024;

/**
 * Snappy takes 0.2 ms a megabyte: 0.6 ms for a batch of 10,000 samples. Its calls for the pool (7.4.3)
 * keep the memory of their tasks: 400 bodies of 3 MB took the process from 60 to 715 MiB, these leave
 * it at 60. Without a copy of the output the garbage collector does not know how large it is.
 */
const SNAPPY = { copyOutputData: true } as const;

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
          return compressSync(body, SNAPPY);
        case 'gzip':
          return gzip(body, { level: GZIP_LEVEL });
        case 'zstd':
          return (zstdCompress ?? missingZstd)(body, {});
      }
    },
    async decompress(encoding, body) {
      switch (encoding) {
        case 'snappy':
          if (snappyLength(body) > OUTPUT_MAX_BYTES) throw new Error(`it claims ${snappyLength(body)} bytes`);
          return Buffer.from(uncompressSync(body, { asBuffer: true, ...SNAPPY }));
        case 'gzip':
          return gunzip(body, { maxOutputLength: OUTPUT_MAX_BYTES });
        case 'zstd':
          return (zstdDecompress ?? missingZstd)(body, { maxOutputLength: OUTPUT_MAX_BYTES });
      }
    },
  };
}

/** The length that a block claims, in front of it as a varint; that much would be allocated. */
function snappyLength(body: Buffer): number {
  let length = 0;
  for (let index = 0; index < 5; index++) {
    const byte = body[index] ?? 0;
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) break;
  }
  return length;
}

/** By name: the types are those of the oldest Node we run on. */
function findTransform(name: string): Transform | undefined {
  const found: unknown = Reflect.get(zlib, name);
  return typeof found === 'function' ? (promisify(found as typeof zlib.gzip) as Transform) : undefined;
}

async function missingZstd(): Promise<Buffer> {
  throw new Error(`Node ${process.versions.node} has no zstd; 22.15 and later have`);
}
