// SPDX-License-Identifier: Apache-2.0
// From payload to batch: reserves room, numbers, compresses one after the other on threads of the
// pool. Never blocks and never throws.

import type { Payload } from '../exposition/payload.js';
import { transcodeToV1 } from '../exposition/remote-write/transcode.js';
import type { Backlog } from './backlog.js';
import type { WireForm } from './batch.js';
import type { Codec } from './compress.js';
import { firstDialect, wireFormOf } from './dialect.js';
import type { DropReason } from './push-stats.js';

export interface IntakeParts {
  readonly backlog: Backlog;
  readonly codec: Codec;
  dialect(): WireForm;
  /** Above those of all batches in the spool. */
  readonly firstSequence: number;
  nowMs(): number;
  wallMs(): number;
  onDropped(reason: DropReason, samples: number, sentence?: string): void;
  /** A batch is in the backlog. */
  onBatch(): void;
}

export class Intake {
  readonly #parts: IntakeParts;
  #sequence: number;
  #chain: Promise<void> = Promise.resolve();

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#sequence = parts.firstSequence;
  }

  add(payload: Payload): void {
    const { backlog, onDropped, nowMs, wallMs } = this.#parts;
    if (payload.body.length === 0) return;
    if (!backlog.reserve(payload.body.length, payload.samples)) {
      onDropped('queue_full', payload.samples);
      return;
    }
    const bornMs = nowMs() - (wallMs() - payload.timestampMs);
    this.#chain = this.#chain.then(() => this.#pack(payload, bornMs));
  }

  /** Resolves when all that was added until now is compressed. */
  settled(): Promise<void> {
    return this.#chain;
  }

  async #pack(payload: Payload, bornMs: number): Promise<void> {
    const { backlog, codec, dialect, onDropped, onBatch } = this.#parts;
    const { samples, timestampMs } = payload;
    const reserved = { bytes: payload.body.length, samples };
    // As the receiver takes it now; where it takes none of this format, the sender will say so.
    const wire = wireFormOf(payload.format, dialect()) ?? firstDialect(payload.format, 'snappy', false);
    try {
      const { format, body } = wire.format === payload.format ? payload : transcodeToV1(payload);
      const compressed = await codec.compress(wire.encoding, body);
      const sequence = this.#sequence++;
      const { encoding } = wire;
      backlog.settle(reserved, {
        sequence,
        format,
        encoding,
        body: compressed,
        samples,
        timestampMs,
        bornMs,
      });
      onBatch();
    } catch (error) {
      backlog.settle(reserved, undefined);
      onDropped('unsendable', samples, error instanceof Error ? error.message : String(error));
    }
  }
}
