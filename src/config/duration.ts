// SPDX-License-Identifier: Apache-2.0
// A length of time in words, as Prometheus writes them: `500ms`, `10s`, `5m`, `1h`.

import { type Rule, refuse } from './rules.js';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** Milliseconds in [minMs, maxMs] from a text; `allowed` is shown, as in "500ms to 24h". */
export function durationText(minMs: number, maxMs: number, allowed: string): Rule<number> {
  return (value) => {
    const [, digits, unit = ''] =
      typeof value === 'string' ? (/^(\d{1,9})(ms|s|m|h)$/.exec(value) ?? []) : [];
    const durationMs = Number(digits) * (UNIT_MS[unit] ?? Number.NaN);
    return durationMs >= minMs && durationMs <= maxMs
      ? { value: durationMs }
      : refuse(`a whole number with ms, s, m or h, ${allowed}, such as 60s`, value);
  };
}
