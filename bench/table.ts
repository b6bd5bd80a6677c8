// SPDX-License-Identifier: Apache-2.0
// Records to an aligned table of text. Pure.

/** Columns are the union of the records' fields in order of first appearance; numbers are rounded for the eye. */
export function renderTable(records: readonly object[]): string {
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))];
  const cells = [
    columns,
    ...records.map((record) => {
      const fields = new Map<string, unknown>(Object.entries(record));
      return columns.map((column) => renderCell(fields.get(column)));
    }),
  ];
  const widths = columns.map((_, i) => Math.max(...cells.map((line) => line[i]?.length ?? 0)));
  const isText = columns.map((_, i) => cells.slice(1).some((line) => !/^[\d,.\-—]*$/.test(line[i] ?? '')));
  return cells
    .map((line) =>
      line
        .map((cell, i) => (isText[i] === true ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function renderCell(value: unknown): string {
  if (typeof value !== 'number') return value === undefined ? '' : String(value);
  if (Number.isInteger(value)) return value.toLocaleString('en-US');
  return value.toFixed(Math.abs(value) < 10 ? 2 : 1);
}
