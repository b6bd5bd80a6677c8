// SPDX-License-Identifier: Apache-2.0
// Cuts a long loop into slices and lets the event loop turn between them. It knows no clock: a step
// has a measured price, and a slice is what the budget buys.

/**
 * Nanoseconds of a slice by the measured prices. What is promised is 4 ms: code that has not been
 * compiled yet takes ten to twenty times as long, a slower machine two or three times.
 */
const SLICE_NS = 250_000;

/** Calls `slice(from, to)` over 0..count-1 in order, each call short enough. */
export async function runInSlices(
  count: number,
  stepNs: number,
  yieldToLoop: () => Promise<void>,
  slice: (from: number, to: number) => void,
): Promise<void> {
  const steps = Math.max(1, Math.floor(SLICE_NS / stepNs));
  for (let from = 0; from < count; from += steps) {
    slice(from, Math.min(count, from + steps));
    await yieldToLoop();
  }
}
