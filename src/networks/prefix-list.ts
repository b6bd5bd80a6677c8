// SPDX-License-Identifier: Apache-2.0
// Networks as they are read, in columns: a million of them as objects would hold the garbage collector.

import type { Cidr } from '../cidr.js';

export class PrefixColumns {
  /** 32-bit words of an address: 1 for IPv4, 4 for IPv6. */
  readonly width: 1 | 4;
  length = 0;
  /** width words a network, the address's first byte in the highest bits; beyond its length all 0. */
  readonly words: Uint32Array;
  readonly bits: Uint8Array;
  /** Index into the list's names. */
  readonly names: Uint16Array;
  /** In its file, from 1; 0 where there is none. */
  readonly lines: Uint32Array;

  constructor(width: 1 | 4, capacity: number) {
    this.width = width;
    this.words = new Uint32Array(width * capacity);
    this.bits = new Uint8Array(capacity);
    this.names = new Uint16Array(capacity);
    this.lines = new Uint32Array(capacity);
  }

  cidrAt(index: number): Cidr {
    const { width, words, bits } = this;
    return {
      ipVersion: width === 1 ? 4 : 6,
      words: [...words.subarray(index * width, (index + 1) * width)],
      bits: bits[index] ?? 0,
    };
  }
}

export class PrefixList {
  readonly v4: PrefixColumns;
  readonly v6: PrefixColumns;
  /** Different ones, in the order in which they came. */
  readonly names: string[] = [];
  readonly #nameIndices = new Map<string, number>();

  /** capacity: most networks. Memory that none has touched is not resident: the kernel gives large zeroed pieces lazily. */
  constructor(capacity: number) {
    this.v4 = new PrefixColumns(1, capacity);
    this.v6 = new PrefixColumns(4, capacity);
  }

  get length(): number {
    return this.v4.length + this.v6.length;
  }

  /** No more than fit; `line`: see PrefixColumns. */
  add(cidr: Cidr, name: string, line = 0): void {
    let nameIndex = this.#nameIndices.get(name);
    if (nameIndex === undefined) {
      nameIndex = this.names.push(name) - 1;
      this.#nameIndices.set(name, nameIndex);
    }
    const columns = cidr.ipVersion === 4 ? this.v4 : this.v6;
    const index = columns.length++;
    columns.words.set(cidr.words, index * columns.width);
    columns.bits[index] = cidr.bits;
    columns.names[index] = nameIndex;
    columns.lines[index] = line;
  }
}
