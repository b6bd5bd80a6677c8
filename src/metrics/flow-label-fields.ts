// SPDX-License-Identifier: Apache-2.0
// The labels of a flow one by one: a name, and how a row's value is written. Values stand as they
// are, UTF-8 and not escaped; how they are put together is for each format to say.
import { KIND, trafficType } from '../abi/kinds.js';
import { FLOW_ROW, FLOW_ROW_WORDS } from '../abi/records.js';
import { FLOW_LABELS, QUEUE_PAIR_LABEL, VLAN_LABEL } from './catalog.js';
import { IP_TEXT_MAX_BYTES, isMappedIpv4, writeDecimal, writeIpv4, writeIpv6 } from './ip-text.js';

export interface FlowLabelOptions {
  /** The name of an interface id of a flow row; must stay the same for an id. At most 15 bytes (IFNAMSIZ). */
  interfaceName(id: number): string;
  readonly hostIp: string;
  readonly collectAgg: string;
  /** Adds the label vlan (0 where there was no tag). */
  readonly vlan: boolean;
  /** Adds the label queue_pair (0 where there is none): the destination queue pair of RoCE. */
  readonly queuePair: boolean;
}

/** Writes a value of the row at keys[wordOffset] to out[outOffset]; returns the offset after it. */
export type WriteFlowLabelValue = (
  keys: Uint32Array,
  wordOffset: number,
  out: Uint8Array,
  outOffset: number,
) => number;

export type FlowLabelField =
  /** The same value for every flow. */
  | { readonly name: string; readonly constant: string }
  /** No value takes more bytes than maxValueBytes. */
  | { readonly name: string; readonly write: WriteFlowLabelValue; readonly maxValueBytes: number };

/** IFNAMSIZ of linux/if.h, without the final zero. */
export const INTERFACE_NAME_MAX_BYTES = 15;

/** Queue pairs have 24 bits (IBTA vol. 1, 9.2.7); above them a row's word holds the address family. */
export const QUEUE_PAIR_MAX = 0xffffff;

/** 32-bit words of a row's key. */
export const FLOW_KEY_WORDS = FLOW_ROW_WORDS;

/** Where fields lie in a row, in 32-bit words. */
export const FLOW_WORD = {
  srcIp: FLOW_ROW.srcIp >>> 2,
  dstIp: FLOW_ROW.dstIp >>> 2,
  ports: FLOW_ROW.srcPort >>> 2,
  interfaceId: FLOW_ROW.interfaceId >>> 2,
  protocolKindVlan: FLOW_ROW.protocol >>> 2,
  qpFamily: FLOW_ROW.qp >>> 2,
} as const;

/** The fields of FLOW_LABELS, in that order, and vlan and queue_pair where asked for. */
export function createFlowLabelFields(options: FlowLabelOptions): readonly FlowLabelField[] {
  const kinds = Array.from({ length: 256 }, (_, kind) => Buffer.from(trafficType(kind).label));
  const interfaces = new Map<number, Buffer>();
  const interfaceName = (id: number): Buffer => {
    let name = interfaces.get(id);
    if (name === undefined) {
      name = Buffer.from(readInterfaceName(options, id));
      interfaces.set(id, name);
    }
    return name;
  };
  const fields: Readonly<Record<(typeof FLOW_LABELS)[number], FlowLabelField>> = {
    src_ip: addressField('src_ip', FLOW_WORD.srcIp),
    dst_ip: addressField('dst_ip', FLOW_WORD.dstIp),
    src_port: decimalField('src_port', FLOW_WORD.ports, 0, 0xffff),
    dst_port: decimalField('dst_port', FLOW_WORD.ports, 16, 0xffff),
    protocol: decimalField('protocol', FLOW_WORD.protocolKindVlan, 0, 0xff),
    traffic_type: {
      name: 'traffic_type',
      maxValueBytes: Math.max(...kinds.map((kind) => kind.length)),
      write(keys, wordOffset, out, outOffset) {
        const kind = ((keys[wordOffset + FLOW_WORD.protocolKindVlan] ?? 0) >>> 8) & 0xff;
        return writeBytes(out, outOffset, kinds[kind] as Buffer); // 256 of them: every byte has one
      },
    },
    interface: {
      name: 'interface',
      maxValueBytes: INTERFACE_NAME_MAX_BYTES,
      write: (keys, wordOffset, out, outOffset) =>
        writeBytes(out, outOffset, interfaceName(keys[wordOffset + FLOW_WORD.interfaceId] ?? 0)),
    },
    host_ip: { name: 'host_ip', constant: options.hostIp },
    collect_agg: { name: 'collect_agg', constant: options.collectAgg },
  };
  const vlan = options.vlan ? [decimalField(VLAN_LABEL, FLOW_WORD.protocolKindVlan, 16, 0xffff)] : [];
  const queuePair = options.queuePair
    ? [decimalField(QUEUE_PAIR_LABEL, FLOW_WORD.qpFamily, 0, QUEUE_PAIR_MAX)]
    : [];
  return [...FLOW_LABELS.map((name) => fields[name]), ...vlan, ...queuePair];
}

/** @throws RangeError when the name is longer than a kernel would allow. */
export function readInterfaceName(options: Pick<FlowLabelOptions, 'interfaceName'>, id: number): string {
  const name = options.interfaceName(id);
  if (Buffer.byteLength(name) > INTERFACE_NAME_MAX_BYTES) {
    throw new RangeError(
      `interface name ${JSON.stringify(name)} is longer than ${INTERFACE_NAME_MAX_BYTES} bytes`,
    );
  }
  return name;
}

/**
 * The address in the four words from word. RoCE v1 GIDs (isGid) that map an IPv4 address are shown as
 * IPv4, since that is what the operator configured; an IPv6 packet with such an address keeps ::ffff:a.b.c.d.
 */
export function writeAddress(
  out: Uint8Array,
  at: number,
  keys: Uint32Array,
  word: number,
  isIpv4: boolean,
  isGid: boolean,
): number {
  if (isIpv4) return writeIpv4(out, at, keys[word] ?? 0);
  if (isGid && isMappedIpv4(keys, word)) return writeIpv4(out, at, keys[word + 3] ?? 0);
  return writeIpv6(out, at, keys, word);
}

export function writeBytes(out: Uint8Array, offset: number, bytes: Buffer): number {
  out.set(bytes, offset);
  return offset + bytes.length;
}

function addressField(name: string, word: number): FlowLabelField {
  return {
    name,
    maxValueBytes: IP_TEXT_MAX_BYTES,
    write(keys, wordOffset, out, outOffset) {
      const kind = ((keys[wordOffset + FLOW_WORD.protocolKindVlan] ?? 0) >>> 8) & 0xff;
      const isIpv4 = (keys[wordOffset + FLOW_WORD.qpFamily] ?? 0) >>> 24 === 4;
      return writeAddress(out, outOffset, keys, wordOffset + word, isIpv4, kind === KIND.roceV1);
    },
  };
}

function decimalField(name: string, word: number, shift: number, mask: number): FlowLabelField {
  return {
    name,
    maxValueBytes: String(mask).length,
    write: (keys, wordOffset, out, outOffset) =>
      writeDecimal(out, outOffset, ((keys[wordOffset + word] ?? 0) >>> shift) & mask),
  };
}
