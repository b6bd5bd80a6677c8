// SPDX-License-Identifier: Apache-2.0
// The answer to --list: a table of the machine's network interfaces. Rows are given; pure.

export interface InterfaceRow {
  readonly name: string;
  readonly index: number;
  /** Such as "ethernet", "infiniband", "loopback". */
  readonly type: string;
  readonly mtu: number;
  /** Such as "up", "down". */
  readonly state: string;
  /** Empty or undefined where there is none, as of a virtual device. */
  readonly driver?: string | undefined;
  /** With prefix length, as in "192.0.2.1/24". */
  readonly addresses: readonly string[];
}

const HEADINGS = ['NAME', 'INDEX', 'TYPE', 'MTU', 'STATE', 'DRIVER', 'ADDRESSES'] as const;
const GAP = '  ';

/** A line per interface in the order of their index, under a line of headings; ends in a line feed. */
export function renderInterfaceList(rows: readonly InterfaceRow[]): string {
  if (rows.length === 0) return 'There are no network interfaces.\n';
  const table: (readonly string[])[] = [HEADINGS];
  for (const row of [...rows].sort((a, b) => a.index - b.index)) {
    table.push([
      row.name,
      String(row.index),
      row.type,
      String(row.mtu),
      row.state,
      row.driver ?? '',
      row.addresses.join(' '),
    ]);
  }
  // An empty cell shows a dash: a row is then the same number of words for awk and people alike.
  const shown = table.map((cells) => cells.map((cell) => (cell === '' ? '-' : cell)));
  const widths = HEADINGS.map((_, column) => Math.max(...shown.map((cells) => cells[column]?.length ?? 0)));
  const lines = shown.map((cells) => cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(GAP));
  return `${lines.map((line) => line.trimEnd()).join('\n')}\n`;
}
