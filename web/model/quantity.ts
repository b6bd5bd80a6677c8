// SPDX-License-Identifier: Apache-2.0
// Numbers as text: three digits that count, an SI prefix, the unit. What is not known is a dash. Pure.

const PREFIXES = ['', 'k', 'M', 'G', 'T', 'P', 'E'];
/** Between a number and its unit: they stay on one line. */
const GAP = '\u00a0';
export const UNKNOWN = '–';

/** `8.02 Mbit/s`, `512 B`. Below 1000 without a prefix; what is fractional there keeps three digits. */
export function siText(value: number | null | undefined, unit: string): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return UNKNOWN;
  const [digits, prefix] = scaled(value);
  return `${digits}${GAP}${prefix}${unit}`;
}

function scaled(value: number): readonly [digits: string, prefix: string] {
  let rest = Math.abs(value);
  let step = 0;
  // 999.6 would be written as 1000.
  while (rest >= 999.5 && step < PREFIXES.length - 1) {
    rest /= 1000;
    step++;
  }
  const sign = value < 0 ? '-' : '';
  return [sign + threeDigits(rest, step === 0 && Number.isInteger(value)), PREFIXES[step] ?? ''];
}

function threeDigits(value: number, isWhole: boolean): string {
  if (isWhole || value >= 99.95) return value.toFixed(0);
  if (value >= 9.995) return value.toFixed(1);
  // 0.00042 pkt/s is more than nothing.
  return value !== 0 && value < 0.005 ? '<0.01' : value.toFixed(2);
}

/** On an axis: `20 Mbit/s`, as its steps are round. */
export function tickText(text: string): string {
  return text.replace(/(\.\d*?)0+(?=\D)/, '$1').replace(/\.(?=\D)/, '');
}

export function bitRateText(bitsPerSecond: number | null | undefined): string {
  return siText(bitsPerSecond, 'bit/s');
}

export function packetRateText(packetsPerSecond: number | null | undefined): string {
  return siText(packetsPerSecond, 'pkt/s');
}

export function bytesText(bytes: number | null | undefined): string {
  return siText(bytes, 'B');
}

/** `17,204`: to the unit, for books and counters. */
export function countText(count: number | null | undefined): string {
  if (count === null || count === undefined || !Number.isFinite(count)) return UNKNOWN;
  if (!Number.isInteger(count)) return String(count);
  return String(count).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `3.1 %` of a share from 0 to 1. */
export function percentText(share: number | null | undefined): string {
  if (share === null || share === undefined || !Number.isFinite(share)) return UNKNOWN;
  const percent = share * 100;
  if (percent === 0) return `0${GAP}%`;
  if (percent < 0.05) return `<0.1${GAP}%`;
  return `${percent >= 9.95 ? percent.toFixed(0) : percent.toFixed(1)}${GAP}%`;
}

/** `2.4 ms`. */
export function millisecondsText(ms: number | null | undefined): string {
  if (ms === null || ms === undefined || !Number.isFinite(ms)) return UNKNOWN;
  return ms >= 1000 ? siText(ms / 1000, 's') : `${ms >= 99.95 ? ms.toFixed(0) : ms.toFixed(1)}${GAP}ms`;
}

/** `12 s`, `3 min 5 s`, `2 h 11 min`, `3 d 4 h`: the two largest parts. */
export function spanText(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const parts: readonly (readonly [size: number, unit: string])[] = [
    [86_400, 'd'],
    [3600, 'h'],
    [60, 'min'],
    [1, 's'],
  ];
  const first = parts.findIndex(([size]) => seconds >= size);
  if (first < 0) return `0${GAP}s`;
  let rest = seconds;
  return parts
    .slice(first, first + 2)
    .map(([size, unit]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count > 0 ? `${count}${GAP}${unit}` : '';
    })
    .filter((part) => part !== '')
    .join(' ');
}

/** `12:03:11`, by the clock of who looks. */
export function clockText(atMs: number): string {
  const at = new Date(atMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, '0'))
    .join(':');
}

/** A sentence of the API ends without a full stop, one of the exporter with it. */
export function withFullStop(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
