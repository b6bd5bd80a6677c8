// SPDX-License-Identifier: Apache-2.0
// One batch, one outcome: brings it into the form the receiver knows, sends it, and finds out which
// form that is. What was found is kept for as long as the process lives.

import type { PayloadFormat } from '../exposition/payload.js';
import { transcodeToV1 } from '../exposition/remote-write/transcode.js';
import type { LogFields } from '../log.js';
import type { Batch, WireForm } from './batch.js';
import type { Codec } from './compress.js';
import { describeFailure } from './describe-failure.js';
import { type Compression, fallbackOf, firstDialect, requestHeaders, wireFormOf } from './dialect.js';
import { judgeAnswer } from './judge-answer.js';
import type { NotUnderstood, Outcome, Verdict } from './outcome.js';
import type { PushCounters } from './push-stats.js';
import type { Transport } from './transport.js';

export interface DeliveryOptions {
  /** May hold a login, which is shown nowhere. */
  readonly url: string;
  readonly format: PayloadFormat;
  readonly compression: Compression;
  /** Sent along with each request; they cannot override those of the format. */
  readonly headers: Readonly<Record<string, string>>;
  readonly userAgent: string;
  readonly timeoutMs: number;
  readonly retryOn429: boolean;
}

export interface DeliveryParts {
  readonly transport: Transport;
  readonly codec: Codec;
  readonly counters: PushCounters;
  nowMs(): number;
  wallMs(): number;
  readonly log: { info(fields: LogFields, message: string): void };
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #parts: DeliveryParts;
  readonly #url: URL;
  #dialect: WireForm;

  constructor(options: DeliveryOptions, parts: DeliveryParts) {
    this.#options = options;
    this.#parts = parts;
    this.#url = new URL(options.url);
    this.#dialect = firstDialect(options.format, options.compression, parts.codec.hasZstd);
  }

  /** Format and compression of requests. */
  get dialect(): WireForm {
    return this.#dialect;
  }

  async deliver(batch: Batch, signal: AbortSignal): Promise<Outcome> {
    const wire = wireFormOf(batch.format, this.#dialect);
    if (wire === undefined) {
      const sentence = `a batch of ${batch.format} cannot be sent as ${this.#dialect.format}`;
      return { kind: 'unsendable', sentence };
    }
    const verdict = await this.#attempt(batch, wire, signal);
    if (verdict.kind !== 'not_understood') return verdict;
    const fallback = fallbackOf(this.#dialect, this.#options.compression);
    const other = fallback === undefined ? undefined : wireFormOf(batch.format, fallback);
    if (fallback === undefined || other === undefined || isSameForm(other, wire)) return refusalOf(verdict);
    return this.#deliverOtherwise(batch, { fallback, other, signal, first: verdict });
  }

  /** Only an answer of success makes the other dialect ours: a batch may be at fault itself. */
  async #deliverOtherwise(
    batch: Batch,
    way: { fallback: WireForm; other: WireForm; signal: AbortSignal; first: { sentence: string } },
  ): Promise<Outcome> {
    this.#parts.counters.retries++;
    const verdict = await this.#attempt(batch, way.other, way.signal);
    if (verdict.kind === 'accepted') {
      const from = `${this.#dialect.format} in ${this.#dialect.encoding}`;
      this.#dialect = way.fallback;
      this.#parts.log.info(
        { reason: way.first.sentence },
        `the receiver does not take ${from}, but ${way.fallback.format} in ${way.fallback.encoding}: going on with that`,
      );
    }
    return verdict.kind === 'not_understood' ? refusalOf(verdict) : verdict;
  }

  async #attempt(batch: Batch, wire: WireForm, signal: AbortSignal): Promise<Verdict> {
    let body: Buffer;
    try {
      body = await this.#bodyAs(batch, wire);
    } catch (error) {
      const detail = error instanceof Error ? error.message : String(error);
      const sentence = `a batch of ${batch.format} in ${batch.encoding} cannot be converted: ${detail}`;
      return { kind: 'unsendable', sentence };
    }
    const verdict = await this.#exchange(batch, wire, body, signal);
    if (verdict.kind === 'accepted') this.#parts.counters.bytesSent += body.length;
    return verdict;
  }

  async #exchange(batch: Batch, wire: WireForm, body: Buffer, signal: AbortSignal): Promise<Verdict> {
    const { transport, counters, nowMs, wallMs } = this.#parts;
    const { headers: extra, userAgent, timeoutMs, retryOn429 } = this.#options;
    const startedMs = nowMs();
    const result = await transport.send(
      { headers: requestHeaders(wire, { userAgent, extra }), body },
      signal,
    );
    if (result.resent) {
      counters.countRequest('reset', 0);
      counters.retries++;
    }
    if (result.kind === 'failure') {
      const failure = describeFailure(result.error, { url: this.#url, timeoutMs });
      counters.countRequest(failure.code, nowMs() - startedMs);
      return { kind: 'failed', sentence: failure.sentence, retryAfterMs: undefined, mayBeBatch: false };
    }
    counters.countRequest(String(result.answer.status), nowMs() - startedMs);
    return judgeAnswer(result.answer, {
      url: this.#url,
      format: wire.format,
      samples: batch.samples,
      retryOn429,
      wallMs: wallMs(),
    });
  }

  async #bodyAs(batch: Batch, wire: WireForm): Promise<Buffer> {
    if (isSameForm(batch, wire)) return batch.body;
    const { codec } = this.#parts;
    const body = await codec.decompress(batch.encoding, batch.body);
    const payload = batch.format === wire.format ? { body } : transcodeToV1({ ...batch, body });
    return codec.compress(wire.encoding, payload.body);
  }
}

function isSameForm(a: WireForm, b: WireForm): boolean {
  return a.format === b.format && a.encoding === b.encoding;
}

function refusalOf({ written, sentence }: NotUnderstood): Outcome {
  return { kind: 'refused', written, sentence };
}
