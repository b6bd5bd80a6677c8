// SPDX-License-Identifier: Apache-2.0
// An exposition in text as one gzip member (RFC 1952), without the text: families are rendered and left to zlib's
// threads, lines of flows are written as deflate at once. Knows nothing of HTTP.

import { Pacer } from '../../pacer.js';
import { ChunkList } from '../chunk-list.js';
import { ChunkPool } from '../chunk-pool.js';
import type { TextFormat } from '../dialect.js';
import { renderFamilies } from '../family-text.js';
import { deflateChunks } from '../gzip-chunks.js';
import { DIALECTS, type ExpositionInput, type ExpositionParts } from '../render-exposition.js';
import { BitWriter } from './bit-writer.js';
import { DeflateCode } from './deflate-code.js';
import { FlowLinesGzip } from './flow-lines-gzip.js';
import { JoinableCrc } from './joinable-crc.js';
import { LabelDiffs } from './label-diffs.js';

/** Deflate, no flags, no time, no hint at how well, Unix. */
const MEMBER_HEAD = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3] as const;
/** CRC-32 and length of the text. */
const MEMBER_END_BYTES = 8;
/** Price of a byte's CRC, nanoseconds. */
const CRC_BYTE_NS = 2;

export interface GzipText {
  readonly format: TextFormat;
  /** Of the text. */
  readonly bytes: number;
  /** Of the text, without what flows and RoCE pairs have of their own. */
  readonly restBytes: number;
  /** Chunks of the pool; give() them back if the member is never made. */
  readonly flowChunks: readonly Buffer[];
  /** The whole: waits for zlib. Rejects with an AbortError where the signal was aborted. */
  member(): Promise<readonly Buffer[]>;
}

/** Renders one exposition after the other, in memory that it keeps for the next. */
export class GzipTextRenderer {
  readonly #crc = new JoinableCrc();
  readonly #code = new DeflateCode();
  readonly #diffs = new LabelDiffs(this.#crc);
  readonly #familyPool = new ChunkPool();

  /** No counter's start is told. Rejects as renderExposition() does. Needs the input no more when it is done. */
  async render(
    format: TextFormat,
    { families, flows }: ExpositionInput,
    parts: ExpositionParts & { readonly signal: AbortSignal; readonly pool: ChunkPool },
  ): Promise<GzipText> {
    const { signal, pool } = parts;
    const dialect = DIALECTS[format];
    const pacer = new Pacer(async () => {
      await parts.yieldToLoop();
      signal.throwIfAborted();
    });
    const familyList = new ChunkList(this.#familyPool);
    const flowList = new ChunkList(pool);
    try {
      let restBytes = await renderFamilies(familyList, dialect, families, pacer);
      const text = familyList.finish();
      const compressed = deflateChunks(text.chunks, signal).finally(() => this.#familyPool.give(text.chunks));
      compressed.catch(() => undefined); // member() tells, where it is asked for
      const familyCrc = await this.#crcOf(text.chunks, pacer);

      const { rows } = flows;
      const afterLabels = Buffer.from('} ');
      const writer = new BitWriter(flowList);
      if (flows.families.length > 0) await this.#diffs.find(rows, afterLabels, pacer);
      const lines = new FlowLinesGzip(afterLabels, { writer, code: this.#code, crc: this.#crc });
      for (const family of flows.families) {
        const header = Buffer.from(dialect.renderHeader(family));
        restBytes += header.length;
        lines.writeText(header);
        await lines.writeFamily(family, rows, this.#diffs, pacer);
      }
      const trailer = Buffer.from(dialect.trailer);
      restBytes += trailer.length;
      lines.writeText(trailer);
      lines.end();
      const { chunks: flowChunks } = flowList.finish();
      const bytes = text.bytes + lines.bytes;
      const crc = this.#crc.append(familyCrc, lines.crc, lines.bytes);
      return {
        format,
        bytes,
        restBytes,
        flowChunks,
        member: async () => [
          Buffer.from(MEMBER_HEAD),
          ...(await compressed),
          ...flowChunks,
          memberEnd(crc, bytes),
        ],
      };
    } catch (error) {
      pool.give(flowList.finish().chunks);
      throw error;
    } finally {
      this.#diffs.release();
    }
  }

  async #crcOf(chunks: readonly Buffer[], pacer: Pacer): Promise<number> {
    let crc = 0;
    for (const chunk of chunks) {
      await pacer.run(chunk.length, CRC_BYTE_NS, (from, to) => {
        crc = this.#crc.of(chunk, from, to, crc);
      });
    }
    return crc;
  }
}

function memberEnd(crc: number, bytes: number): Buffer {
  const end = Buffer.alloc(MEMBER_END_BYTES);
  end.writeInt32LE(crc, 0);
  end.writeUInt32LE(bytes % 2 ** 32, 4);
  return end;
}
