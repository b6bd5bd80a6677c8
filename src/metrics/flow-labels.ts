// SPDX-License-Identifier: Apache-2.0
// A flow's key as label bytes, rendered once when the flow gets its series and copied ever after.
// The bytes stand between the braces of a sample, escaped for text 0.0.4 and OpenMetrics alike.
import { KIND, trafficType } from '../abi/kinds.js';
import { FLOW_ROW } from '../abi/records.js';
import { FLOW_LABELS, VLAN_LABEL } from './catalog.js';
import { IP_TEXT_MAX_BYTES, isMappedIpv4, writeDecimal, writeIpv4, writeIpv6 } from './ip-text.js';
import { escapeLabelValue } from './label-value.js';

export interface FlowLabelOptions {
  /** The name of an interface id of a flow row; must stay the same for an id. At most 15 bytes (IFNAMSIZ). */
  interfaceName(id: number): string;
  readonly hostIp: string;
  readonly collectAgg: string;
  /** Adds the label vlan (0 where there was no tag). */
  readonly vlan: boolean;
}

/** Writes the labels of the row at keys[wordOffset] to out[outOffset]; returns how many bytes. */
export type RenderFlowLabels = (
  keys: Uint32Array,
  wordOffset: number,
  out: Uint8Array,
  outOffset: number,
) => number;

export interface FlowLabelRenderer {
  readonly render: RenderFlowLabels;
  /** No row takes more bytes than this; out must have room for as many. */
  readonly maxLabelBytes: number;
}

/** IFNAMSIZ of linux/if.h, without the final zero. */
const INTERFACE_NAME_MAX_BYTES = 15;

// Where fields lie in a row, in 32-bit words.
const SRC_IP = FLOW_ROW.srcIp >>> 2;
const DST_IP = FLOW_ROW.dstIp >>> 2;
const PORTS = FLOW_ROW.srcPort >>> 2;
const INTERFACE = FLOW_ROW.interfaceId >>> 2;
const PROTOCOL_KIND_VLAN = FLOW_ROW.protocol >>> 2;
const QP_FAMILY = FLOW_ROW.qp >>> 2;

/**
 * Measured: 0.5 us a row. RoCE v1 GIDs that map an IPv4 address are shown as IPv4, since that is
 * what the operator configured; an IPv6 packet with such an address keeps ::ffff:a.b.c.d.
 */
export function createFlowLabelRenderer(options: FlowLabelOptions): FlowLabelRenderer {
  const [srcIp, dstIp, srcPort, dstPort, protocol] = FLOW_LABELS.map((name, index) =>
    Buffer.from(`${index === 0 ? '' : '",'}${name}="`),
  ) as [Buffer, Buffer, Buffer, Buffer, Buffer];
  const tail = Buffer.from(
    `",host_ip="${escapeLabelValue(options.hostIp)}",collect_agg="${escapeLabelValue(options.collectAgg)}` +
      (options.vlan ? `",${VLAN_LABEL}="` : '"'),
  );
  const kinds = Array.from({ length: 256 }, (_, kind) =>
    Buffer.from(`",traffic_type="${escapeLabelValue(trafficType(kind).label)}`),
  );
  const interfaces = new Map<number, Buffer>();

  const interfaceLabel = (id: number): Buffer => {
    const known = interfaces.get(id);
    if (known !== undefined) return known;
    const name = options.interfaceName(id);
    if (Buffer.byteLength(name) > INTERFACE_NAME_MAX_BYTES) {
      throw new RangeError(
        `interface name ${JSON.stringify(name)} is longer than ${INTERFACE_NAME_MAX_BYTES} bytes`,
      );
    }
    const label = Buffer.from(`",interface="${escapeLabelValue(name)}`);
    interfaces.set(id, label);
    return label;
  };

  const render: RenderFlowLabels = (keys, wordOffset, out, outOffset) => {
    const ports = keys[wordOffset + PORTS] ?? 0;
    const shape = keys[wordOffset + PROTOCOL_KIND_VLAN] ?? 0;
    const kind = (shape >>> 8) & 0xff;
    const isIpv4 = (keys[wordOffset + QP_FAMILY] ?? 0) >>> 24 === 4;
    const isGid = kind === KIND.roceV1;

    let at = writeBytes(out, outOffset, srcIp);
    at = writeAddress(out, at, keys, wordOffset + SRC_IP, isIpv4, isGid);
    at = writeBytes(out, at, dstIp);
    at = writeAddress(out, at, keys, wordOffset + DST_IP, isIpv4, isGid);
    at = writeBytes(out, at, srcPort);
    at = writeDecimal(out, at, ports & 0xffff);
    at = writeBytes(out, at, dstPort);
    at = writeDecimal(out, at, ports >>> 16);
    at = writeBytes(out, at, protocol);
    at = writeDecimal(out, at, shape & 0xff);
    at = writeBytes(out, at, kinds[kind] as Buffer); // 256 of them: every byte has one
    at = writeBytes(out, at, interfaceLabel(keys[wordOffset + INTERFACE] ?? 0));
    at = writeBytes(out, at, tail);
    if (options.vlan) {
      at = writeDecimal(out, at, shape >>> 16);
      out[at++] = 0x22;
    }
    return at - outOffset;
  };

  const longest = (texts: readonly Buffer[]): number => Math.max(...texts.map((text) => text.length));
  const maxLabelBytes =
    [srcIp, dstIp, srcPort, dstPort, protocol, tail].reduce((sum, text) => sum + text.length, 0) +
    2 * IP_TEXT_MAX_BYTES +
    '65535'.length * 2 +
    '255'.length +
    longest(kinds) +
    '",interface="'.length +
    2 * INTERFACE_NAME_MAX_BYTES + // every byte may need its backslash
    (options.vlan ? '65535"'.length : 0);
  return { render, maxLabelBytes };
}

function writeAddress(
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

/** The address in the four words from wordOffset as labels show it; family is 4 or 6. */
export function flowAddressText(keys: Uint32Array, wordOffset: number, family: number, kind: number): string {
  const out = Buffer.alloc(IP_TEXT_MAX_BYTES);
  const length = writeAddress(out, 0, keys, wordOffset, family === 4, kind === KIND.roceV1);
  return out.toString('latin1', 0, length);
}

function writeBytes(out: Uint8Array, offset: number, bytes: Buffer): number {
  out.set(bytes, offset);
  return offset + bytes.length;
}
