// SPDX-License-Identifier: Apache-2.0
// What /proc/PID/stat tells of a process, so that a later one with its number is told from it. Pure.

/** Field 22 of proc_pid_stat(5) comes 20 fields after the name. */
const FIELDS_TO_START = 19;

/**
 * `1234 (name) S ...`, where the name may hold anything, parentheses and line breaks too. startTicks: of its start, clock
 * ticks after boot. Undefined where the text is none of a process.
 */
export function parseProcessStat(
  text: string | undefined,
): { readonly comm: string; readonly startTicks: number } | undefined {
  const start = text?.indexOf('(') ?? -1;
  const end = text?.lastIndexOf(')') ?? -1;
  if (text === undefined || start < 0 || end < start) return undefined;
  const field = text
    .slice(end + 1)
    .trim()
    .split(' ')[FIELDS_TO_START];
  if (field === undefined || !/^\d{1,16}$/.test(field)) return undefined;
  return { comm: text.slice(start + 1, end), startTicks: Number(field) };
}
