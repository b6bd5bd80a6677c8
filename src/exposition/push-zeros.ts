// SPDX-License-Identifier: Apache-2.0
// The 0 that goes before the first value of a counter that is pushed. Receivers add up differences between
// samples: a counter that begins at its value would lose what it counted until then.

export interface ZeroOptions {
  /** Whether such zeros are pushed (flows.new_series). */
  readonly zeroFirst: boolean;
  /** Wall clock, milliseconds: since when the counters of families count. */
  readonly startedMs: number;
}

/**
 * When what a push shows for the first time was 0: just after the former push, or when this process began.
 * Later than all samples there are of the series, also of one that ended and begins again. Undefined where
 * there is no time between, as the clock was set, and where no zeros are wanted.
 */
export function zeroTimestamp(
  { zeroFirst, startedMs }: ZeroOptions,
  lastMs: number,
  timestampMs: number,
): number | undefined {
  const zeroMs = Math.floor(Math.max(startedMs, lastMs + 1));
  return zeroFirst && zeroMs < timestampMs ? zeroMs : undefined;
}
