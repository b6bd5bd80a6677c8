// SPDX-License-Identifier: Apache-2.0
// Bytes of a terminal -> keys. A key that is a sequence may come in pieces (ssh); Escape alone is one whose
// rest does not come in time. Sequences that it does not know are taken as a whole and are no key.

import type { Schedule } from '../clock.js';

export type NamedKey =
  | 'up'
  | 'down'
  | 'left'
  | 'right'
  | 'page-up'
  | 'page-down'
  | 'home'
  | 'end'
  | 'enter'
  | 'tab'
  | 'escape'
  | 'backspace'
  | 'delete-line'
  | 'interrupt'
  | 'suspend'
  | 'redraw';

/** A character has itself as its text. */
export type Key = { readonly name: NamedKey } | { readonly name: 'text'; readonly text: string };

/** Longer than a packet of a slow line takes, shorter than a person notices. */
const ESCAPE_LIMIT_MS = 100;
/** A sequence that is longer is none. */
const SEQUENCE_MAX_CHARS = 32;

const CONTROLS: Readonly<Record<string, NamedKey>> = {
  '\r': 'enter',
  '\n': 'enter',
  '\t': 'tab',
  '\x7f': 'backspace',
  '\b': 'backspace',
  '\x15': 'delete-line',
  '\x03': 'interrupt',
  '\x04': 'interrupt',
  '\x1a': 'suspend',
  '\x0c': 'redraw',
};

/** Of xterm, the Linux console, tmux and screen: what follows Escape. */
const SEQUENCES: Readonly<Record<string, NamedKey>> = {
  '[A': 'up',
  '[B': 'down',
  '[C': 'right',
  '[D': 'left',
  '[H': 'home',
  '[F': 'end',
  OA: 'up',
  OB: 'down',
  OC: 'right',
  OD: 'left',
  OH: 'home',
  OF: 'end',
  OM: 'enter',
  '[1~': 'home',
  '[4~': 'end',
  '[7~': 'home',
  '[8~': 'end',
  '[5~': 'page-up',
  '[6~': 'page-down',
};

/** Parameters, intermediate bytes and a final byte (ECMA-48, 5.4); or one letter behind O. */
const WHOLE_SEQUENCE = /^(?:\[\[.|\[[0-?]*[ -/]*[@-~]|O.)/su;
const BEGUN_SEQUENCE = /^(?:\[\[?|\[[0-?]*[ -/]*|O)?$/;

export interface KeyReaderParts {
  onKey(key: Key): void;
  readonly schedule: Schedule;
}

export class KeyReader {
  readonly #parts: KeyReaderParts;
  readonly #decoder = new TextDecoder();
  #waiting = '';
  #callOff: (() => void) | undefined;

  constructor(parts: KeyReaderParts) {
    this.#parts = parts;
  }

  read(bytes: Uint8Array): void {
    this.#callOff?.();
    this.#callOff = undefined;
    this.#waiting += this.#decoder.decode(bytes, { stream: true });
    this.#takeWhole();
    if (this.#waiting !== '') {
      this.#callOff = this.#parts.schedule(() => this.#giveUp(), ESCAPE_LIMIT_MS);
    }
  }

  close(): void {
    this.#callOff?.();
    this.#waiting = '';
  }

  #takeWhole(): void {
    while (this.#waiting !== '') {
      const [first = ''] = this.#waiting;
      if (first !== '\x1b') {
        this.#waiting = this.#waiting.slice(first.length);
        this.#giveCharacter(first);
        continue;
      }
      const rest = this.#waiting.slice(1);
      if (BEGUN_SEQUENCE.test(rest) && rest.length < SEQUENCE_MAX_CHARS) return;
      // Typed so fast, or sent so late, that the next key came with it.
      if (/^[^[O]/.test(rest)) {
        this.#waiting = rest;
        this.#parts.onKey({ name: 'escape' });
        continue;
      }
      const [sequence = ''] = WHOLE_SEQUENCE.exec(rest) ?? [];
      this.#waiting = rest.slice(sequence.length);
      const name = SEQUENCES[sequence];
      if (name !== undefined) this.#parts.onKey({ name });
    }
  }

  /** Escape was a key of its own, and what follows are others. */
  #giveUp(): void {
    this.#callOff = undefined;
    const rest = this.#waiting.slice(1);
    this.#waiting = '';
    this.#parts.onKey({ name: 'escape' });
    for (const character of rest) this.#giveCharacter(character);
  }

  #giveCharacter(character: string): void {
    const name = CONTROLS[character];
    if (name !== undefined) this.#parts.onKey({ name });
    else if (!/^[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]$/u.test(character)) {
      this.#parts.onKey({ name: 'text', text: character });
    }
  }
}
