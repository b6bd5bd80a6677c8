// SPDX-License-Identifier: Apache-2.0
// Numbers in few columns: three digits that count, a prefix of the SI, the unit. `-` is not known. Pure.

import { siNumber } from '../si-text.js';

export const UNKNOWN = '-';

/** `1.44Mb`, bits per second; at most six columns. */
export function bitRateText(bitsPerSecond: number | undefined): string {
  return bitsPerSecond === undefined ? UNKNOWN : `${shortNumber(bitsPerSecond)}b`;
}

/** `1.44MB`. */
export function bytesText(bytes: number): string {
  return `${shortNumber(bytes)}B`;
}

/** `1.44M`, or below 1000 `12`, `1.5`; at most five columns up to 10^18. */
export function countText(count: number | undefined): string {
  return count === undefined ? UNKNOWN : shortNumber(count);
}

/** `3.1%`. */
export function shareText(share: number | undefined): string {
  if (share === undefined) return UNKNOWN;
  const percent = 100 * share;
  return `${percent >= 9.95 || percent === 0 ? percent.toFixed(0) : percent.toFixed(1)}%`;
}

function shortNumber(value: number): string {
  return siNumber(Math.max(0, value));
}
