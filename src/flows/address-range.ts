// SPDX-License-Identifier: Apache-2.0
// A network as words of a key, which hold an address's bytes in their order, and whether an address lies in it.

export interface AddressWords {
  readonly ipVersion: 4 | 6;
  /** One word or four, bits beyond the network 0. */
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

/**
 * @param address valid IPv4 or IPv6, without a zone.
 * @param bits leading ones that count.
 */
export function rangeWords(address: string, bits: number): AddressWords {
  const isIpv6 = address.includes(':');
  const bytes = isIpv6 ? ipv6Bytes(address) : ipv4Bytes(address);
  const masks = wordsOf(bytes.map((_, i) => (0xff00 >>> Math.min(8, Math.max(0, bits - 8 * i))) & 0xff));
  const words = wordsOf(bytes).map((word, i) => (word & (masks[i] ?? 0)) >>> 0);
  return { ipVersion: isIpv6 ? 6 : 4, words, masks };
}

/** Whether the address at keys[at] lies in the network; of the same version. */
export function isInRange(keys: Uint32Array, at: number, { words, masks }: AddressWords): boolean {
  for (let i = 0; i < words.length; i++) {
    if (((keys[at + i] ?? 0) & (masks[i] ?? 0)) >>> 0 !== words[i]) return false;
  }
  return true;
}

function ipv4Bytes(address: string): number[] {
  return address.split('.').map(Number);
}

/** RFC 4291, section 2.2: groups, `::` for as many zeros as are missing, perhaps IPv4 at the end. */
function ipv6Bytes(address: string): number[] {
  const [before = '', after] = address.split('::');
  const front = groupsOf(before);
  if (after === undefined) return front;
  const back = groupsOf(after);
  return [...front, ...new Array<number>(16 - front.length - back.length).fill(0), ...back];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').flatMap((group) => {
    if (group.includes('.')) return ipv4Bytes(group);
    const value = Number.parseInt(group, 16);
    return [value >>> 8, value & 0xff];
  });
}

/** Four bytes a word, the first one lowest. */
function wordsOf(bytes: readonly number[]): number[] {
  const words = new Array<number>(bytes.length / 4).fill(0);
  bytes.forEach((byte, i) => {
    words[i >> 2] = ((words[i >> 2] ?? 0) | (byte << (8 * (i & 3)))) >>> 0;
  });
  return words;
}
