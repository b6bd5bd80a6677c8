// SPDX-License-Identifier: Apache-2.0
// The labels of a flow one by one: a name, and how a row's value is written, in UTF-8. How they are put
// together is for each format to say.

import { KIND, trafficType } from '../abi/kinds.js';
import {
  DESTINATION_ADDRESS_WORD,
  DSCP_MAX,
  destinationNetworkOf,
  destinationPortOf,
  flowDscpOf,
  interfaceIdOf,
  ipVersionOf,
  isMappedIpv4,
  kindOf,
  PORT_MAX,
  PROTOCOL_MAX,
  protocolOf,
  QUEUE_PAIR_MAX,
  queuePairOf,
  SOURCE_ADDRESS_WORD,
  sourceNetworkOf,
  sourcePortOf,
  VLAN_MAX,
  vlanOf,
} from '../abi/row-key.js';
import { NETWORK_NAME_MAX_BYTES } from '../cidr.js';
import { DIRECTION } from './direction.js';
import { IP_TEXT_MAX_BYTES, writeDecimal, writeIpv4, writeIpv6 } from './ip-text.js';

/** Labels of a flow, in the order in which they are rendered. */
export const FLOW_LABELS = [
  'src_ip',
  'dst_ip',
  'src_port',
  'dst_port',
  'protocol',
  'traffic_type',
  'interface',
  'host_ip',
  'collect_agg',
] as const;

/** Follows FLOW_LABELS when VLANs are told apart. */
const VLAN_LABEL = 'vlan';

/** Follows FLOW_LABELS and vlan, and the labels of RoCE pairs, when queue pairs are told apart. */
export const QUEUE_PAIR_LABEL = 'queue_pair';

/** Follow the labels above, in this order, where they are asked for. */
const DSCP_LABEL = 'dscp';
const DIRECTION_LABEL = 'direction';
const SRC_NETWORK_LABEL = 'src_network';
const DST_NETWORK_LABEL = 'dst_network';

export interface FlowLabelOptions {
  /** The name of an interface id of a flow row; must stay the same for an id. At most 15 bytes (IFNAMSIZ). */
  interfaceName(id: number): string;
  /** Text of an address, or ''; read anew for each row, as it may change. */
  readonly hostIp: string;
  readonly collectAgg: string;
  /** Those of FLOW_LABELS that flows have; all unless told. */
  readonly labels?: readonly string[];
  /** Adds the label vlan (0 where there was no tag). */
  readonly vlan: boolean;
  /** Adds the label queue_pair (0 where there is none): the destination queue pair of RoCE. */
  readonly queuePair: boolean;
  /** Adds the label dscp: the upper six bits of IPv4's TOS or IPv6's traffic class. */
  readonly dscp?: boolean;
  /** Adds the label direction, the same for all flows as yet. */
  readonly direction?: boolean;
  /** Adds the labels src_network and dst_network. A number's name must stay the same. */
  readonly networks?: {
    readonly src: boolean;
    readonly dst: boolean;
    /** At most NETWORK_NAME_MAX_BYTES. */
    nameOf(number: number): string;
  };
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

type KeyNumber = (keys: Uint32Array, wordOffset: number) => number;

/**
 * The fields of FLOW_LABELS, in that order, and of the labels that follow them where asked for. encodeText is applied to
 * values that are text, where a format cannot take them as they are.
 */
export function createFlowLabelFields(
  options: FlowLabelOptions,
  encodeText: (text: string) => string = (text) => text,
): readonly FlowLabelField[] {
  const kinds = Array.from({ length: 256 }, (_, kind) => Buffer.from(encodeText(trafficType(kind).label)));
  const interfaces = new Map<number, Buffer>();
  const interfaceName = (id: number): Buffer => {
    let name = interfaces.get(id);
    if (name === undefined) {
      name = Buffer.from(encodeText(readInterfaceName(options, id)));
      interfaces.set(id, name);
    }
    return name;
  };
  const fields: Readonly<Record<(typeof FLOW_LABELS)[number], FlowLabelField>> = {
    src_ip: addressField('src_ip', SOURCE_ADDRESS_WORD),
    dst_ip: addressField('dst_ip', DESTINATION_ADDRESS_WORD),
    src_port: decimalField('src_port', sourcePortOf, PORT_MAX),
    dst_port: decimalField('dst_port', destinationPortOf, PORT_MAX),
    protocol: decimalField('protocol', protocolOf, PROTOCOL_MAX),
    traffic_type: {
      name: 'traffic_type',
      maxValueBytes: Math.max(...kinds.map((kind) => kind.length)),
      write(keys, wordOffset, out, outOffset) {
        // 256 of them: every byte has one.
        return writeBytes(out, outOffset, kinds[kindOf(keys, wordOffset)] as Buffer);
      },
    },
    interface: {
      name: 'interface',
      maxValueBytes: Buffer.byteLength(encodeText('"'.repeat(INTERFACE_NAME_MAX_BYTES))), // the worst there is
      write: (keys, wordOffset, out, outOffset) =>
        writeBytes(out, outOffset, interfaceName(interfaceIdOf(keys, wordOffset))),
    },
    host_ip: hostIpField(options, encodeText),
    collect_agg: { name: 'collect_agg', constant: encodeText(options.collectAgg) },
  };
  const vlan = options.vlan ? [decimalField(VLAN_LABEL, vlanOf, VLAN_MAX)] : [];
  const queuePair = options.queuePair ? [decimalField(QUEUE_PAIR_LABEL, queuePairOf, QUEUE_PAIR_MAX)] : [];
  const dscp = options.dscp === true ? [decimalField(DSCP_LABEL, flowDscpOf, DSCP_MAX)] : [];
  const direction: FlowLabelField[] =
    options.direction === true ? [{ name: DIRECTION_LABEL, constant: encodeText(DIRECTION) }] : [];
  const { src = false, dst = false, nameOf = () => '' } = options.networks ?? {};
  const networks = namedField(nameOf, encodeText);
  const srcNetwork = src ? [networks(SRC_NETWORK_LABEL, sourceNetworkOf)] : [];
  const dstNetwork = dst ? [networks(DST_NETWORK_LABEL, destinationNetworkOf)] : [];
  const { labels = FLOW_LABELS } = options;
  const shown = FLOW_LABELS.filter((name) => labels.includes(name));
  return [
    ...shown.map((name) => fields[name]),
    ...vlan,
    ...queuePair,
    ...dscp,
    ...direction,
    ...srcNetwork,
    ...dstNetwork,
  ];
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
      const isIpv4 = ipVersionOf(keys, wordOffset) === 4;
      const isGid = kindOf(keys, wordOffset) === KIND.roceV1;
      return writeAddress(out, outOffset, keys, wordOffset + word, isIpv4, isGid);
    },
  };
}

function hostIpField(
  options: Pick<FlowLabelOptions, 'hostIp'>,
  encodeText: (text: string) => string,
): FlowLabelField {
  let hostIp: string | undefined;
  let bytes = Buffer.alloc(0);
  return {
    name: 'host_ip',
    maxValueBytes: IP_TEXT_MAX_BYTES,
    write(_keys, _wordOffset, out, outOffset) {
      if (options.hostIp !== hostIp) {
        hostIp = options.hostIp;
        bytes = Buffer.from(encodeText(hostIp));
      }
      return writeBytes(out, outOffset, bytes);
    },
  };
}

/** Fields of numbers that have names; each name is encoded once. */
function namedField(
  nameOf: (number: number) => string,
  encodeText: (text: string) => string,
): (name: string, numberOf: KeyNumber) => FlowLabelField {
  const names = new Map<number, Buffer>();
  const encoded = (number: number): Buffer => {
    let bytes = names.get(number);
    if (bytes === undefined) {
      bytes = Buffer.from(encodeText(nameOf(number)));
      names.set(number, bytes);
    }
    return bytes;
  };
  const widest = Buffer.byteLength(encodeText('"')); // of all characters, once encoded
  return (name, numberOf) => ({
    name,
    maxValueBytes: NETWORK_NAME_MAX_BYTES * widest,
    write: (keys, wordOffset, out, outOffset) =>
      writeBytes(out, outOffset, encoded(numberOf(keys, wordOffset))),
  });
}

function decimalField(name: string, numberOf: KeyNumber, max: number): FlowLabelField {
  return {
    name,
    maxValueBytes: String(max).length,
    write: (keys, wordOffset, out, outOffset) => writeDecimal(out, outOffset, numberOf(keys, wordOffset)),
  };
}
