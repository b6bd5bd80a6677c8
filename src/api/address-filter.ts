// SPDX-License-Identifier: Apache-2.0
// Whether an address, as labels show it, lies in a network that somebody asked for.

import { KIND } from '../abi/kinds.js';
import { ipVersionOf, isMappedIpv4, kindOf } from '../abi/row-key.js';
import { type Cidr, parseCidr } from '../cidr.js';
import { type AddressWords, isInRange, rangeWords } from '../flows/address-range.js';

/** A mapped address has IPv4's in its last word. */
const MAPPED_WORD = 3;

export interface AddressFilter {
  /** Of the address of a flow in the words from `word` on, relative to wordOffset. */
  matchesFlow(keys: Uint32Array, wordOffset: number, word: number): boolean;
  /** Of the four words from `at` on, where IPv4 is mapped. */
  matchesPath(addresses: Uint32Array, at: number): boolean;
}

/** problem: a clause that follows the text of what was given. */
export function parseAddressFilter(text: string): AddressFilter | { readonly problem: string } {
  const cidr = parseCidr(text);
  return 'problem' in cidr ? cidr : createAddressFilter(rangeOf(text, cidr));
}

function rangeOf(text: string, { bits }: Cidr): AddressWords {
  const [address = ''] = text.split('/');
  return rangeWords(address, bits);
}

function createAddressFilter(range: AddressWords): AddressFilter {
  const isIpv4 = range.ipVersion === 4;
  const matchesPath: AddressFilter['matchesPath'] = (addresses, at) =>
    isMappedIpv4(addresses, at) === isIpv4 && isInRange(addresses, isIpv4 ? at + MAPPED_WORD : at, range);
  return {
    matchesFlow(keys, wordOffset, word) {
      const at = wordOffset + word;
      // A GID that maps an IPv4 address is shown as IPv4 (flow-label-fields.ts).
      if (kindOf(keys, wordOffset) === KIND.roceV1) return matchesPath(keys, at);
      return ipVersionOf(keys, wordOffset) === range.ipVersion && isInRange(keys, at, range);
    },
    matchesPath,
  };
}
