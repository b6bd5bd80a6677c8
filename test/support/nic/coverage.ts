// SPDX-License-Identifier: Apache-2.0
// The table of docs/nic.md that says which driver counts what. For tests only.

import { NIC_MEANINGS, nicCounterDefinition } from '../../../src/metrics/nic-counter-metrics.js';
import { DRIVER_TABLES } from '../../../src/nic/driver-tables.js';

/** A line for each metric that some driver has, a column for each driver. */
export function renderCoverage(): string {
  const drivers = DRIVER_TABLES.map((table) => table.drivers.join(', '));
  const lines = NIC_MEANINGS.map((meaning) => ({
    name: nicCounterDefinition(meaning, []).name,
    marks: DRIVER_TABLES.map(({ rows }) => (rows.some((row) => row[1] === meaning) ? 'x' : '')),
  })).filter(({ marks }) => marks.includes('x'));
  return [
    `| metric | ${drivers.map((driver) => `\`${driver}\``).join(' | ')} |`,
    `|---|${drivers.map(() => '---').join('|')}|`,
    ...lines.map(({ name, marks }) => `| \`${name}\` | ${marks.join(' | ')} |`),
  ].join('\n');
}
