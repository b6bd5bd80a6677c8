// SPDX-License-Identifier: Apache-2.0
// Shortens the addresses of a stream to what the labels show. Knows addresses as four words each, as a
// little endian machine reads their bytes.

/** Words of an address; a path has two. */
export const ADDRESS_WORDS = 4;

export interface AddressMaskOptions {
  /** Leading bits kept: 0-32 of IPv4, and of IPv4 in IPv6 (RFC 4291, section 2.5.5.2); 0-128 of any other. */
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

/** Copies the address at from[fromOffset] to to[toOffset], without what the prefix does not reach. */
export type CopyAddress = (from: Uint32Array, fromOffset: number, to: Uint32Array, toOffset: number) => void;

export function createAddressCopy({ ipv4PrefixLength, ipv6PrefixLength }: AddressMaskOptions): CopyAddress {
  const ipv4 = maskWords(96 + ipv4PrefixLength);
  const ipv6 = maskWords(ipv6PrefixLength);
  return (from, fromOffset, to, toOffset) => {
    const isMapped =
      from[fromOffset] === 0 && from[fromOffset + 1] === 0 && from[fromOffset + 2] === 0xffff0000;
    const mask = isMapped ? ipv4 : ipv6;
    for (let i = 0; i < ADDRESS_WORDS; i++) {
      to[toOffset + i] = ((from[fromOffset + i] ?? 0) & (mask[i] ?? 0)) >>> 0;
    }
  };
}

function maskWords(prefixLength: number): Uint32Array {
  const bytes = Uint8Array.from({ length: 4 * ADDRESS_WORDS }, (_, byte) => {
    const bits = Math.max(0, Math.min(8, prefixLength - 8 * byte));
    return (0xff << (8 - bits)) & 0xff;
  });
  return new Uint32Array(bytes.buffer);
}
