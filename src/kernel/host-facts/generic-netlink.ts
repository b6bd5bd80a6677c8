// SPDX-License-Identifier: Apache-2.0
// One question and one answer over generic netlink: enough to ask the kernel for a fact. No dumps, no
// notifications, and no waiting: the kernel answers such a request before send() returns
// (netlink_rcv_skb() in net/netlink/af_netlink.c runs in the sender's context).

import { ERRNO } from '../errno.js';
import type { Libc } from '../ffi.js';

// include/uapi/linux/netlink.h and genetlink.h.
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_GENERIC = 16;
const NLM_F_REQUEST = 1;
const NLMSG_ERROR = 2;
/** struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
const HEADER = { size: 16, length: 0, type: 4, flags: 6, sequence: 8 } as const;
/** struct genlmsghdr: u8 command, u8 version, u16 reserved. */
const COMMAND = { size: 4, command: 16, version: 17 } as const;
/** struct nlattr: u16 length with this header, u16 type; the next one is aligned to 4. */
const ATTRIBUTE = { size: 4, length: 0, type: 2, alignment: 4 } as const;
/** Upper two bits of an attribute's type are flags (NLA_F_NESTED, NLA_F_NET_BYTEORDER). */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
const MSG_DONTWAIT = 0x40;
/** Answers to what we ask have some 100 bytes; what does not fit is cut off, and then not understood. */
const ANSWER_BYTES = 8192;

const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

export interface NetlinkRequest {
  readonly familyId: number;
  readonly command: number;
  readonly sequence: number;
  readonly attributes: readonly NetlinkAttribute[];
}

/** One attribute; of those of an answer, without the flags of its type. */
export interface NetlinkAttribute {
  readonly type: number;
  readonly value: Buffer;
}

/** The answer's attributes by type, the last of each, or the positive errno. */
export type NetlinkAnswer = ReadonlyMap<number, Buffer> | number;

export interface GenericNetlink {
  /** The number of a family in this kernel, or the positive errno: ENOENT where it has none of the name. */
  familyId(name: string): number | { readonly errno: number };
  ask(request: Omit<NetlinkRequest, 'sequence'>): NetlinkAnswer;
  /** Safe to call twice; nothing can be asked afterwards. */
  close(): void;
}

/** Asks in the network namespace of the calling thread. The socket, or the positive errno. */
export function openGenericNetlink(libc: Libc): GenericNetlink | number {
  const { memory } = libc;
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_GENERIC);
  if (fd < 0) return memory.errno();
  let sequence = 0;
  let isClosed = false;

  function ask(request: Omit<NetlinkRequest, 'sequence'>): NetlinkAnswer {
    if (isClosed) return ERRNO.EBADF;
    sequence++;
    const message = encodeRequest({ ...request, sequence });
    if (Number(libc.send(fd, message, message.length, 0)) < 0) return memory.errno();
    const answer = Buffer.alloc(ANSWER_BYTES);
    const lengthBytes = Number(libc.recv(fd, answer, answer.length, MSG_DONTWAIT));
    return lengthBytes < 0 ? memory.errno() : decodeAnswer(answer.subarray(0, lengthBytes), sequence);
  }

  return {
    familyId(name) {
      const attributes = [{ type: CTRL_ATTR_FAMILY_NAME, value: Buffer.from(`${name}\0`) }];
      const answer = ask({ familyId: GENL_ID_CTRL, command: CTRL_CMD_GETFAMILY, attributes });
      if (typeof answer === 'number') return { errno: answer };
      const id = answer.get(CTRL_ATTR_FAMILY_ID);
      return id === undefined || id.length < 2 ? { errno: ERRNO.EINVAL } : id.readUInt16LE();
    },
    ask,
    close() {
      if (isClosed) return;
      isClosed = true;
      libc.close(fd);
    },
  };
}

/** Netlink is in the host's byte order, which is little-endian wherever we load. */
export function encodeRequest({ familyId, command, sequence, attributes }: NetlinkRequest): Buffer {
  const body = encodeAttributes(attributes);
  const message = Buffer.alloc(HEADER.size + COMMAND.size + body.length);
  message.writeUInt32LE(message.length, HEADER.length);
  message.writeUInt16LE(familyId, HEADER.type);
  message.writeUInt16LE(NLM_F_REQUEST, HEADER.flags);
  message.writeUInt32LE(sequence, HEADER.sequence);
  message.writeUInt8(command, COMMAND.command);
  message.writeUInt8(1, COMMAND.version);
  body.copy(message, HEADER.size + COMMAND.size);
  return message;
}

/** Types as they are given: whoever nests attributes sets NLA_F_NESTED. */
export function encodeAttributes(attributes: readonly NetlinkAttribute[]): Buffer {
  const sizes = attributes.map(({ value }) => aligned(ATTRIBUTE.size + value.length));
  const bytes = Buffer.alloc(sizes.reduce((sum, size) => sum + size, 0));
  let at = 0;
  for (const [index, { type, value }] of attributes.entries()) {
    bytes.writeUInt16LE(ATTRIBUTE.size + value.length, at + ATTRIBUTE.length);
    bytes.writeUInt16LE(type, at + ATTRIBUTE.type);
    value.copy(bytes, at + ATTRIBUTE.size);
    at += sizes[index] ?? 0;
  }
  return bytes;
}

/** In their order; undefined where one is cut off or malformed. */
export function decodeAttributes(bytes: Buffer): NetlinkAttribute[] | undefined {
  const attributes: NetlinkAttribute[] = [];
  let at = 0;
  while (at + ATTRIBUTE.size <= bytes.length) {
    const length = bytes.readUInt16LE(at + ATTRIBUTE.length);
    if (length < ATTRIBUTE.size || at + length > bytes.length) return undefined;
    const type = bytes.readUInt16LE(at + ATTRIBUTE.type) & ATTRIBUTE_TYPE_MASK;
    attributes.push({ type, value: bytes.subarray(at + ATTRIBUTE.size, at + length) });
    at += aligned(length);
  }
  return attributes;
}

/** One whole message. EINVAL where it is none, or not the answer to this question. */
export function decodeAnswer(bytes: Buffer, sequence: number): NetlinkAnswer {
  const isAnswer =
    bytes.length >= HEADER.size + COMMAND.size &&
    bytes.readUInt32LE(HEADER.length) <= bytes.length &&
    bytes.readUInt32LE(HEADER.sequence) === sequence;
  if (!isAnswer) return ERRNO.EINVAL;
  // struct nlmsgerr: a negative errno, then the request.
  if (bytes.readUInt16LE(HEADER.type) === NLMSG_ERROR) return -bytes.readInt32LE(HEADER.size);
  const length = bytes.readUInt32LE(HEADER.length);
  if (length < HEADER.size + COMMAND.size) return ERRNO.EINVAL;
  const attributes = decodeAttributes(bytes.subarray(HEADER.size + COMMAND.size, length));
  return attributes === undefined
    ? ERRNO.EINVAL
    : new Map(attributes.map(({ type, value }) => [type, value]));
}

function aligned(lengthBytes: number): number {
  return Math.ceil(lengthBytes / ATTRIBUTE.alignment) * ATTRIBUTE.alignment;
}
