// SPDX-License-Identifier: Apache-2.0
// Messages of RDMA netlink as drivers/infiniband/core/nldev.c makes them, by the numbers of
// include/uapi/rdma/rdma_netlink.h. For tests only.

/** RDMA_NLDEV_ATTR_*. */
const ATTR = {
  DEV_INDEX: 1,
  DEV_NAME: 2,
  PORT_INDEX: 3,
  FW_VERSION: 5,
  NODE_GUID: 6,
  RES_QP: 19,
  RES_QP_ENTRY: 20,
  RES_LQPN: 21,
  RES_RQPN: 22,
  RES_RQ_PSN: 23,
  RES_SQ_PSN: 24,
  RES_PATH_MIG_STATE: 25,
  RES_TYPE: 26,
  RES_STATE: 27,
  RES_PID: 28,
  RES_KERN_NAME: 29,
  DRIVER: 52,
  RES_PDN: 59,
} as const;
/** include/uapi/linux/netlink.h. */
const NLM_F_MULTI = 2;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const GET = 0x1401;
const RES_QP_GET = 0x140a;

export interface BuiltQueuePair {
  readonly number: number;
  readonly remoteNumber?: number;
  readonly port?: number;
  readonly type?: number;
  readonly state?: number;
  readonly pid?: number;
  readonly kernelName?: string;
}

export function attribute(type: number, value: Buffer): Buffer {
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}

export function message(type: number, sequence: number, body: Buffer): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt32LE(16 + body.length, 0);
  header.writeUInt16LE(type, 4);
  header.writeUInt16LE(NLM_F_MULTI, 6);
  header.writeUInt32LE(sequence, 8);
  return Buffer.concat([header, body]);
}

/** fill_dev_info(). */
export function deviceMessage(sequence: number, index: number, name: string): Buffer {
  const body = Buffer.concat([
    ...handle(index, name),
    attribute(ATTR.PORT_INDEX, u32(1)),
    attribute(ATTR.FW_VERSION, text('20.31.1014')),
    attribute(ATTR.NODE_GUID, Buffer.from('0123456789abcdef', 'hex')),
  ]);
  return message(GET, sequence, body);
}

/** res_get_common_dumpit() with fill_res_qp_entry(). */
export function queuePairMessage(
  sequence: number,
  index: number,
  name: string,
  queuePairs: readonly BuiltQueuePair[],
): Buffer {
  const table = attribute(ATTR.RES_QP, Buffer.concat(queuePairs.map(queuePairEntry)));
  return message(RES_QP_GET, sequence, Buffer.concat([...handle(index, name), table]));
}

export function queuePairEntry({
  number,
  remoteNumber,
  port = 1,
  type = 2,
  state = 3,
  pid,
  kernelName,
}: BuiltQueuePair): Buffer {
  return attribute(
    ATTR.RES_QP_ENTRY,
    Buffer.concat([
      ...(port === 0 ? [] : [attribute(ATTR.PORT_INDEX, u32(port))]),
      attribute(ATTR.RES_LQPN, u32(number)),
      ...(kernelName === undefined ? [attribute(ATTR.RES_PDN, u32(7))] : []),
      ...(pid === undefined ? [] : [attribute(ATTR.RES_PID, u32(pid))]),
      ...(kernelName === undefined ? [] : [attribute(ATTR.RES_KERN_NAME, text(kernelName))]),
      ...(remoteNumber === undefined
        ? []
        : [attribute(ATTR.RES_RQPN, u32(remoteNumber)), attribute(ATTR.RES_RQ_PSN, u32(0x123456))]),
      attribute(ATTR.RES_SQ_PSN, u32(0x654321)),
      attribute(ATTR.RES_PATH_MIG_STATE, Buffer.of(0)),
      attribute(ATTR.RES_TYPE, Buffer.of(type)),
      attribute(ATTR.RES_STATE, Buffer.of(state)),
      // What a driver adds (fill_res_qp_entry of mlx5, bnxt_re): names and numbers of its own.
      attribute(ATTR.DRIVER, Buffer.alloc(12, 1)),
    ]),
  );
}

/** How a dump ends: 0, or a positive errno. */
export function doneMessage(sequence: number, errno = 0): Buffer {
  const body = Buffer.alloc(4);
  body.writeInt32LE(-errno);
  return message(NLMSG_DONE, sequence, body);
}

export function errorMessage(sequence: number, errno: number): Buffer {
  const body = Buffer.alloc(20);
  body.writeInt32LE(-errno);
  return message(NLMSG_ERROR, sequence, body);
}

function handle(index: number, name: string): Buffer[] {
  return [attribute(ATTR.DEV_INDEX, u32(index)), attribute(ATTR.DEV_NAME, text(name))];
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}
