// SPDX-License-Identifier: Apache-2.0
// Rates over 2, 10 and 40 seconds, as iftop has them.

import { bitsPerSecond, perSecond } from './json-list.js';

const WINDOWS_SECONDS = [2, 10, 40];

export interface WindowRates {
  readonly asked_seconds: number;
  /** How long it was. */
  readonly seconds: number;
  readonly bits_per_second: number | null;
  readonly packets_per_second: number | null;
  readonly payload_bits_per_second?: number | null;
}

/** Places among the sums. */
export interface WindowColumns {
  readonly count: number;
  readonly bytes: number;
  readonly packets: number;
  readonly payloadBytes?: number;
}

/** sumWindow: as of RateHistory. null where nothing is known. */
export function windowRates(
  sumWindow: (askedMs: number, sums: Float64Array) => number,
  { count, bytes, packets, payloadBytes }: WindowColumns,
): readonly WindowRates[] | null {
  const sums = new Float64Array(count);
  const windows = WINDOWS_SECONDS.map((asked): WindowRates => {
    const spanMs = sumWindow(asked * 1000, sums);
    return {
      asked_seconds: asked,
      seconds: spanMs / 1000,
      bits_per_second: bitsPerSecond(sums[bytes] ?? 0, spanMs),
      packets_per_second: perSecond(sums[packets] ?? 0, spanMs),
      ...(payloadBytes === undefined
        ? {}
        : { payload_bits_per_second: bitsPerSecond(sums[payloadBytes] ?? 0, spanMs) }),
    };
  });
  return windows.some(({ seconds }) => seconds === 0) ? null : windows;
}
