// SPDX-License-Identifier: Apache-2.0
// The query of a scrape -> which subjects it wants: ?collect[]= names those, ?exclude[]= all others, as with
// node_exporter.

import {
  ALL_SUBJECTS,
  type Selection,
  SUBJECTS,
  type Subject,
  selectionOf,
} from '../exposition/selection.js';

/** url: path and query of the request. problem: one sentence. */
export function parseSelection(url: string | undefined): Selection | { readonly problem: string } {
  const mark = url?.indexOf('?') ?? -1;
  if (url === undefined || mark < 0) return ALL_SUBJECTS;
  const query = new URLSearchParams(url.slice(mark + 1));
  const collected = query.getAll('collect[]');
  const excluded = query.getAll('exclude[]');
  const unknown = [...collected, ...excluded].find((name) => !SUBJECTS.includes(name as Subject));
  if (unknown !== undefined) {
    const shown = JSON.stringify(unknown.slice(0, 60));
    return { problem: `There is no subject ${shown}; there are ${SUBJECTS.join(', ')}.` };
  }
  if (collected.length > 0 && excluded.length > 0)
    return { problem: 'Give collect[] or exclude[], not both of them.' };
  if (collected.length > 0) return selectionOf(collected as Subject[]); // each is one, as seen above
  return selectionOf(SUBJECTS.filter((subject) => !excluded.includes(subject)));
}
