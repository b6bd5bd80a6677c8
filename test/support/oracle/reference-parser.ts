// SPDX-License-Identifier: Apache-2.0
// The law of the parser a second time, in TypeScript, written without sight of the C: what key a
// frame must be counted under. Tests compare the BPF program with it, frame by frame. It may be
// slow; it must be plain. Where the two disagree, one of them is wrong.

import { FRAMING, type Framing, KIND } from '../../../src/abi/kinds.js';
import { FRAME_REASONS } from '../../../src/abi/reasons.js';
import { BTH_LENGTH, destinationQp, isBth, ROCE_LENGTH_MIN } from './reference-bth.js';
import { innerFrame } from './reference-mirror.js';
import { type GrhPacket, type IpPacket, type LocatedPacket, locatePacket } from './reference-network.js';

/** The key of a frame, before masks. Addresses in the form of formatAddress(). */
export interface ParsedFrame {
  readonly ipVersion: 4 | 6;
  readonly srcIp: string;
  readonly dstIp: string;
  readonly srcPort: number;
  readonly dstPort: number;
  /** IP protocol, 20, 21 or 254, or the reason code for kinds without a flow. */
  readonly protocol: number;
  readonly kind: number;
  readonly vlan: number;
  readonly qp: number;
  /** Where it is not 0. */
  readonly dscp?: number;
}

export interface ParseOptions {
  /** RoCE inside ERSPAN and GRE counts as what it was. Default false. */
  readonly decapMirror?: boolean;
}

const TCP = 6;
const UDP = 17;
const PROTOCOL_INFINIBAND = 20;
const PROTOCOL_ROCE_V1 = 21;
const PROTOCOL_ROCE_V2 = 254;
const ROCE_PORT = 4791;
const PROTOCOLS_WITH_PORTS: readonly number[] = [TCP, UDP, 33, 132, 136];
const UDP_LENGTH = 8;

/** The key under which a frame must be counted. Never throws. */
export function parseFrame(frame: Buffer, framing: Framing, options: ParseOptions = {}): ParsedFrame {
  const located = locatePacket(frame, framing);
  const mirrored = options.decapMirror === true ? innerFrame(frame, located) : undefined;
  if (mirrored !== undefined) {
    const inner = parseFrame(mirrored, FRAMING.ethernet);
    if (inner.kind === KIND.roceV1 || inner.kind === KIND.roceV2) return inner;
  }
  const key = keyOf(frame, located, framing);
  const hasDscp = 'trafficClass' in located && key.kind < KIND.nonIp;
  const dscp = hasDscp ? located.trafficClass >> 2 : 0;
  return dscp === 0 ? key : { ...key, dscp };
}

function keyOf(frame: Buffer, located: LocatedPacket, framing: Framing): ParsedFrame {
  switch (located.what) {
    case 'ip':
      return parseTransport(frame, located, framing);
    case 'grh':
      return parseRoceV1(frame, located);
    default:
      return withoutFlow(KIND[located.what], located.reason);
  }
}

function parseTransport(frame: Buffer, packet: IpPacket, framing: Framing): ParsedFrame {
  const { ipVersion, srcIp, dstIp, vlan, protocol, start, end, statedEnd, laterFragment } = packet;
  let srcPort = 0;
  let dstPort = 0;
  if (!laterFragment && PROTOCOLS_WITH_PORTS.includes(protocol)) {
    if (end - start < 4) return withoutFlow(KIND.malformed, 'transport_truncated');
    srcPort = frame.readUInt16BE(start);
    dstPort = frame.readUInt16BE(start + 2);
  }
  const flow = { ipVersion, srcIp, dstIp, vlan, protocol, srcPort, dstPort, qp: 0 };
  if (protocol === TCP) return { ...flow, kind: KIND.tcp };
  if (protocol !== UDP) {
    return framing === FRAMING.infiniband
      ? { ...flow, srcPort: 0, dstPort: 0, kind: KIND.infiniband, protocol: PROTOCOL_INFINIBAND }
      : { ...flow, kind: KIND.other };
  }
  if (srcPort !== ROCE_PORT && dstPort !== ROCE_PORT) return { ...flow, kind: KIND.udp };
  const roce =
    dstPort === ROCE_PORT &&
    end - start >= UDP_LENGTH + BTH_LENGTH &&
    statedEnd - start >= UDP_LENGTH + ROCE_LENGTH_MIN &&
    frame.readUInt16BE(start + 4) >= UDP_LENGTH + ROCE_LENGTH_MIN &&
    isBth(frame, start + UDP_LENGTH);
  return roce
    ? { ...flow, kind: KIND.roceV2, protocol: PROTOCOL_ROCE_V2, qp: destinationQp(frame, start + UDP_LENGTH) }
    : { ...flow, kind: KIND.roceV2Udp };
}

function parseRoceV1(frame: Buffer, packet: GrhPacket): ParsedFrame {
  const { srcIp, dstIp, vlan, start, end, payloadLengthBytes } = packet;
  if (end - start < BTH_LENGTH) return withoutFlow(KIND.malformed, 'grh_truncated');
  if (payloadLengthBytes < ROCE_LENGTH_MIN) return withoutFlow(KIND.malformed, 'grh_payload_length');
  if (!isBth(frame, start)) return withoutFlow(KIND.malformed, 'bth_invalid');
  return {
    ipVersion: 6,
    srcIp,
    dstIp,
    srcPort: 0,
    dstPort: 0,
    protocol: PROTOCOL_ROCE_V1,
    kind: KIND.roceV1,
    vlan,
    qp: destinationQp(frame, start),
  };
}

/** The key of a frame without a flow: IPv4 layout, all zero but kind and reason. */
export function withoutFlow(kind: number, reason: string): ParsedFrame {
  const code = FRAME_REASONS.indexOf(reason);
  if (code < 1) throw new RangeError(`no frame reason is called ${reason}`);
  return {
    ipVersion: 4,
    srcIp: '0.0.0.0',
    dstIp: '0.0.0.0',
    srcPort: 0,
    dstPort: 0,
    protocol: code,
    kind,
    vlan: 0,
    qp: 0,
  };
}
