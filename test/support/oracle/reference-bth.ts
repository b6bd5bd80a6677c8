// SPDX-License-Identifier: Apache-2.0
// The reference parser's part for the Base Transport Header of RoCE. See reference-parser.ts.

export const BTH_LENGTH = 12;
export const ICRC_LENGTH = 4;

/** What the shortest packet has: a BTH, no payload, and the ICRC. */
export const ROCE_LENGTH_MIN = BTH_LENGTH + ICRC_LENGTH;

/** Whether the 12 bytes at `bth` are a BTH: transport version 0 and an assigned opcode. */
export function isBth(frame: Buffer, bth: number): boolean {
  return (frame.readUInt8(bth + 1) & 0x0f) === 0 && isKnownOpcode(frame.readUInt8(bth));
}

/** Whether a BTH opcode is assigned (InfiniBand specification volume 1, table 38, and annexes). */
export function isKnownOpcode(opcode: number): boolean {
  const reliable = (operation: number): boolean =>
    operation <= 0x14 || operation === 0x16 || operation === 0x17;
  switch (opcode & 0xe0) {
    case 0x00: // reliable connection, with FLUSH and ATOMIC WRITE
      return reliable(opcode) || opcode === 0x1c || opcode === 0x1d;
    case 0x20: // unreliable connection
      return opcode <= 0x2b;
    case 0x40: // reliable datagram
      return opcode <= 0x55;
    case 0x60: // unreliable datagram
      return opcode === 0x64 || opcode === 0x65;
    case 0x80: // congestion notification
      return opcode === 0x81;
    case 0xa0: // extended reliable connection
      return reliable(opcode & 0x1f);
    default: // 0xc0 and above belong to vendors
      return true;
  }
}

/** 24 bits. */
export function destinationQp(frame: Buffer, bth: number): number {
  return frame.readUIntBE(bth + 5, 3);
}
