// SPDX-License-Identifier: Apache-2.0
// The PromQL in the tables of README and docs/, as an operator would copy it. For tests only.

import { readPages } from './pages.js';

export interface ReadmeQuery {
  /** What the row says of it, in its words. */
  readonly about: string;
  readonly promQl: string;
}

/** Heads of the tables, by what they are about. */
const TABLES = {
  flows: { head: '| question about flows | expression |', expression: 1, about: 0 },
  roce: { head: '| question | expression |', expression: 1, about: 0 },
  alerts: { head: '| expression | means |', expression: 0, about: 1 },
} as const;

/** The rows of a table, in its order. Throws where the pages have no such table, or two. */
export function readReadmeQueries(table: keyof typeof TABLES): readonly ReadmeQuery[] {
  const { head, expression, about } = TABLES[table];
  const [, rest, ...others] = [...readPages().values()].join('\n\n').split(`${head}\n`);
  if (rest === undefined || others.length > 0)
    throw new Error(`README.md and docs/ have not one table "${head}"`);
  const [, ...rows] = (rest.split('\n\n')[0] ?? '').split('\n').filter((line) => line.startsWith('|'));
  return rows.map((row) => {
    // A pipe within a cell has a backslash before it.
    const cells = row.split(/(?<!\\)\|/).slice(1, -1);
    const promQl = /^ `(.*)` $/.exec(cells[expression] ?? '')?.[1]?.replaceAll('\\|', '|');
    if (cells.length !== 2 || promQl === undefined) throw new Error(`no expression in ${row}`);
    return { about: cells[about]?.trim() ?? '', promQl };
  });
}
