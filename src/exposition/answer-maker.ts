// SPDX-License-Identifier: Apache-2.0
// What a scrape gets: an exposition, plain or as one gzip member, in memory that is used again for the next.

import { ChunkPool } from './chunk-pool.js';
import type { ExpositionFormat } from './dialect.js';
import { GzipTextRenderer } from './gzip/gzip-text.js';
import { gzipChunks } from './gzip-chunks.js';
import type { ContentCoding } from './negotiate.js';
import { type ExpositionInput, renderExposition, type StartOptions } from './render-exposition.js';

/** As it is sent. */
export interface ScrapeAnswer {
  readonly chunks: readonly Buffer[];
  /** Sum of the chunks' lengths: what Content-Length says. */
  readonly bytes: number;
}

/** Rendered, and perhaps being compressed still: the input is not needed any more. */
export interface RenderedAnswer {
  /** Of the exposition, not compressed. */
  readonly bytes: number;
  /** Of these, what flows and RoCE pairs do not have of their own. */
  readonly restBytes: number;
  /** Rejects with an AbortError where the signal was aborted. */
  whole(): Promise<ScrapeAnswer>;
  /** To be called once, when nobody reads it any more: it is whole, or the signal was aborted, or nobody asked for it. */
  giveBack(): void;
}

export class AnswerMaker {
  readonly #starts: StartOptions | undefined;
  readonly #yieldToLoop: () => Promise<void>;
  #plainPool = new ChunkPool();
  #gzipPool = new ChunkPool();
  /** One that nobody uses now. */
  #gzipRenderer: GzipTextRenderer | undefined;

  constructor(starts: StartOptions | undefined, parts: { yieldToLoop(): Promise<void> }) {
    this.#starts = starts;
    this.#yieldToLoop = parts.yieldToLoop;
  }

  /** Rejects when rendering fails, and with the signal's reason. */
  async render(
    format: ExpositionFormat,
    coding: ContentCoding,
    input: ExpositionInput,
    signal: AbortSignal,
  ): Promise<RenderedAnswer> {
    const parts = { yieldToLoop: this.#yieldToLoop, signal };
    const tellsStarts = format === 'openmetrics' && this.#starts?.openmetricsCreated === true;
    if (coding === 'gzip' && format !== 'protobuf' && !tellsStarts) {
      const pool = this.#gzipPool;
      const renderer = this.#gzipRenderer ?? new GzipTextRenderer();
      this.#gzipRenderer = undefined;
      const { bytes, restBytes, flowChunks, member } = await renderer.render(format, input, {
        ...parts,
        pool,
      });
      this.#gzipRenderer = renderer;
      const whole = async (): Promise<ScrapeAnswer> => sized(await member());
      return { bytes, restBytes, whole, giveBack: () => pool.give(flowChunks) };
    }
    const pool = this.#plainPool;
    const { bytes, restBytes, chunks } = await renderExposition(
      format,
      input,
      { ...parts, pool },
      this.#starts,
    );
    let isGivenBack = false;
    const giveBack = (): void => {
      if (!isGivenBack) pool.give(chunks);
      isGivenBack = true;
    };
    const rendered = { bytes, restBytes, giveBack };
    if (coding === 'identity') return { ...rendered, whole: async () => ({ chunks, bytes }) };
    // Once it is compressed, nobody needs the text.
    return { ...rendered, whole: async () => sized(await gzipChunks(chunks, signal).finally(giveBack)) };
  }

  /** Lets go of all memory that waits to be used again. */
  forget(): void {
    this.#plainPool = new ChunkPool();
    this.#gzipPool = new ChunkPool();
    this.#gzipRenderer = undefined;
  }
}

function sized(chunks: readonly Buffer[]): ScrapeAnswer {
  return { chunks, bytes: chunks.reduce((sum, { length }) => sum + length, 0) };
}
