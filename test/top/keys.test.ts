// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { type Key, KeyReader } from '../../src/top/keys.js';

function setUp() {
  const keys: string[] = [];
  let due: (() => void) | undefined;
  const reader = new KeyReader({
    onKey: (key: Key) => keys.push(key.name === 'text' ? `'${key.text}` : key.name),
    schedule(task) {
      due = task;
      return () => {
        due = undefined;
      };
    },
  });
  return {
    keys,
    read: (text: string) => reader.read(Buffer.from(text)),
    readBytes: (bytes: Uint8Array) => reader.read(bytes),
    /** The time for the rest of a sequence is over. */
    pass() {
      due?.();
      due = undefined;
    },
    isWaiting: () => due !== undefined,
  };
}

describe('keys', () => {
  const cases: [string, string[]][] = [
    ['qh?', ["'q", "'h", "'?"]],
    ['\x1b[A\x1b[B\x1b[C\x1b[D', ['up', 'down', 'right', 'left']],
    ['\x1bOA\x1bOB\x1bOH\x1bOF', ['up', 'down', 'home', 'end']],
    ['\x1b[5~\x1b[6~\x1b[1~\x1b[4~\x1b[H\x1b[F', ['page-up', 'page-down', 'home', 'end', 'home', 'end']],
    [
      '\r\t\x7f\b\x15\x03\x1a\x0c',
      [...['enter', 'tab', 'backspace', 'backspace', 'delete-line', 'interrupt', 'suspend', 'redraw']],
    ],
    ['\x1b[15~\x1b[1;5A\x1b[[Aq', ["'q"]],
    ['\x1bh', ['escape', "'h"]],
    ['\x1b[<0;10;10Mq', ["'q"]],
    ['é漢😀', ["'é", "'漢", "'😀"]],
    ['a\u202eb\x00\x9bc', ["'a", "'b", "'c"]],
    ['\x1b\x1b[A', ['escape', 'up']],
  ];
  for (const [given, wanted] of cases) {
    test(JSON.stringify(given), () => {
      const { keys, read, isWaiting } = setUp();
      read(given);
      assert.deepEqual(keys, wanted);
      assert.equal(isWaiting(), false);
    });
  }
});

test('Escape is a key once nothing follows in time', () => {
  const { keys, read, pass } = setUp();
  read('\x1b');
  assert.deepEqual(keys, []);
  pass();
  read('[A');
  assert.deepEqual(keys, ['escape', "'[", "'A"]);
});

test('a sequence, and a character, that come in pieces are one', () => {
  const { keys, read, readBytes } = setUp();
  for (const piece of ['\x1b', '[', '5', '~']) read(piece);
  const [first = 0, ...rest] = Buffer.from('漢');
  readBytes(Uint8Array.of(first));
  readBytes(Uint8Array.from(rest));
  assert.deepEqual(keys, ['page-up', "'漢"]);
});

test('whatever comes, in whatever pieces, is read to its end, and no text has a control character', () => {
  const byte = fc.oneof(fc.constantFrom(0x1b, 0x5b, 0x4f, 0x7e, 0x3b, 0x41), fc.nat(255));
  fc.assert(
    fc.property(
      fc.array(fc.uint8Array({ maxLength: 40 }).chain(() => fc.array(byte, { maxLength: 40 }))),
      (pieces) => {
        const { keys, readBytes, pass, isWaiting } = setUp();
        for (const piece of pieces) readBytes(Uint8Array.from(piece));
        pass();
        assert.equal(isWaiting(), false);
        assert.ok(keys.every((key) => !/\p{Cc}/u.test(key)));
      },
    ),
  );
});
