// SPDX-License-Identifier: Apache-2.0
// Networks as text (RFC 4632, RFC 4291): what is one, what is wrong with one that is none, and how one is
// written. The configuration and files of networks read alike by it.

export interface Cidr {
  readonly ipVersion: 4 | 6;
  /** One number of 32 bits, or four: the address, its first byte in the highest bits. Beyond `bits` all 0. */
  readonly words: readonly number[];
  /** Leading bits that count. */
  readonly bits: number;
}

/** A clause that follows the text of what was given. */
export interface CidrProblem {
  readonly problem: string;
}

/** In UTF-8: remote write has the length of a label and its value in a byte each. */
export const NETWORK_NAME_MAX_BYTES = 100;

const EXAMPLES = '10.1.0.0/16 or 2001:db8::/32';

/** A network, or an address, which is the network of itself alone. */
export function parseCidr(text: string): Cidr | CidrProblem {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  if (address.includes('%')) {
    return { problem: 'has a zone, which networks here do not have: leave out "%" and what follows it' };
  }
  const words = parseAddressWords(address);
  if (words === undefined) return { problem: `is no network, such as ${EXAMPLES}, and no address` };
  const ipVersion = words.length === 1 ? 4 : 6;
  const most = 32 * words.length;
  const length = text.slice(slash + 1);
  const bits = slash < 0 ? most : /^\d{1,3}$/.test(length) ? Number(length) : most + 1;
  if (bits > most) {
    return { problem: `must have a number from 0 to ${most} after the "/", as in ${EXAMPLES}` };
  }
  const networkWords = words.map((word, i) => (word & wordMask(bits, i)) >>> 0);
  const cidr: Cidr = { ipVersion, words: networkWords, bits };
  if (words.some((word, i) => word !== networkWords[i])) {
    const meant = `${renderCidr(cidr)}, or ${renderCidr({ ipVersion, words, bits: most })} for the address`;
    return { problem: `has bits set beyond its first ${bits}: write ${meant}` };
  }
  return cidr;
}

/** Of the word at the index, those bits that are among the first `bits` of the address. */
export function wordMask(bits: number, index: number): number {
  const ofWord = Math.min(32, Math.max(0, bits - 32 * index));
  return ofWord === 0 ? 0 : (0xffff_ffff << (32 - ofWord)) >>> 0;
}

/** As RFC 5952 writes addresses, always with the length. */
export function renderCidr({ ipVersion, words, bits }: Cidr): string {
  return `${ipVersion === 4 ? renderIpv4(words[0] ?? 0) : renderIpv6(words)}/${bits}`;
}

function renderIpv4(word: number): string {
  return `${word >>> 24}.${(word >>> 16) & 0xff}.${(word >>> 8) & 0xff}.${word & 0xff}`;
}

function renderIpv6(words: readonly number[]): string {
  const [first, second, third, last = 0] = words;
  if (first === 0 && second === 0 && third === 0xffff) return `::ffff:${renderIpv4(last)}`;
  const text = words.map((word) => `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`).join(':');
  const runs = text.match(/\b0(?::0\b)+/g) ?? [];
  const longest = runs.reduce((best, run) => (run.length > best.length ? run : best), '');
  if (longest === '') return text;
  // The first of equal runs.
  return text.replace(new RegExp(`(?:^|:)${longest}(?:$|:)`), '::');
}

/** One word or four, as of a Cidr; undefined where it is no address, or has a zone. */
export function parseAddressWords(text: string): number[] | undefined {
  if (text.includes(':')) return parseIpv6(text);
  const word = parseIpv4(text);
  return word === undefined ? undefined : [word];
}

/** Four decimal numbers without leading zeros, which some take for octal ones. */
function parseIpv4(text: string): number | undefined {
  let word = 0;
  let byte = -1;
  let bytes = 0;
  for (let i = 0; i <= text.length; i++) {
    const digit = text.charCodeAt(i) - 0x30; // NaN at the end
    if (digit >= 0 && digit <= 9) {
      if (byte === 0) return undefined;
      byte = byte < 0 ? digit : byte * 10 + digit;
      if (byte > 255) return undefined;
    } else {
      const isEnd = i === text.length;
      if (byte < 0 || !(isEnd || text[i] === '.')) return undefined;
      word = word * 256 + byte;
      byte = -1;
      if (++bytes > 4) return undefined;
    }
  }
  return bytes === 4 ? word : undefined;
}

/** RFC 4291, section 2.2: groups, `::` for as many zeros as are missing, perhaps IPv4 at the end. */
function parseIpv6(text: string): number[] | undefined {
  const gap = text.indexOf('::');
  const front = gap < 0 ? groupsOf(text, true) : groupsOf(text.slice(0, gap), false);
  const back = gap < 0 ? [] : groupsOf(text.slice(gap + 2), true);
  if (front === undefined || back === undefined) return undefined;
  const missing = 8 - front.length - back.length;
  if (gap < 0 ? missing !== 0 : missing < 1) return undefined;
  const groups = [...front, ...new Array<number>(missing).fill(0), ...back];
  return [0, 2, 4, 6].map((i) => (groups[i] ?? 0) * 0x1_0000 + (groups[i + 1] ?? 0));
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const word = mayEndInIpv4 && i === parts.length - 1 ? parseIpv4(part) : undefined;
    if (word === undefined) return undefined;
    groups.push(word >>> 16, word & 0xffff);
  }
  return groups;
}
