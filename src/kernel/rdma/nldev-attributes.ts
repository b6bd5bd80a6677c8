// SPDX-License-Identifier: Apache-2.0
// Numbers of RDMA netlink (include/uapi/rdma/rdma_netlink.h), and its attributes: bytes -> positions. Netlink is in
// the host's byte order, which is little-endian wherever we load. Pure.

/** RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command): the type of a message. */
export const NLDEV_TYPE = { get: (5 << 10) + 1, queuePairs: (5 << 10) + 10 } as const;

/** enum rdma_nldev_attr. */
export const NLDEV_ATTRIBUTE = {
  deviceIndex: 1,
  deviceName: 2,
  portIndex: 3,
  queuePairs: 19,
  queuePair: 20,
  localNumber: 21,
  remoteNumber: 22,
  type: 26,
  state: 27,
  pid: 28,
  kernelName: 29,
} as const;

/** struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
export const NETLINK_HEADER = { size: 16, length: 0, type: 4, flags: 6, sequence: 8 } as const;
/** struct nlattr: u16 length with this header, u16 type; the next one is aligned to 4. */
export const ATTRIBUTE_HEADER_BYTES = 4;
/** Upper two bits of an attribute's type are flags. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;

/**
 * Calls `use` with type, first byte and end of each attribute between two positions. False where one does not keep
 * to its bounds: those before it were told.
 */
export function eachAttribute(
  bytes: Buffer,
  start: number,
  end: number,
  use: (type: number, valueStart: number, valueEnd: number) => void,
): boolean {
  let at = start;
  while (at + ATTRIBUTE_HEADER_BYTES <= end) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) return false;
    use(bytes.readUInt16LE(at + 2) & ATTRIBUTE_TYPE_MASK, at + ATTRIBUTE_HEADER_BYTES, at + length);
    at += alignedLength(length);
  }
  // What follows the last one may be its padding alone.
  return at >= end;
}

export function alignedLength(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}

/** undefined where the attribute is no u32. */
export function u32At(bytes: Buffer, start: number, end: number): number | undefined {
  return end - start === 4 ? bytes.readUInt32LE(start) : undefined;
}

/** undefined where the attribute is no u8. */
export function u8At(bytes: Buffer, start: number, end: number): number | undefined {
  return end - start === 1 ? bytes.readUInt8(start) : undefined;
}

/** Up to its final zero. */
export function textAt(bytes: Buffer, start: number, end: number): string {
  const zero = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, zero < 0 || zero > end ? end : zero);
}
