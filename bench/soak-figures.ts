// SPDX-License-Identifier: Apache-2.0
// What a soak measured and what it should have been, as rows of a table. Pure.

export interface SoakFigure {
  readonly figure: string;
  readonly measured: number;
  readonly goal: string;
  readonly missed: boolean;
}

/** One bound; without any, a figure is only told. */
export interface Goal {
  readonly below?: number;
  readonly atMost?: number;
  readonly atLeast?: number;
}

export function judge(figure: string, measured: number, goal: Goal = {}): SoakFigure {
  const { below, atMost, atLeast } = goal;
  const bounds: readonly (readonly [string, boolean])[] = [
    ...(below === undefined ? [] : [[`below ${below}`, measured < below] as const]),
    ...(atMost === undefined ? [] : [[`at most ${atMost}`, measured <= atMost] as const]),
    ...(atLeast === undefined ? [] : [[`at least ${atLeast}`, measured >= atLeast] as const]),
  ];
  return {
    figure,
    measured,
    goal: bounds.map(([text]) => text).join(', '),
    // NaN misses every goal.
    missed: bounds.some(([, isMet]) => !isMet),
  };
}

export interface Point {
  readonly atMs: number;
  readonly value: number;
}

/** Of the straight line with the least squares through the points. NaN where they are fewer than two. */
export function slopePerHour(points: readonly Point[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const meanMs = mean(points.map(({ atMs }) => atMs));
  const meanValue = mean(points.map(({ value }) => value));
  let [covariance, variance] = [0, 0];
  for (const { atMs, value } of points) {
    covariance += (atMs - meanMs) * (value - meanValue);
    variance += (atMs - meanMs) ** 2;
  }
  return (covariance / variance) * 3_600_000;
}
