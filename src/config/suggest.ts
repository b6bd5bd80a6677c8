// SPDX-License-Identifier: Apache-2.0
// "Did you mean": the known word nearest to a mistyped one. Pure.

/** `, did you mean "x"?` for a near miss, or an empty string. */
export function suggestWord(given: string, known: readonly string[]): string {
  const wanted = normalize(given);
  let best = '';
  // A third of the word may be wrong; with more, a guess would rather mislead.
  let bestDistance = Math.floor(wanted.length / 3) + 1;
  for (const word of known) {
    const distance = editDistance(wanted, normalize(word));
    if (distance < bestDistance) {
      best = word;
      bestDistance = distance;
    }
  }
  return best === '' ? '' : `, did you mean "${best}"?`;
}

/** `--Max_Series` and `max-series` are the same word to a person. */
function normalize(word: string): string {
  return word.slice(0, 64).toLowerCase().replace(/^-+/, '').replaceAll('_', '-');
}

/** Levenshtein distance with swapped neighbours as one step (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row++) {
    const current = [row];
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1];
      let cost = Math.min(
        at(last, column) + 1,
        at(current, column - 1) + 1,
        at(last, column - 1) + (same ? 0 : 1),
      );
      const swapped = a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (row > 1 && column > 1 && swapped) cost = Math.min(cost, at(beforeLast, column - 2) + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, b.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}
