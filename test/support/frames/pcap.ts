// SPDX-License-Identifier: Apache-2.0
// Capture files: reads pcap (both byte orders, micro- and nanoseconds) and pcapng, writes pcap.
// Only what tests need: frames in order, with their lengths. Times are dropped.

export interface CapturedFrame {
  /** What was captured; may be shorter than the frame was. */
  readonly bytes: Buffer;
  /** Length of the frame on the wire, in bytes. */
  readonly originalLengthBytes: number;
  /** LINKTYPE_ value, 1 for Ethernet. */
  readonly linkType: number;
}

export const LINKTYPE_ETHERNET = 1;

const PCAP_MAGICS: readonly number[] = [0xa1b2c3d4, 0xa1b23c4d]; // microseconds, nanoseconds
const PCAPNG_SECTION = 0x0a0d0d0a; // reads the same in both byte orders
const PCAPNG_BYTE_ORDER = 0x1a2b3c4d;
const PCAPNG_INTERFACE = 1;
const PCAPNG_SIMPLE_PACKET = 3;
const PCAPNG_ENHANCED_PACKET = 6;

/** Little or big end first, as the file's magic number says. */
class Numbers {
  readonly #file: Buffer;
  readonly #little: boolean;

  constructor(file: Buffer, little: boolean) {
    this.#file = file;
    this.#little = little;
  }

  u16(offset: number): number {
    return this.#little ? this.#file.readUInt16LE(offset) : this.#file.readUInt16BE(offset);
  }

  u32(offset: number): number {
    return this.#little ? this.#file.readUInt32LE(offset) : this.#file.readUInt32BE(offset);
  }
}

/** All frames of a capture file's contents. Throws RangeError on what is no capture or is cut off. */
export function parseCapture(file: Buffer): CapturedFrame[] {
  if (file.length < 24) throw new RangeError(`no capture file: ${file.length} bytes`);
  if (file.readUInt32LE(0) === PCAPNG_SECTION) return parsePcapng(file);
  for (const little of [true, false]) {
    const numbers = new Numbers(file, little);
    if (PCAP_MAGICS.includes(numbers.u32(0))) return parsePcap(file, numbers);
  }
  throw new RangeError(`no capture file: it starts with ${file.toString('hex', 0, 4)}`);
}

function parsePcap(file: Buffer, numbers: Numbers): CapturedFrame[] {
  const linkType = numbers.u32(20) & 0x0fffffff;
  const frames: CapturedFrame[] = [];
  for (let offset = 24; offset < file.length; ) {
    const captured = numbers.u32(offset + 8);
    frames.push({
      bytes: slice(file, offset + 16, captured),
      originalLengthBytes: numbers.u32(offset + 12),
      linkType,
    });
    offset += 16 + captured;
  }
  return frames;
}

function parsePcapng(file: Buffer): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  let numbers = new Numbers(file, true);
  let interfaces: { linkType: number; snapLength: number }[] = [];
  const interfaceOf = (index: number): { linkType: number; snapLength: number } => {
    const found = interfaces[index];
    if (found === undefined) {
      throw new RangeError(`pcapng: a packet names interface ${index} of ${interfaces.length}`);
    }
    return found;
  };
  for (let offset = 0; offset < file.length; ) {
    if (file.readUInt32LE(offset) === PCAPNG_SECTION) {
      numbers = new Numbers(file, file.readUInt32LE(offset + 8) === PCAPNG_BYTE_ORDER);
      interfaces = [];
    }
    const type = numbers.u32(offset);
    const length = numbers.u32(offset + 4);
    if (length < 12 || length % 4 !== 0 || offset + length > file.length) {
      throw new RangeError(`pcapng: block of ${length} bytes at ${offset} of ${file.length}`);
    }
    if (type === PCAPNG_INTERFACE) {
      interfaces.push({ linkType: numbers.u16(offset + 8), snapLength: numbers.u32(offset + 12) });
    } else if (type === PCAPNG_ENHANCED_PACKET) {
      frames.push({
        bytes: slice(file, offset + 28, numbers.u32(offset + 20)),
        originalLengthBytes: numbers.u32(offset + 24),
        linkType: interfaceOf(numbers.u32(offset + 8)).linkType,
      });
    } else if (type === PCAPNG_SIMPLE_PACKET) {
      const { linkType, snapLength } = interfaceOf(0);
      const original = numbers.u32(offset + 8);
      const captured = Math.min(original, snapLength === 0 ? original : snapLength, length - 16);
      frames.push({ bytes: slice(file, offset + 12, captured), originalLengthBytes: original, linkType });
    }
    offset += length;
  }
  return frames;
}

function slice(file: Buffer, offset: number, length: number): Buffer {
  if (offset + length > file.length) {
    throw new RangeError(`capture file cut off: ${length} bytes at ${offset} of ${file.length}`);
  }
  return file.subarray(offset, offset + length);
}

/** The contents of a pcap file (little endian, microseconds) with these frames, one each microsecond. */
export function renderPcap(frames: readonly Uint8Array[], linkType = LINKTYPE_ETHERNET): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4); // version 2.4
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(262_144, 16); // snap length
  header.writeUInt32LE(linkType, 20);
  const parts: Uint8Array[] = [header];
  frames.forEach((frame, i) => {
    const record = Buffer.alloc(16);
    record.writeUInt32LE(Math.floor(i / 1_000_000), 0);
    record.writeUInt32LE(i % 1_000_000, 4);
    record.writeUInt32LE(frame.length, 8);
    record.writeUInt32LE(frame.length, 12);
    parts.push(record, frame);
  });
  return Buffer.concat(parts);
}
