// SPDX-License-Identifier: Apache-2.0
// Whether the numbers on the screen are those of now. Pure.

import { clockText, spanText } from './quantity.js';

/** Where the exporter counts often, a hiccup of the network is no news. */
const PATIENCE_MIN_MS = 5000;
const INTERVALS = 3;

export interface Freshness {
  readonly isOld: boolean;
  /** Empty where they are those of now. */
  readonly sentence: string;
}

/** heardMs: when something last came, by the clock of who looks; undefined: nothing has. */
export function judgeFreshness(
  heardMs: number | undefined,
  intervalMs: number,
  nowMs: number,
  trouble: string,
): Freshness {
  const why = trouble === '' ? '' : ` ${trouble}`;
  if (heardMs === undefined) {
    return {
      isOld: trouble !== '',
      sentence: trouble === '' ? '' : `No answer from the exporter yet.${why}`,
    };
  }
  const silentMs = nowMs - heardMs;
  if (silentMs <= Math.max(PATIENCE_MIN_MS, INTERVALS * intervalMs)) return { isOld: false, sentence: '' };
  return {
    isOld: true,
    sentence: `No answer from the exporter for ${spanText(silentMs)}: these are the numbers of ${clockText(heardMs)}, and old.${why}`,
  };
}
