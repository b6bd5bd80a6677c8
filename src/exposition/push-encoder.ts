// SPDX-License-Identifier: Apache-2.0
// What is shown at a refresh, as payloads to push: the one entry for all formats. Makes bytes and
// remembers series; queues, compresses and sends nothing.

import { createFlowLabelFields, type FlowLabelOptions } from '../metrics/flow-label-fields.js';
import type { Payload, PayloadFormat } from './payload.js';
import { PushTextEncoder } from './push-text.js';
import type { ZeroOptions } from './push-zeros.js';
import { BatchV1 } from './remote-write/batch-v1.js';
import { BatchV2 } from './remote-write/batch-v2.js';
import { createFlowTailRenderer } from './remote-write/flow-tail.js';
import { type LabelPair, mergeLabels } from './remote-write/labels.js';
import { RemoteWriteEncoder } from './remote-write/remote-write-encoder.js';
import type { ExpositionInput } from './render-exposition.js';

export interface PushEncoderOptions extends ZeroOptions {
  readonly format: PayloadFormat;
  /** Of one payload. */
  readonly maxSamplesPerBatch: number;
  /** Of one payload, not compressed. A single series that is larger goes alone. */
  readonly maxBatchBytes: number;
  /**
   * Labels for every series: job, instance, extra_labels. A label that the series has of its own wins, but for
   * job and instance (joinLabels()); of two with one name the first; invalid names and empty values are left out.
   */
  readonly externalLabels: readonly LabelPair[];
  /** As those of the flow table. */
  readonly flowLabels: FlowLabelOptions;
}

export interface PushEncoderParts {
  /** Resolves once the event loop had a turn (setImmediate). */
  yieldToLoop(): Promise<void>;
}

export interface PushEncoder {
  /**
   * All samples of the snapshot, after a 0 for each counter that was not encoded before, in payloads of its
   * own and with the time of its start; and a stale marker for each series that was encoded before and is not
   * in it. The snapshot must not change until the last payload is out; leaving the loop early is fine.
   * A payload's body is whole until the next payload is asked for: its memory is used again.
   *
   * timestampMs: wall clock of the refresh. Payloads tell the one they have: 1 ms after the one before
   * where the clock stands still or steps back by up to a minute; beyond that the clock is followed.
   *
   * @throws Error when a former call is not over.
   */
  encode(snapshot: ExpositionInput, timestampMs: number): AsyncGenerator<Payload, void>;
  /**
   * Before the first encode(): what is in the snapshot was pushed by a former process, and goes on. It gets no 0 of its
   * own, and a stale marker where it is in no later snapshot.
   */
  goOn(snapshot: ExpositionInput): Promise<void>;
  /** A stale marker for every series: what is to be sent last at a clean stop. Nothing in text, which has none. */
  staleAll(timestampMs: number): AsyncGenerator<Payload, void>;
  /**
   * To be called by the flow table before the series of a row gives it up; else the next series of the
   * row would be pushed under its name.
   */
  onSeriesEnd(series: number): void;
}

/** A clock that was stepped back further was wrong before; samples of the future would be refused for long. */
const MAX_HELD_BACK_MS = 60_000;

export function createPushEncoder(options: PushEncoderOptions, parts: PushEncoderParts): PushEncoder {
  const encoder = createFormatEncoder(options, parts);
  let busy = false;
  let lastMs = Number.NEGATIVE_INFINITY;

  /** Samples of a series must be in order, and no two of one time. */
  const nextTimestamp = (timestampMs: number): number => {
    if (timestampMs <= lastMs && lastMs - timestampMs <= MAX_HELD_BACK_MS) lastMs++;
    else lastMs = timestampMs;
    return lastMs;
  };

  async function* exclusively(make: () => AsyncGenerator<Payload>): AsyncGenerator<Payload, void> {
    if (busy) throw new Error('push encoder: a call came while the former one was not over');
    busy = true;
    try {
      yield* make();
    } finally {
      busy = false;
    }
  }

  return {
    encode: (snapshot, timestampMs) =>
      exclusively(() => encoder.encode(snapshot, nextTimestamp(timestampMs))),
    goOn: (snapshot) => encoder.goOn(snapshot),
    staleAll: (timestampMs) => exclusively(() => encoder.staleAll(nextTimestamp(timestampMs))),
    onSeriesEnd: (series) => encoder.onSeriesEnd(series),
  };
}

type FormatEncoder = Pick<RemoteWriteEncoder, 'encode' | 'goOn' | 'staleAll' | 'onSeriesEnd'>;

function createFormatEncoder(options: PushEncoderOptions, parts: PushEncoderParts): FormatEncoder {
  const { yieldToLoop } = parts;
  const externalLabels = mergeLabels([], options.externalLabels);
  const fields = createFlowLabelFields(options.flowLabels);
  if (options.format === 'text') {
    const flowLabelNames = fields.map(({ name }) => name);
    return new PushTextEncoder({ ...options, externalLabels, flowLabelNames }, { yieldToLoop });
  }
  const batch = options.format === 'remote_write_1' ? new BatchV1() : new BatchV2();
  const tail = createFlowTailRenderer(fields, externalLabels);
  return new RemoteWriteEncoder({ ...options, externalLabels }, { batch, tail, yieldToLoop });
}
