// SPDX-License-Identifier: Apache-2.0
// Reads JSON that somebody else wrote: what is missing or of another kind becomes nothing, 0 or empty, and
// every text becomes one that a terminal may show. So no answer, whatever it holds, is a fault or moves a cursor.

import { renderVisible } from '../print/visible-text.js';

/** Of a text; more is in no column, and would only cost time. */
const TEXT_MAX_CHARS = 2000;

export class JsonFields {
  readonly #fields: Readonly<Record<string, unknown>>;

  constructor(value: unknown) {
    this.#fields = typeof value === 'object' && value !== null ? { ...value } : {};
  }

  text(key: string): string {
    return visibleText(this.#fields[key]);
  }

  /** undefined where it is null or missing. */
  textOrNone(key: string): string | undefined {
    const value = this.#fields[key];
    return typeof value === 'string' ? visibleText(value) : undefined;
  }

  /** As it was given, for asking again; not to be shown. */
  rawText(key: string): string {
    const value = this.#fields[key];
    return typeof value === 'string' ? value : '';
  }

  number(key: string): number {
    return this.numberOrNone(key) ?? 0;
  }

  numberOrNone(key: string): number | undefined {
    const value = this.#fields[key];
    return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
  }

  isTrue(key: string): boolean {
    return this.#fields[key] === true;
  }

  object(key: string): JsonFields {
    return new JsonFields(this.#fields[key]);
  }

  /** Its first items, at most `most`. */
  list(key: string, most: number): readonly unknown[] {
    const value = this.#fields[key];
    return Array.isArray(value) ? value.slice(0, most) : [];
  }

  objects(key: string, most: number): readonly JsonFields[] {
    return this.list(key, most).map((item) => new JsonFields(item));
  }

  /** Names and values of an object of texts. */
  texts(): readonly (readonly [name: string, value: string])[] {
    return Object.entries(this.#fields)
      .slice(0, LABELS_MAX)
      .map(([name, value]) => [visibleText(name), visibleText(value)] as const);
  }

  /** Names and values of those that are numbers. */
  numbers(): readonly (readonly [name: string, value: number])[] {
    return Object.entries(this.#fields)
      .filter((entry): entry is [string, number] => Number.isFinite(entry[1]))
      .slice(0, LABELS_MAX)
      .map(([name, value]) => [visibleText(name), value] as const);
  }
}

/** An exporter has nine, and two more with networks. */
const LABELS_MAX = 50;

function visibleText(value: unknown): string {
  return typeof value === 'string' ? renderVisible(value.slice(0, TEXT_MAX_CHARS)) : '';
}
