// SPDX-License-Identifier: Apache-2.0
// Packets in the order in which a network of many paths might deliver them.

/**
 * The items in another order, in which none is further than `reach` from its place. Every such order can
 * come out.
 * @param choices one number an item: which of those that may come next does
 */
export function disordered<T>(items: readonly T[], reach: number, choices: readonly number[]): T[] {
  const waiting = items.map((item, place) => ({ item, place }));
  return items.flatMap((_, place) => {
    const candidates = waiting.filter((one) => one.place <= place + reach).length;
    const isDue = (waiting[0]?.place ?? place) <= place - reach;
    const next = isDue ? 0 : (choices[place] ?? 0) % candidates;
    return waiting.splice(next, 1).map(({ item }) => item);
  });
}
