// SPDX-License-Identifier: Apache-2.0
// An answer as JSON in chunks, made in short turns of the event loop: long lists an element at a time, each slice of
// them encoded before the next is made.

import type { Pacer } from '../pacer.js';

/** JSON whose elements were made one by one; everything else of an answer is short. */
export class RawJson {
  readonly chunks: readonly Buffer[];

  constructor(chunks: readonly Buffer[]) {
    this.chunks = chunks;
  }
}

/** Price of a number or text of an element, nanoseconds: to make it, and to encode it. */
const VALUE_NS = 300;
/** A slice is encoded when it is so long, in characters. */
const CHUNK_LENGTH = 64 * 1024;

/** valuesEach: numbers and texts of an element, about. */
export async function renderList<T>(
  items: readonly T[],
  valuesEach: number,
  element: (item: T) => object,
  pacer: Pacer,
): Promise<RawJson> {
  const chunks: Buffer[] = [];
  let text = '[';
  let isFirst = true;
  const encode = (): void => {
    chunks.push(Buffer.from(text));
    text = '';
  };
  for (const item of items) {
    text += (isFirst ? '' : ',') + JSON.stringify(element(item));
    isFirst = false;
    if (text.length >= CHUNK_LENGTH) encode();
    if (!pacer.note(valuesEach * VALUE_NS)) continue;
    if (text !== '') encode();
    await pacer.turn();
  }
  text += ']';
  encode();
  return new RawJson(chunks);
}

/** Together they end in a line feed. */
export function renderAnswer(answer: Readonly<Record<string, unknown>>): Buffer[] {
  const chunks: Buffer[] = [];
  let text = '{';
  Object.entries(answer).forEach(([key, value], place) => {
    text += `${place === 0 ? '' : ','}${JSON.stringify(key)}:`;
    if (value instanceof RawJson) {
      chunks.push(Buffer.from(text), ...value.chunks);
      text = '';
    } else text += JSON.stringify(value);
  });
  chunks.push(Buffer.from(`${text}}\n`));
  return chunks;
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
