// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RequestHead } from '../../src/http/request-head.js';

/** Where the head ends when it comes in these pieces; undefined where it does not. */
function endIn(pieces: readonly string[]): number | undefined {
  const head = new RequestHead();
  let before = 0;
  for (const piece of pieces) {
    const end = head.findEnd(Buffer.from(piece));
    if (end !== undefined) return before + end;
    before += piece.length;
  }
  return undefined;
}

test('a head ends behind its first empty line', () => {
  for (const [text, end] of [
    ['GET / HTTP/1.1\r\nHost: x\r\n\r\nrest', 27],
    ['GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n', 18],
    ['GET / HTTP/1.1\n\nrest', 16],
    ['GET / HTTP/1.1\nA: b\r\n\nrest', 22],
    ['GET / HTTP/1.1\r\nA: b\r\n \r\n', undefined],
    ['GET / HTTP/1.1\r\nHost: x\r\n\r', undefined],
    ['GET / HTTP/1.1\rGET / HTTP/1.1\r\r', undefined],
  ] as const) {
    assert.equal(endIn([text]), end, JSON.stringify(text));
  }
});

test('how a head is cut into pieces does not matter', () => {
  const line = fc.constantFrom('G', 'ab', ':', ' ', '\r', '\n', '\r\n', '\r\n\r\n');
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), fc.array(fc.nat(20)), (parts, cuts) => {
      const text = `G${parts.join('')}`;
      const pieces: string[] = [];
      let from = 0;
      for (const cut of cuts) {
        pieces.push(text.slice(from, from + cut));
        from += cut;
      }
      pieces.push(text.slice(from));
      const expected = /\n\r*\n/.exec(text);
      const whole = expected === null ? undefined : expected.index + expected[0].length;
      assert.equal(endIn(pieces.filter((piece) => piece !== '')), whole);
    }),
  );
});

test('empty lines before a request are no part of it', () => {
  const head = new RequestHead();
  const bytes = Buffer.from('\r\n\n\rGET / HTTP/1.1\r\n\r\n');
  const from = head.skipEmptyLines(bytes);
  assert.equal(from, 4);
  assert.equal(head.hasBegun, false);
  assert.equal(head.findEnd(bytes.subarray(from)), 18);
  assert.ok(head.hasBegun);
  assert.equal(head.skipEmptyLines(Buffer.from('\r\n')), 0, 'within one they are');
  head.reset();
  assert.equal(head.skipEmptyLines(Buffer.from('\r\n')), 2);
});

test('GET and HEAD are told from what has a body', () => {
  for (const [method, isRead] of [
    ['GET', true],
    ['HEAD', true],
    ['POST', false],
    ['CONNECT', false],
  ] as const) {
    const head = new RequestHead();
    head.findEnd(Buffer.from(`${method} / HTTP/1.1\r\n`));
    assert.equal(head.isRead, isRead, method);
  }
});
