// SPDX-License-Identifier: Apache-2.0
// Asks RDMA netlink for devices and their queue pairs. Reads only, and changes nothing. Blocks for as long as a
// driver does, whose firmware may be asked for each queue pair (ib_query_qp): see rdma/isolated-reader.ts.

import { ERRNO } from '../errno.js';
import type { Libc } from '../ffi.js';
import { NETLINK_HEADER, NLDEV_ATTRIBUTE, NLDEV_TYPE } from './nldev-attributes.js';
import {
  decodeNldevDatagram,
  type NldevDevice,
  type NldevQueuePair,
  type NldevSink,
} from './nldev-messages.js';

// include/uapi/linux/netlink.h.
const AF_NETLINK = 16;
const SOCK_RAW_CLOEXEC = 3 | 0o2000000;
const NETLINK_RDMA = 20;
const NLM_F_REQUEST_DUMP = 1 | 0x300;
/** A dump fills each datagram in recv(), so that nothing is waited for. */
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;
/** The kernel fills 32 KiB at most. */
const DATAGRAM_BYTES = 65_536;
/** Some 90 bytes a queue pair: of a million there are so many datagrams of 16 KiB. */
const MOST_DATAGRAMS = 10_000;
const INDEX_ATTRIBUTE_BYTES = 8;

export type { NldevDevice, NldevQueuePair } from './nldev-messages.js';

export interface NldevReading<T> {
  readonly entries: readonly T[];
  /** Beyond `most`. */
  readonly leftOut: number;
  /** Messages and entries that could not be understood. */
  readonly refused: number;
}

/** What the kernel said, or its positive errno: EPROTONOSUPPORT where it has no RDMA. */
export interface Nldev {
  devices(): NldevReading<NldevDevice> | number;
  /** @param deviceIndex as devices() has it; of one that is gone EINVAL. @param most entries that are kept. */
  queuePairs(deviceIndex: number, most: number): NldevReading<NldevQueuePair> | number;
}

/** RDMA devices are few: a device has 16 ports or 256 virtual functions. */
const MOST_DEVICES = 4096;

export function createNldev(libc: Libc): Nldev {
  const datagram = Buffer.alloc(DATAGRAM_BYTES);
  let sequence = 0;

  /** The positive errno, or how many messages were refused. */
  function dump(request: Buffer, sink: NldevSink): { refused: number } | number {
    const fd = libc.socket(AF_NETLINK, SOCK_RAW_CLOEXEC, NETLINK_RDMA);
    if (fd < 0) return libc.memory.errno();
    try {
      sequence++;
      request.writeUInt32LE(sequence, NETLINK_HEADER.sequence);
      if (Number(libc.send(fd, request, request.length, 0)) < 0) return libc.memory.errno();
      let refused = 0;
      for (let i = 0; i < MOST_DATAGRAMS; i++) {
        const length = Number(libc.recv(fd, datagram, datagram.length, MSG_DONTWAIT | MSG_TRUNC));
        if (length < 0) return libc.memory.errno();
        if (length > datagram.length) return ERRNO.ENOBUFS;
        const part = decodeNldevDatagram(datagram.subarray(0, length), sequence, sink);
        refused += part.refused;
        if (part.end === 'done') return { refused };
        if (part.end !== 'more') return part.end;
      }
      return ERRNO.E2BIG;
    } finally {
      libc.close(fd);
    }
  }

  function collect<T>(
    request: Buffer,
    most: number,
    sinkOf: (keep: (entry: T) => void) => NldevSink,
  ): NldevReading<T> | number {
    const entries: T[] = [];
    let leftOut = 0;
    const outcome = dump(
      request,
      sinkOf((entry) => {
        if (entries.length < most) entries.push(entry);
        else leftOut++;
      }),
    );
    return typeof outcome === 'number' ? outcome : { entries, leftOut, refused: outcome.refused };
  }

  return {
    devices: () => collect(encodeDump(NLDEV_TYPE.get), MOST_DEVICES, (device) => ({ device })),
    queuePairs: (deviceIndex, most) =>
      collect(encodeDump(NLDEV_TYPE.queuePairs, deviceIndex), most, (queuePair) => ({ queuePair })),
  };
}

/** A dump of everything, or of one device. */
export function encodeDump(type: number, deviceIndex?: number): Buffer {
  const attributeBytes = deviceIndex === undefined ? 0 : INDEX_ATTRIBUTE_BYTES;
  const request = Buffer.alloc(NETLINK_HEADER.size + attributeBytes);
  request.writeUInt32LE(request.length, NETLINK_HEADER.length);
  request.writeUInt16LE(type, NETLINK_HEADER.type);
  request.writeUInt16LE(NLM_F_REQUEST_DUMP, NETLINK_HEADER.flags);
  if (deviceIndex !== undefined) {
    request.writeUInt16LE(INDEX_ATTRIBUTE_BYTES, NETLINK_HEADER.size);
    request.writeUInt16LE(NLDEV_ATTRIBUTE.deviceIndex, NETLINK_HEADER.size + 2);
    request.writeUInt32LE(deviceIndex, NETLINK_HEADER.size + 4);
  }
  return request;
}
