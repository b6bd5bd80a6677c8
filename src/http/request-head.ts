// SPDX-License-Identifier: Apache-2.0
// Finds where the head of a request ends: at its first empty line. Looks at line feeds only and
// checks nothing, which is the parser's part; a head may come in any number of pieces.

const LF = 0x0a;
const CR = 0x0d;
const LETTER_G = 0x47;
const LETTER_H = 0x48;

export class RequestHead {
  #first: number | undefined;
  /** The line so far has nothing but carriage returns. */
  #lineIsEmpty = true;

  /** A byte of it has come. */
  get hasBegun(): boolean {
    return this.#first !== undefined;
  }

  /** Begins like GET and HEAD, which scrapers send without a body. */
  get isRead(): boolean {
    return this.#first === LETTER_G || this.#first === LETTER_H;
  }

  /** For the next request. */
  reset(): void {
    this.#first = undefined;
    this.#lineIsEmpty = true;
  }

  /** Empty lines before a request mean nothing (RFC 9112, 2.2): how many bytes they are. */
  skipEmptyLines(bytes: Buffer): number {
    if (this.hasBegun) return 0;
    let at = 0;
    while (at < bytes.length && (bytes[at] === LF || bytes[at] === CR)) at++;
    return at;
  }

  /** Reads on; returns where the head ends in these bytes, or undefined where it goes on after them. */
  findEnd(bytes: Buffer): number | undefined {
    this.#first ??= bytes[0];
    for (let from = 0; ; ) {
      const lineFeed = bytes.indexOf(LF, from);
      const to = lineFeed === -1 ? bytes.length : lineFeed;
      for (let at = from; this.#lineIsEmpty && at < to; at++) this.#lineIsEmpty = bytes[at] === CR;
      if (lineFeed === -1) return undefined;
      if (this.#lineIsEmpty) return lineFeed + 1;
      this.#lineIsEmpty = true;
      from = lineFeed + 1;
    }
  }
}
