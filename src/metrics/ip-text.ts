// SPDX-License-Identifier: Apache-2.0
// Addresses as text, written as bytes: IPv4 dotted, IPv6 as RFC 5952 wants it. Input is a flow row's
// words (address bytes in wire order, read by a little endian machine). Allocates nothing.

import { isMappedIpv4 } from '../abi/row-key.js';

/** Longest text of an IPv6 address: eight groups of four digits (a mapped one has 22 bytes). */
export const IP_TEXT_MAX_BYTES = 39;

const DIGIT_0 = 0x30;
const LETTER_A = 0x61;
const DOT = 0x2e;
const COLON = 0x3a;

/** Writes value (an integer, 0 to 2^31 - 1) in decimal at offset; returns the offset after it. */
export function writeDecimal(out: Uint8Array, offset: number, value: number): number {
  let digits = 1;
  for (let bound = 10; value >= bound; bound *= 10) digits++;
  let rest = value;
  for (let at = offset + digits - 1; at > offset; at--) {
    const quotient = (rest / 10) | 0;
    out[at] = DIGIT_0 + rest - quotient * 10;
    rest = quotient;
  }
  out[offset] = DIGIT_0 + rest;
  return offset + digits;
}

/** Writes one IPv4 address; returns the offset after it. At most 15 bytes. */
export function writeIpv4(out: Uint8Array, offset: number, word: number): number {
  let at = writeDecimal(out, offset, word & 0xff);
  out[at++] = DOT;
  at = writeDecimal(out, at, (word >>> 8) & 0xff);
  out[at++] = DOT;
  at = writeDecimal(out, at, (word >>> 16) & 0xff);
  out[at++] = DOT;
  return writeDecimal(out, at, word >>> 24);
}

/**
 * Writes the IPv6 address in the four words from wordOffset; returns the offset after it. RFC 5952:
 * lower case, no leading zeros, `::` for the longest run of two or more zero groups (the first of
 * equals), and ::ffff:a.b.c.d for mapped addresses. At most IP_TEXT_MAX_BYTES.
 */
export function writeIpv6(out: Uint8Array, offset: number, words: Uint32Array, wordOffset: number): number {
  let at = offset;
  if (isMappedIpv4(words, wordOffset)) {
    out[at++] = COLON;
    out[at++] = COLON;
    at = writeHex(out, at, 0xffff);
    out[at++] = COLON;
    return writeIpv4(out, at, words[wordOffset + 3] ?? 0);
  }

  let runStart = -1;
  let runLength = 1; // a single zero group is written as 0
  let length = 0;
  for (let index = 0; index < 8; index++) {
    length = group(words, wordOffset, index) === 0 ? length + 1 : 0;
    if (length > runLength) {
      runLength = length;
      runStart = index - length + 1;
    }
  }

  for (let index = 0; index < 8; index++) {
    if (index === runStart) {
      out[at++] = COLON;
      out[at++] = COLON;
      index += runLength - 1;
      continue;
    }
    if (index > 0 && index !== runStart + runLength) out[at++] = COLON;
    at = writeHex(out, at, group(words, wordOffset, index));
  }
  return at;
}

/** Group 0 to 7 of an address as a number. */
function group(words: Uint32Array, wordOffset: number, index: number): number {
  const word = words[wordOffset + (index >>> 1)] ?? 0;
  const half = (index & 1) === 0 ? word & 0xffff : word >>> 16;
  return ((half & 0xff) << 8) | (half >>> 8);
}

function writeHex(out: Uint8Array, offset: number, value: number): number {
  let at = offset;
  let shift = value > 0xfff ? 12 : value > 0xff ? 8 : value > 0xf ? 4 : 0;
  for (; shift >= 0; shift -= 4) {
    const digit = (value >>> shift) & 0xf;
    out[at++] = digit < 10 ? DIGIT_0 + digit : LETTER_A + digit - 10;
  }
  return at;
}
