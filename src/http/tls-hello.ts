// SPDX-License-Identifier: Apache-2.0
// Whether what a client has sent is its whole first message of a TLS handshake (RFC 8446, 4.1.2 and 5.1).
// Looks at lengths only; the rest is OpenSSL's part.

const RECORD_HEADER_BYTES = 5;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const MESSAGE_HEADER_BYTES = 4;
/** A record's content; 2^14 bytes (RFC 8446, 5.1). */
const RECORD_MAX_BYTES = 1 << 14;

/** With large tickets and post-quantum keys they are below 4 KiB. */
export const HELLO_MAX_BYTES = 16 * 1024;

/** `other`: it is nothing that begins a handshake, or too long for one. */
export type HelloState = 'partial' | 'whole' | 'other';

/** bytes: all that has come so far. */
export function judgeHello(bytes: Buffer): HelloState {
  let wanted: number | undefined;
  let got = 0;
  for (let at = 0; at < bytes.length; ) {
    if (bytes[at] !== HANDSHAKE_RECORD) return 'other';
    if (at + RECORD_HEADER_BYTES > bytes.length) return 'partial';
    const length = bytes.readUInt16BE(at + 3);
    // An empty record would be a turn for nothing.
    if (length === 0 || length > RECORD_MAX_BYTES) return 'other';
    at += RECORD_HEADER_BYTES;
    if (got === 0 && at < bytes.length) {
      if (bytes[at] !== CLIENT_HELLO) return 'other';
      if (length < MESSAGE_HEADER_BYTES) return 'other';
      if (at + MESSAGE_HEADER_BYTES > bytes.length) return 'partial';
      wanted = MESSAGE_HEADER_BYTES + bytes.readUIntBE(at + 1, 3);
      if (wanted > HELLO_MAX_BYTES) return 'other';
    }
    got += Math.min(length, bytes.length - at);
    if (wanted !== undefined && got >= wanted) return 'whole';
    at += length;
  }
  return bytes.length > 2 * HELLO_MAX_BYTES ? 'other' : 'partial';
}
