// SPDX-License-Identifier: Apache-2.0
// The terminal's other screen, on which lines that changed are drawn and no others: over a slow line that is
// what counts. Whoever enters it leaves it, whatever happens; then the terminal is as it was before.

import type { FrameOutput } from '../output/frame-output.js';

/**
 * Other screen, no cursor, no wrapping at the right edge: where the terminal takes a character for wider than
 * we do, its line alone suffers. (xterm, "DEC Private Mode Set".)
 */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[0m\x1b[2J';
/** Emptied before it is left: the Linux console has no other screen. */
const LEAVE = '\x1b[0m\x1b[2J\x1b[H\x1b[?7h\x1b[?25h\x1b[?1049l';
const CLEAR = '\x1b[0m\x1b[2J';

export class TerminalScreen {
  readonly #output: FrameOutput;
  #isEntered = false;
  /** What stands there. */
  #lines: readonly string[] = [];
  /** The newest of what could not be drawn. */
  #waiting: readonly string[] | undefined;

  constructor(output: FrameOutput) {
    this.#output = output;
  }

  enter(): void {
    if (this.#isEntered) return;
    this.#isEntered = true;
    this.#lines = [];
    this.#output.write(ENTER);
  }

  /** Each line ends where the terminal does, or before. While the terminal does not read, only the last call counts. */
  show(lines: readonly string[]): void {
    if (!this.#isEntered) return;
    if (this.#output.isBusy) {
      this.#waiting = lines;
      return;
    }
    // Emptied first: behind a line that is full, the cursor still stands on its last character.
    const changed = lines.flatMap((line, i) =>
      line === this.#lines[i] ? [] : [`\x1b[${i + 1};1H\x1b[0m\x1b[K${line}\x1b[0m`],
    );
    const fewer = lines.length < this.#lines.length ? [`\x1b[${lines.length + 1};1H\x1b[J`] : [];
    this.#lines = lines;
    if (changed.length + fewer.length > 0) this.#output.write(changed.join('') + fewer.join(''));
  }

  /** For FrameOutput's onIdle. */
  showWaiting(): void {
    const lines = this.#waiting;
    this.#waiting = undefined;
    if (lines !== undefined) this.show(lines);
  }

  /** The next show() draws all lines: others may have written there, or it has another size. */
  forget(): void {
    if (!this.#isEntered) return;
    this.#lines = [];
    this.#output.write(CLEAR);
  }

  /** Once; waits for the terminal no longer than that. */
  leave(limitMs: number): void {
    if (!this.#isEntered) return;
    this.#isEntered = false;
    this.#waiting = undefined;
    this.#output.write(LEAVE);
    this.#output.flush(limitMs);
  }
}
