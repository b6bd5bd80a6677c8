// SPDX-License-Identifier: Apache-2.0
// A network as words of a key, which hold an address's bytes in their order, and whether an address lies in it.

import { swapBytes } from '../abi/row-key.js';
import { parseAddressWords, wordMask } from '../cidr.js';

export interface AddressWords {
  readonly ipVersion: 4 | 6;
  /** One word or four, bits beyond the network 0. */
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

/**
 * @param address valid IPv4 or IPv6, without a zone.
 * @param bits leading ones that count.
 * @throws RangeError where it is no address.
 */
export function rangeWords(address: string, bits: number): AddressWords {
  const found = parseAddressWords(address);
  if (found === undefined) throw new RangeError(`${JSON.stringify(address)} is no address`);
  const masks = found.map((_, i) => wordMask(bits, i));
  const words = found.map((word, i) => (word & (masks[i] ?? 0)) >>> 0);
  return { ipVersion: found.length === 1 ? 4 : 6, words: words.map(swapBytes), masks: masks.map(swapBytes) };
}

/** Whether the address at keys[at] lies in the network; of the same version. */
export function isInRange(keys: Uint32Array, at: number, { words, masks }: AddressWords): boolean {
  for (let i = 0; i < words.length; i++) {
    if (((keys[at + i] ?? 0) & (masks[i] ?? 0)) >>> 0 !== words[i]) return false;
  }
  return true;
}
