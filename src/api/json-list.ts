// SPDX-License-Identifier: Apache-2.0
// A long JSON list in short turns of the event loop: an element at a time.

import type { Pacer } from '../pacer.js';

/** JSON whose elements were made one by one; everything else of an answer is short. */
export class RawJson {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** Price of a number or text of an element, nanoseconds. */
const VALUE_NS = 150;

/** valuesEach: numbers and texts of an element, about. */
export async function renderList<T>(
  items: readonly T[],
  valuesEach: number,
  element: (item: T) => object,
  pacer: Pacer,
): Promise<RawJson> {
  const texts: string[] = [];
  for (const item of items) {
    texts.push(JSON.stringify(element(item)));
    if (pacer.note(valuesEach * VALUE_NS)) await pacer.turn();
  }
  return new RawJson(`[${texts.join(',')}]`);
}

/** Ends in a line feed. */
export function renderAnswer(answer: Readonly<Record<string, unknown>>): string {
  const members = Object.entries(answer).map(([key, value]) => {
    const text = value instanceof RawJson ? value.text : JSON.stringify(value);
    return `${JSON.stringify(key)}:${text}`;
  });
  return `{${members.join(',')}}\n`;
}

/** Per second; null where no time has passed, so that no answer has a number that is none. */
export function perSecond(count: number, spanMs: number): number | null {
  return spanMs > 0 ? (count * 1000) / spanMs : null;
}

/** Bits per second of so many bytes. */
export function bitsPerSecond(bytes: number, spanMs: number): number | null {
  return perSecond(8 * bytes, spanMs);
}

/** null where there is nothing that it would be a share of. */
export function shareOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}
