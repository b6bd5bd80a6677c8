// SPDX-License-Identifier: Apache-2.0
// The line before each interval's flow lines on a terminal. Not one of the contract's lines, and not like one.

export interface IntervalTotals {
  /** Flow lines that follow. */
  readonly flows: number;
  /** Of all flows, with a series or without. */
  readonly packets: number;
  readonly bytes: number;
  /** Since the interval before; undefined: this is the first. */
  readonly elapsedMs: number | undefined;
}

/** `=== 14:02:11  993 flows  packets=5123 bytes=1230000  1.97 Mbit/s`, without a line feed. */
export function renderIntervalLine(at: Date, { flows, packets, bytes, elapsedMs }: IntervalTotals): string {
  const time = [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
  const rate =
    elapsedMs === undefined || elapsedMs <= 0 ? '' : `  ${bitRateWords((8000 * bytes) / elapsedMs)}`;
  return `=== ${time}  ${flows} flow${flows === 1 ? '' : 's'}  packets=${packets} bytes=${bytes}${rate}`;
}

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** Three digits that count. */
function bitRateWords(bitsPerSecond: number): string {
  let rest = bitsPerSecond;
  let step = 0;
  while (rest >= 999.5 && step < PREFIXES.length - 1) {
    rest /= 1000;
    step++;
  }
  const decimals = rest >= 99.95 || rest === 0 ? 0 : rest >= 9.995 ? 1 : 2;
  return `${rest.toFixed(decimals)} ${PREFIXES[step]}bit/s`;
}
