// SPDX-License-Identifier: Apache-2.0
// What RDMA netlink says of devices and their queue pairs: bytes -> entries (drivers/infiniband/core/nldev.c). Pure;
// what is cut off or malformed is refused and counted, and never thrown.

import {
  eachAttribute,
  NETLINK_HEADER,
  NLDEV_ATTRIBUTE,
  NLDEV_TYPE,
  textAt,
  u8At,
  u32At,
} from './nldev-attributes.js';

// include/uapi/linux/netlink.h.
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** 24 bits in every header that carries one (IBTA vol. 1, 9.2.8). */
const QUEUE_PAIR_NUMBER_MAX = 0xffffff;

export interface NldevDevice {
  readonly index: number;
  /** `mlx5_0`, `rxe0`. */
  readonly name: string;
}

export interface NldevQueuePair {
  readonly number: number;
  /** Of connected ones alone. */
  readonly remoteNumber: number | undefined;
  /** From 1; undefined until the queue pair has one. */
  readonly port: number | undefined;
  /** enum ib_qp_type. */
  readonly type: number;
  /** enum ib_qp_state. */
  readonly state: number;
  /** In the reader's PID namespace. undefined: the kernel's, or of a process that has ended or is in another one. */
  readonly pid: number | undefined;
  /** Module of the kernel that has it; undefined where a process has. */
  readonly kernelName: string | undefined;
}

export interface NldevSink {
  device?(device: NldevDevice): void;
  queuePair?(queuePair: NldevQueuePair): void;
}

export interface NldevDatagram {
  /** `more` is to come; or the dump is `done`; or the kernel's positive errno. */
  readonly end: 'more' | 'done' | number;
  /** Messages, tables and entries that could not be understood. */
  readonly refused: number;
}

/** Messages of other sequences answer other questions, and are left out. */
export function decodeNldevDatagram(datagram: Buffer, sequence: number, sink: NldevSink): NldevDatagram {
  let refused = 0;
  let at = 0;
  while (at + NETLINK_HEADER.size <= datagram.length) {
    const length = datagram.readUInt32LE(at + NETLINK_HEADER.length);
    if (length < NETLINK_HEADER.size || at + length > datagram.length) break;
    if (datagram.readUInt32LE(at + NETLINK_HEADER.sequence) === sequence) {
      const type = datagram.readUInt16LE(at + NETLINK_HEADER.type);
      const body = at + NETLINK_HEADER.size;
      const end = at + length;
      if (type === NLMSG_DONE || type === NLMSG_ERROR) {
        const errno = body + 4 <= end ? -datagram.readInt32LE(body) : 0;
        if (errno > 0 || type === NLMSG_DONE) return { end: errno > 0 ? errno : 'done', refused };
      } else if (type === NLDEV_TYPE.get) refused += decodeDevice(datagram, body, end, sink);
      else if (type === NLDEV_TYPE.queuePairs) refused += decodeTable(datagram, body, end, sink);
    }
    // Two additions in doubles: a length near 2^32 must not wrap.
    at += length + ((4 - (length % 4)) % 4);
  }
  return { end: 'more', refused: at < datagram.length ? refused + 1 : refused };
}

/** Each of these returns how many things it has refused. */
function decodeDevice(bytes: Buffer, start: number, end: number, sink: NldevSink): number {
  let index: number | undefined;
  let name = '';
  const isWhole = eachAttribute(bytes, start, end, (type, from, to) => {
    if (type === NLDEV_ATTRIBUTE.deviceIndex) index = u32At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.deviceName) name = textAt(bytes, from, to);
  });
  if (!isWhole || index === undefined || name === '') return 1;
  sink.device?.({ index, name });
  return 0;
}

function decodeTable(bytes: Buffer, start: number, end: number, sink: NldevSink): number {
  let refused = 0;
  const isWhole = eachAttribute(bytes, start, end, (type, from, to) => {
    if (type !== NLDEV_ATTRIBUTE.queuePairs) return;
    const isTableWhole = eachAttribute(bytes, from, to, (entryType, entryFrom, entryTo) => {
      if (entryType !== NLDEV_ATTRIBUTE.queuePair) return;
      const queuePair = decodeQueuePair(bytes, entryFrom, entryTo);
      if (queuePair === undefined) refused++;
      else sink.queuePair?.(queuePair);
    });
    if (!isTableWhole) refused++;
  });
  return isWhole ? refused : refused + 1;
}

function decodeQueuePair(bytes: Buffer, start: number, end: number): NldevQueuePair | undefined {
  let [number, remoteNumber, port, queuePairType, state, pid]: (number | undefined)[] = [];
  let kernelName: string | undefined;
  const isWhole = eachAttribute(bytes, start, end, (type, from, to) => {
    if (type === NLDEV_ATTRIBUTE.localNumber) number = u32At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.remoteNumber) remoteNumber = u32At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.portIndex) port = u32At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.type) queuePairType = u8At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.state) state = u8At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.pid) pid = u32At(bytes, from, to);
    else if (type === NLDEV_ATTRIBUTE.kernelName) kernelName = textAt(bytes, from, to);
  });
  if (!isWhole || number === undefined || queuePairType === undefined || state === undefined)
    return undefined;
  if (number > QUEUE_PAIR_NUMBER_MAX || (remoteNumber ?? 0) > QUEUE_PAIR_NUMBER_MAX) return undefined;
  return {
    number,
    remoteNumber,
    port: port === 0 ? undefined : port,
    type: queuePairType,
    state,
    // task_pid_vnr() is 0 of whoever has ended or is in another namespace; older kernels send it all the same.
    pid: pid === 0 ? undefined : pid,
    kernelName,
  };
}
