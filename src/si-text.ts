// SPDX-License-Identifier: Apache-2.0
// Numbers for people: three digits that count, and a prefix of the SI. Pure.

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P'] as const;

/** `1234` as `1.23k`; whole numbers below 1000 as they are. Not negative. */
export function siNumber(value: number): string {
  const { digits, prefix } = scale(value);
  return `${digits}${prefix}`;
}

/** `1234` as `1.23 kB`. */
export function siBytes(value: number): string {
  const { digits, prefix } = scale(value);
  return `${digits} ${prefix}B`;
}

function scale(value: number): { digits: string; prefix: string } {
  let rest = value;
  let step = 0;
  // 999.5 has three digits only as 1.00 of the next prefix.
  while (rest >= 999.5 && step < PREFIXES.length - 1) {
    rest /= 1000;
    step++;
  }
  const isWhole = step === 0 && Number.isInteger(value);
  const decimals = isWhole || rest >= 99.95 ? 0 : rest >= 9.995 ? 1 : 2;
  return { digits: rest.toFixed(decimals), prefix: PREFIXES[step] ?? '' };
}
