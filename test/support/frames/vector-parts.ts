// SPDX-License-Identifier: Apache-2.0
// What the frame vectors are made of: ends, segments, the keys that belong to them. No vectors here.

import { FRAMING, type Framing, KIND } from '../../../src/abi/kinds.js';
import { type ParsedFrame, withoutFlow } from '../oracle/reference-parser.js';
import * as roce from '../roce/roce-frames.js';
import * as frames from './frames.js';

const { ethernet, ETHERTYPE, ipv4, ipv6, payloadOf, tcp, udp } = frames;

export interface FrameVector {
  readonly name: string;
  readonly framing: Framing;
  readonly frame: Buffer;
  readonly expected: ParsedFrame;
}

export const ENDS4 = { src: '192.0.2.1', dst: '198.51.100.2' };
export const ENDS6 = { src: '2001:db8::1', dst: '2001:db8:0:1::2' };
export const FLOW4 = { ipVersion: 4, srcIp: ENDS4.src, dstIp: ENDS4.dst, vlan: 0, qp: 0 } as const;
export const FLOW6 = {
  ipVersion: 6,
  srcIp: '2001:db8:0:0:0:0:0:1',
  dstIp: '2001:db8:0:1:0:0:0:2',
  vlan: 0,
  qp: 0,
} as const;
export const PORTS = { srcPort: 40_000, dstPort: 443 } as const;
export const NO_PORTS = { srcPort: 0, dstPort: 0 } as const;
export const TCP = { ...PORTS, protocol: 6, kind: KIND.tcp } as const;
export const UDP = { ...PORTS, protocol: 17, kind: KIND.udp } as const;
export const ROCE_V2 = {
  srcPort: 0xc000,
  dstPort: 4791,
  protocol: 254,
  kind: KIND.roceV2,
  qp: 0xabcdef,
} as const;
export const ROCE_V2_UDP = { ...ROCE_V2, protocol: 17, kind: KIND.roceV2Udp, qp: 0 } as const;
export const ROCE_V1 = { ...NO_PORTS, protocol: 21, kind: KIND.roceV1, qp: 0xabcdef } as const;
export const QP = 0xabcdef;
export const DATA = payloadOf(10);
export const tcpSegment = tcp(40_000, 443, DATA);
export const udpSegment = udp(40_000, 443, DATA);
export const writeOnly = roce.roceV2({ opcode: 0x0a, destinationQp: QP }, DATA);
export const roceV1 = roce.roceV1Frame(ENDS6, { opcode: 0x0a, destinationQp: QP }, DATA);

/** On Ethernet. */
export function ether(name: string, frame: Buffer, expected: ParsedFrame): FrameVector {
  return { name, framing: FRAMING.ethernet, frame, expected };
}

export function over4(
  segment: frames.Segment,
  options?: frames.Ipv4Options,
  tags?: readonly frames.VlanTag[],
): Buffer {
  return ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment, options), tags);
}

export function over6(
  segment: frames.Segment,
  options?: frames.Ipv6Options,
  tags?: readonly frames.VlanTag[],
): Buffer {
  return ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment, options), tags);
}

export function malformed(name: string, reason: string, frame: Buffer): FrameVector {
  return ether(name, frame, withoutFlow(KIND.malformed, reason));
}

export function nonIp(name: string, reason: string, frame: Buffer): FrameVector {
  return ether(name, frame, withoutFlow(KIND.nonIp, reason));
}

/** A frame with one byte changed. */
export function changed(frame: Buffer, offset: number, value: number): Buffer {
  const copy = Buffer.from(frame);
  copy.writeUInt8(value, offset);
  return copy;
}

export function other(
  ipVersion: 4 | 6,
  protocol: number,
  ports: { srcPort: number; dstPort: number },
): ParsedFrame {
  return { ...(ipVersion === 4 ? FLOW4 : FLOW6), ...ports, protocol, kind: KIND.other };
}

export function changedSegment(segment: frames.Segment, offset: number, value: number): frames.Segment {
  return { ...segment, bytes: changed(segment.bytes, offset, value) };
}

/** What is the same packet on links of another framing. */
export function onLink(
  framing: Framing,
  name: string,
  segment: frames.Segment,
  expected: ParsedFrame,
): FrameVector {
  const packet = expected.ipVersion === 4 ? ipv4(ENDS4, segment) : ipv6(ENDS6, segment);
  return { name, framing, frame: frames.framed(framing, packet), expected };
}
