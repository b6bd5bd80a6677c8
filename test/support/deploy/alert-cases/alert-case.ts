// SPDX-License-Identifier: Apache-2.0
// What an alert is held to: series, a sample a minute, and whether it fires then. For tests only.

/** A series and its samples from minute 0 on, as promtool writes them: `_` is none, `stale` ends it. */
export type Given = readonly [series: string, samples: string];

export interface AlertCase {
  readonly what: string;
  readonly given: readonly Given[];
  readonly atMinute: number;
  /** How many alerts of that name fire. */
  readonly firing: number;
}

/** By the name of the alert. */
export type AlertCases = Readonly<Record<string, readonly AlertCase[]>>;

/** A series of one exporter; labels as in `interface="eth0"`. */
export function of(name: string, labels = '', instance = 'h'): string {
  return `${name}{job="xtrace-catch",instance="${instance}"${labels === '' ? '' : `,${labels}`}}`;
}

export function fires(what: string, atMinute: number, ...given: readonly Given[]): AlertCase {
  return { what, given, atMinute, firing: 1 };
}

export function silent(what: string, atMinute: number, ...given: readonly Given[]): AlertCase {
  return { what, given, atMinute, firing: 0 };
}
