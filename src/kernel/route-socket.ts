// SPDX-License-Identifier: Apache-2.0
// The kernel's own word of each link and address that comes, changes or goes, in the network namespace of the
// calling thread: rtnetlink(7). Node cannot wait for such a socket: whoever has it reads now and then.

import { KernelError } from '../errors.js';
import { ERRNO, errnoName } from './errno.js';
import type { Libc } from './ffi.js';
import { decodeRouteMessages, type RouteLink, type RouteMessage } from './route-messages.js';

// include/uapi/linux: netlink.h, rtnetlink.h, if_link.h; asm-generic/socket.h.
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_RCVBUFFORCE = 33;
/** struct sockaddr_nl: u16 family, u16 pad, u32 port, u32 groups. */
const ADDRESS = { size: 12, family: 0, groups: 8 } as const;
const RTMGRP_LINK = 0x1;
const RTMGRP_IPV4_IFADDR = 0x10;
const RTMGRP_IPV6_IFADDR = 0x100;
const RTM_GETLINK = 18;
const NLM_F_REQUEST_DUMP = 1 | 0x300;
/** nlmsghdr, ifinfomsg, and an attribute of four bytes. */
const REQUEST = {
  size: 40,
  length: 0,
  type: 4,
  flags: 6,
  attributeLength: 32,
  attributeType: 34,
  mask: 36,
} as const;
const IFLA_EXT_MASK = 29;
const RTEXT_FILTER_SKIP_STATS = 1 << 3;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
/** A dump fills 32 KiB at a time, an event some 2 KiB. */
const DATAGRAM_BYTES = 65_536;
/**
 * What may wait between two reads; nothing is taken of it before it is used. An event takes some 4 KiB of it: a
 * burst of 2,000. Beyond what net.core.rmem_max allows only with CAP_NET_ADMIN.
 */
const RECEIVE_BUFFER_BYTES = 8 << 20;
/** A dump of a thousand links has some 30 datagrams. */
const MOST_DUMP_DATAGRAMS = 10_000;
/** Something may change during each. */
const DUMP_ATTEMPTS = 5;

/** `lost`: the kernel had no room for some messages, and nobody knows for which. */
export type RouteReading = 'all' | 'more' | 'lost';

export interface ListedLinks {
  readonly links: readonly RouteLink[];
  /** false: links came or went during every attempt, so that one may be missing. */
  readonly isWhole: boolean;
}

export interface RouteSocket {
  /** Calls `sink` for each message of at most `most` datagrams that wait. Never waits. Throws KernelError. */
  read(most: number, sink: (message: RouteMessage) => void): RouteReading;
  /** All links of now. Messages that waited before may be older. Throws KernelError. */
  listLinks(): ListedLinks;
  /** Safe to call twice; nothing can be read afterwards. */
  close(): void;
}

/** Told of everything from now on. Throws KernelError. */
export function openRouteSocket(libc: Libc): RouteSocket {
  const { memory } = libc;
  const datagram = Buffer.alloc(DATAGRAM_BYTES);
  const fd = openSocket(libc, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR);
  let isClosed = false;

  /** The datagram, or the positive errno. */
  function receive(from: number): Buffer | number {
    const length = Number(libc.recv(from, datagram, datagram.length, MSG_DONTWAIT | MSG_TRUNC));
    if (length < 0) return memory.errno();
    return length > datagram.length ? ERRNO.ENOBUFS : datagram.subarray(0, length);
  }

  /** Calls `sink` for each link; returns whether none came or went meanwhile. */
  function tryList(from: number, sink: (link: RouteLink) => void): boolean {
    const request = dumpRequest();
    if (Number(libc.send(from, request, request.length, 0)) < 0) throw dumpError(memory.errno());
    for (let i = 0; i < MOST_DUMP_DATAGRAMS; i++) {
      const part = receive(from);
      if (typeof part === 'number') throw dumpError(part);
      for (const message of decodeRouteMessages(part)) {
        if (message.kind === 'link') sink(message.link);
        else if (message.kind === 'refused') throw dumpError(message.errno);
        else if (message.kind === 'done') return message.isWhole;
      }
    }
    throw dumpError(ERRNO.E2BIG);
  }

  return {
    read(most, sink) {
      if (isClosed) throw new KernelError('recv', 0, 'the socket for events of links is closed');
      for (let i = 0; i < most; i++) {
        const part = receive(fd);
        if (part === ERRNO.EAGAIN) return 'all';
        if (part === ERRNO.ENOBUFS) return 'lost'; // told once; then what still waits can be read
        if (part === ERRNO.EINTR) continue;
        if (typeof part === 'number') {
          throw new KernelError('recv', part, `events of network devices cannot be read: ${errnoName(part)}`);
        }
        for (const message of decodeRouteMessages(part)) sink(message);
      }
      return 'more';
    },
    listLinks() {
      let seen = new Map<number, RouteLink>();
      for (let attempt = 1; attempt <= DUMP_ATTEMPTS; attempt++) {
        // A socket of its own: events that wait would stand before the answer.
        const own = openSocket(libc, 0);
        try {
          const links = new Map<number, RouteLink>();
          if (tryList(own, (link) => links.set(link.index, link))) {
            return { links: [...links.values()], isWhole: true };
          }
          seen = new Map([...seen, ...links]);
        } finally {
          libc.close(own);
        }
      }
      return { links: [...seen.values()], isWhole: false };
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      libc.close(fd);
    },
  };
}

function openSocket(libc: Libc, groups: number): number {
  const { memory } = libc;
  const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_ROUTE);
  const address = Buffer.alloc(ADDRESS.size);
  address.writeUInt16LE(AF_NETLINK, ADDRESS.family);
  address.writeUInt32LE(groups, ADDRESS.groups);
  if (fd < 0 || libc.bind(fd, address, address.length) < 0) {
    const errno = memory.errno();
    if (fd >= 0) libc.close(fd);
    throw new KernelError(
      'socket',
      errno,
      `no netlink socket to ask for network devices: ${errnoName(errno)}`,
    );
  }
  if (groups !== 0) {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(RECEIVE_BUFFER_BYTES);
    // Where neither is allowed the default of the host remains, and messages are lost sooner.
    if (libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, bytes, bytes.length) < 0) {
      libc.setsockopt(fd, SOL_SOCKET, SO_RCVBUF, bytes, bytes.length);
    }
  }
  return fd;
}

function dumpRequest(): Buffer {
  const request = Buffer.alloc(REQUEST.size);
  request.writeUInt32LE(request.length, REQUEST.length);
  request.writeUInt16LE(RTM_GETLINK, REQUEST.type);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, REQUEST.flags);
  request.writeUInt16LE(8, REQUEST.attributeLength);
  request.writeUInt16LE(IFLA_EXT_MASK, REQUEST.attributeType);
  request.writeUInt32LE(RTEXT_FILTER_SKIP_STATS, REQUEST.mask);
  return request;
}

function dumpError(errno: number): KernelError {
  return new KernelError('RTM_GETLINK', errno, `network devices cannot be listed: ${errnoName(errno)}`);
}
