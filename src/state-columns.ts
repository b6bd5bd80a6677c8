// SPDX-License-Identifier: Apache-2.0
// What outlives the process, as rooms hand it out and take it back: columns of numbers by name. How they get
// into a file is no matter of theirs; whatever a file says is looked at here before it is believed.

export type StateColumn = Uint8Array | Uint32Array | Float64Array;
export type StateColumns = Readonly<Record<string, StateColumn>>;

/** Numbers of interfaces and networks mean something in one process alone; a state has their names. */
export interface StateNames {
  interfaceName(id: number): string;
  networkName(number: number): string;
}

/** The other way round, in the process that reads a state. */
export interface StateNumbers {
  interfaceId(name: string): number;
  networkNumber(name: string): number;
}

/** One clause, which says what a state has that cannot be. */
export interface StateProblem {
  readonly problem: string;
}

/** Numbers their names in the order in which they are met. */
export class NumberedNames {
  readonly names: string[] = [];
  readonly #nameOf: (number: number) => string;
  readonly #indexOf = new Map<number, number>();

  constructor(nameOf: (number: number) => string) {
    this.#nameOf = nameOf;
  }

  indexOf(number: number): number {
    const known = this.#indexOf.get(number);
    if (known !== undefined) return known;
    const index = this.names.push(this.#nameOf(number)) - 1;
    this.#indexOf.set(number, index);
    return index;
  }
}

export function jsonColumn(value: object): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * Reads columns and checks them. What is not there or not as it must be reads as nothing, and is told by
 * `problem`: look at it before anything is taken over.
 */
export class ColumnReader {
  readonly #columns: StateColumns;
  readonly #prefix: string;
  #problem: string | undefined;

  /** prefix: of the names of all columns that are asked for. */
  constructor(columns: StateColumns, prefix: string) {
    this.#columns = columns;
    this.#prefix = prefix;
  }

  /** The first one. */
  get problem(): string | undefined {
    return this.#problem;
  }

  fail(problem: string): void {
    this.#problem ??= problem;
  }

  /** length: undefined where any number of whole rows will do. */
  words(name: string, rowWords: number, rows?: number): Uint32Array {
    const column = this.#columns[this.#prefix + name];
    if (!(column instanceof Uint32Array)) return this.#lacks(name, new Uint32Array(0));
    return this.#ofRows(name, column, rowWords, rows);
  }

  /** Counts and times: none below `least`, none infinite. */
  doubles(name: string, rowDoubles: number, rows?: number, least = 0): Float64Array {
    const column = this.#columns[this.#prefix + name];
    if (!(column instanceof Float64Array)) return this.#lacks(name, new Float64Array(0));
    for (const value of column) {
      if (!(value >= least && value < Number.POSITIVE_INFINITY)) {
        this.fail(`its ${this.#prefix}${name} has ${value}`);
        break;
      }
    }
    return this.#ofRows(name, column, rowDoubles, rows);
  }

  /** An object; what its fields are is for the caller to look at. */
  json(name: string): Readonly<Record<string, unknown>> {
    const column = this.#columns[this.#prefix + name];
    if (!(column instanceof Uint8Array)) return this.#lacks(name, {});
    try {
      const value: unknown = JSON.parse(new TextDecoder().decode(column));
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Said below.
    }
    this.fail(`its ${this.#prefix}${name} is no JSON`);
    return {};
  }

  texts(value: unknown, what: string): readonly string[] {
    if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
    this.fail(`its ${this.#prefix}${what} are no texts`);
    return [];
  }

  number(value: unknown, what: string): number {
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    this.fail(`its ${this.#prefix}${what} is no number`);
    return 0;
  }

  /** Every rowWords-th word from `at` is a place in a list of so many. */
  indexes(words: Uint32Array, rowWords: number, at: number, length: number, what: string): void {
    for (let i = at; i < words.length; i += rowWords) {
      if ((words[i] ?? 0) < length) continue;
      this.fail(`its ${this.#prefix}${what} names number ${words[i]} of ${length}`);
      return;
    }
  }

  #ofRows<Column extends Uint32Array | Float64Array>(
    name: string,
    column: Column,
    width: number,
    rows: number | undefined,
  ): Column {
    if (rows === undefined ? column.length % width === 0 : column.length === width * rows) return column;
    this.fail(`its ${this.#prefix}${name} has ${column.length} numbers`);
    return column.subarray(0, 0) as Column;
  }

  #lacks<Nothing>(name: string, nothing: Nothing): Nothing {
    this.fail(`it has no ${this.#prefix}${name}`);
    return nothing;
  }
}
