// SPDX-License-Identifier: Apache-2.0
// What rtnetlink says of links and addresses: bytes -> messages. Netlink is in the host's byte order, which is
// little-endian wherever we load. Pure; what is cut off or malformed ends a datagram and is no message.

// include/uapi/linux/netlink.h and rtnetlink.h.
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const NLM_F_DUMP_INTR = 0x10;
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
/** struct nlmsghdr: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
const HEADER = { size: 16, length: 0, type: 4, flags: 6 } as const;
/** struct ifinfomsg: u8 family, u8 pad, u16 type, i32 index, u32 flags, u32 change. */
const LINK = { size: 16, family: 0, type: 2, index: 4, flags: 8 } as const;
const ATTRIBUTE_HEADER_BYTES = 4;
/** Upper two bits of an attribute's type are flags. */
const ATTRIBUTE_TYPE_MASK = 0x3fff;
/** Bridges send links of their own family: a port that leaves its bridge is not gone. */
const AF_UNSPEC = 0;
const IFF_UP = 1;

// include/uapi/linux/if_link.h.
const IFLA_IFNAME = 3;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINK_NETNSID = 37;
const IFLA_PHYS_PORT_NAME = 38;
const IFLA_PARENT_DEV_NAME = 56;

/** One network device as rtnetlink describes it. */
export interface RouteLink {
  readonly index: number;
  readonly name: string;
  /** ARPHRD_* of include/uapi/linux/if_arp.h. */
  readonly linkType: number;
  /** IFF_* of include/uapi/linux/if.h. */
  readonly flags: number;
  readonly isUp: boolean;
  /** What it stands on, of our namespace: a VLAN's parent, a switch port's conduit. 0: nothing. */
  readonly lowerIndex: number;
  /** The bond, bridge or other device that it is a port of; 0: none. */
  readonly masterIndex: number;
  /** Name on its bus of the device that it is the interface of; undefined of a virtual one. */
  readonly parentDevice: string | undefined;
  /** `p0`, `pf0vf3`: of ports of a switch in the NIC. */
  readonly physicalPortName: string | undefined;
}

export type RouteMessage =
  | { readonly kind: 'link'; readonly link: RouteLink }
  | { readonly kind: 'link gone'; readonly index: number }
  /** An address came or went; which one is not told. */
  | { readonly kind: 'address' }
  /** The end of a dump; `isWhole` says whether nothing changed while it was made. */
  | { readonly kind: 'done'; readonly isWhole: boolean }
  | { readonly kind: 'refused'; readonly errno: number };

/** All messages of one datagram, in order; kinds that are not asked for are left out. */
export function decodeRouteMessages(datagram: Buffer): RouteMessage[] {
  const messages: RouteMessage[] = [];
  let at = 0;
  while (at + HEADER.size <= datagram.length) {
    const length = datagram.readUInt32LE(at + HEADER.length);
    if (length < HEADER.size || at + length > datagram.length) break;
    const message = decodeMessage(datagram, at, at + length);
    if (message !== undefined) messages.push(message);
    at += aligned(length);
  }
  return messages;
}

function decodeMessage(bytes: Buffer, start: number, end: number): RouteMessage | undefined {
  const body = start + HEADER.size;
  const type = bytes.readUInt16LE(start + HEADER.type);
  if (type === RTM_NEWADDR || type === RTM_DELADDR) return { kind: 'address' };
  if (type === NLMSG_DONE) {
    return { kind: 'done', isWhole: (bytes.readUInt16LE(start + HEADER.flags) & NLM_F_DUMP_INTR) === 0 };
  }
  if (type === NLMSG_ERROR && body + 4 <= end) return { kind: 'refused', errno: -bytes.readInt32LE(body) };
  if (type !== RTM_NEWLINK && type !== RTM_DELLINK) return undefined;
  if (body + LINK.size > end || bytes.readUInt8(body + LINK.family) !== AF_UNSPEC) return undefined;
  const index = bytes.readInt32LE(body + LINK.index);
  if (type === RTM_DELLINK) return { kind: 'link gone', index };
  const link = decodeLink(bytes, body, end);
  return link.name === '' ? undefined : { kind: 'link', link };
}

function decodeLink(bytes: Buffer, body: number, end: number): RouteLink {
  const flags = bytes.readUInt32LE(body + LINK.flags);
  let name = '';
  let lowerIndex = 0;
  let isLowerElsewhere = false;
  let masterIndex = 0;
  let parentDevice: string | undefined;
  let physicalPortName: string | undefined;
  let at = body + LINK.size;
  while (at + ATTRIBUTE_HEADER_BYTES <= end) {
    const length = bytes.readUInt16LE(at);
    if (length < ATTRIBUTE_HEADER_BYTES || at + length > end) break;
    const value = at + ATTRIBUTE_HEADER_BYTES;
    const isNumber = length === ATTRIBUTE_HEADER_BYTES + 4;
    const type = bytes.readUInt16LE(at + 2) & ATTRIBUTE_TYPE_MASK;
    if (type === IFLA_IFNAME) name = textOf(bytes, value, at + length);
    else if (type === IFLA_LINK && isNumber) lowerIndex = bytes.readUInt32LE(value);
    else if (type === IFLA_LINK_NETNSID) isLowerElsewhere = true;
    else if (type === IFLA_MASTER && isNumber) masterIndex = bytes.readUInt32LE(value);
    else if (type === IFLA_PARENT_DEV_NAME) parentDevice = textOf(bytes, value, at + length);
    else if (type === IFLA_PHYS_PORT_NAME) physicalPortName = textOf(bytes, value, at + length);
    at += aligned(length);
  }
  const index = bytes.readInt32LE(body + LINK.index);
  return {
    index,
    name,
    linkType: bytes.readUInt16LE(body + LINK.type),
    flags,
    isUp: (flags & IFF_UP) !== 0,
    lowerIndex: isLowerElsewhere || lowerIndex === index ? 0 : lowerIndex,
    masterIndex,
    parentDevice,
    physicalPortName,
  };
}

/** Up to its final zero. */
function textOf(bytes: Buffer, start: number, end: number): string {
  const zero = bytes.indexOf(0, start);
  return bytes.toString('utf8', start, zero < 0 || zero > end ? end : zero);
}

function aligned(lengthBytes: number): number {
  return (lengthBytes + 3) & ~3;
}
