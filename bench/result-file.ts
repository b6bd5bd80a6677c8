// SPDX-License-Identifier: Apache-2.0
// What a section leaves in bench/results. Pure.

/** Facts of the machine that say which figures may be compared. */
export type Machine = Readonly<Record<string, string>>;

/** JSON with a newline at its end. Integers are counts and stay as they are; other numbers are measured. */
export function renderResultFile(section: string, machine: Machine, rows: readonly object[]): string {
  return `${JSON.stringify({ section, machine, rows }, roundMeasured, 2)}\n`;
}

/** To four digits: more than were measured only make diffs longer. */
function roundMeasured(_name: string, value: unknown): unknown {
  return typeof value === 'number' && !Number.isInteger(value) ? Number(value.toPrecision(4)) : value;
}
