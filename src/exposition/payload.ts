// SPDX-License-Identifier: Apache-2.0
// What the push encoders make, and what push/ gets to a receiver. Types only.

/** How a payload's bytes are to be read. */
export type PayloadFormat =
  /** prometheus.WriteRequest, remote write 1.0. */
  | 'remote_write_1'
  /** io.prometheus.write.v2.Request, remote write 2.0. */
  | 'remote_write_2'
  /** Text 0.0.4 with a timestamp on each line, for /api/v1/import/prometheus. */
  | 'text';

/** One request's worth of samples, not compressed. */
export interface Payload {
  readonly format: PayloadFormat;
  /** May be used again by its maker once it is compressed; see Pusher.compressed(). */
  readonly body: Buffer;
  readonly samples: number;
  /** The refresh's wall clock, milliseconds: the timestamp of every sample in it. */
  readonly timestampMs: number;
}
