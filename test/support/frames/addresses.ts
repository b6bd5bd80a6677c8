// SPDX-License-Identifier: Apache-2.0
// IP addresses between text and bytes, for tests only. One address has one text here: IPv4 dotted,
// IPv6 always as eight groups without leading zeros and without '::', so that texts can be compared.

/** Text of 4 or 16 address bytes. */
export function formatAddress(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join('.');
  if (bytes.length !== 16) throw new RangeError(`an address has 4 or 16 bytes, not ${bytes.length}`);
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push((((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  }
  return groups.join(':');
}

/** The 4 or 16 bytes of an address in any usual text form. Throws RangeError. */
export function parseAddress(text: string): Buffer {
  if (!text.includes(':')) return parseIpv4(text);
  // An IPv4 tail stands for the last two groups.
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  const whole = tail === null ? text : `${tail[1] ?? ''}${ipv4Groups(parseIpv4(tail[2] ?? '')).join(':')}`;
  const halves = whole.split('::');
  const left = groupsOf(halves[0] ?? '');
  const right = groupsOf(halves[1] ?? '');
  const missing = 8 - left.length - right.length;
  if (halves.length > 2 || (halves.length === 1 ? missing !== 0 : missing < 1)) {
    throw new RangeError(`not an IPv6 address: ${text}`);
  }
  const bytes = Buffer.alloc(16);
  [...left, ...new Array<number>(missing).fill(0), ...right].forEach((group, i) => {
    bytes.writeUInt16BE(group, 2 * i);
  });
  return bytes;
}

/** The one text of an address given in any form. */
export function canonicalAddress(text: string): string {
  return formatAddress(parseAddress(text));
}

function parseIpv4(text: string): Buffer {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !Number.isInteger(part) || part < 0 || part > 255)) {
    throw new RangeError(`not an IPv4 address: ${text}`);
  }
  return Buffer.from(parts);
}

function ipv4Groups(bytes: Buffer): string[] {
  return [bytes.readUInt16BE(0).toString(16), bytes.readUInt16BE(2).toString(16)];
}

function groupsOf(text: string): number[] {
  if (text === '') return [];
  return text.split(':').map((group) => {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) throw new RangeError(`not a group of an IPv6 address: ${group}`);
    return Number.parseInt(group, 16);
  });
}
