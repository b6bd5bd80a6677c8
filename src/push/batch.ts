// SPDX-License-Identifier: Apache-2.0
// A payload on its way: compressed, numbered. Types only.

import type { PayloadFormat } from '../exposition/payload.js';

/** HTTP's names of content encodings; snappy is the block format. */
export type Encoding = 'snappy' | 'zstd' | 'gzip';

/** How bytes stand on the wire. */
export interface WireForm {
  readonly format: PayloadFormat;
  readonly encoding: Encoding;
}

/** What can be told of a batch without its bytes. */
export interface BatchSummary {
  /** Counts up as batches are handed in; the order in which they must arrive. */
  readonly sequence: number;
  readonly samples: number;
  /** Wall clock of its samples. */
  readonly timestampMs: number;
  /** The same on the monotonic clock, which nobody can set; undefined where a former run left it. */
  readonly bornMs?: number;
}

export interface Batch extends BatchSummary, WireForm {
  /** Compressed as `encoding` says. */
  readonly body: Buffer;
}
