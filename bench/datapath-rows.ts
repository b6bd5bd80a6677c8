// SPDX-License-Identifier: Apache-2.0
// The rows of the packet path's benches: which frame, of how many flows, and where in it the driver
// writes what tells them apart.

import { ETHERTYPE, ethernet, ipv4, ipv6, payloadOf, tcp, udp } from '../test/support/frames/frames.js';
import { roceV2 } from '../test/support/roce/roce-frames.js';

/** Packets of one flow in a row, as a network card's receive burst brings them. */
const BURST_PACKETS = 16;

/** A packet, as often as it is sent. Offsets are bytes from the start of the frame. */
export interface TrafficRow {
  readonly packet: string;
  /** A power of two. */
  readonly flows: number;
  /** Packets of one flow in a row; 1: each packet's flow is drawn anew. */
  readonly burst: number;
  /** The plain TCP packet of the same IP version, where a row is to be compared with it. */
  readonly comparedWith?: string;
  readonly frame: Buffer;
  /** Of four bytes of source address, and of the source port. */
  readonly addressOffset: number;
  readonly portOffset: number;
  /** Of the last two bytes of a destination queue pair; 0: there is none. */
  readonly qpOffset: number;
  /** Of the word that has a PSN in its low three bytes, which counts up flow by flow; 0: there is none. */
  readonly psnOffset: number;
}

type Packet = Omit<TrafficRow, 'flows' | 'burst'>;

const ETHERNET_BYTES = 14;
/** Where the last four bytes of the source address are in the IP header. */
const SOURCE4 = 12;
const SOURCE6 = 20;
const IPV4_BYTES = 20;
const IPV6_BYTES = 40;
const UDP_BYTES = 8;
/** In the BTH: behind the first byte of the queue pair, and the word with the PSN. */
const QP_LOW = 6;
const PSN_WORD = 8;
/** The middle of an RDMA WRITE with a path MTU of 1,024: what most packets of a stream are. */
const OPCODE_WRITE_MIDDLE = 0x07;
const OPCODE_SEND_ONLY = 0x04;
const PATH_MTU_BYTES = 1024;

const ENDS4 = { src: '10.0.0.1', dst: '10.1.0.1' };
const ENDS6 = { src: 'fd00::1', dst: 'fd01::1' };
const TCP4 = 'TCP/IPv4';
const TCP6 = 'TCP/IPv6';

/** All rows; a burst of the only flow there is would be the same row again. */
export function datapathRows(): TrafficRow[] {
  const { tcp4, tcp6, vlan, write4, write6, send4 } = createPackets();
  return [
    rowOf(tcp4, 1),
    ...[1024, 8192, 65536].flatMap((flows) => [rowOf(tcp4, flows), rowOf(tcp4, flows, BURST_PACKETS)]),
    rowOf(tcp4, 131_072),
    ...[1, 1024, 8192, 65536].map((flows) => rowOf(tcp6, flows)),
    rowOf(vlan, 1024),
    rowOf(write4, 1),
    rowOf(write4, 1024),
    rowOf(write4, 1024, BURST_PACKETS),
    rowOf(write4, 8192),
    rowOf(send4, 1024),
    ...[1, 1024, 8192].map((flows) => rowOf(write6, flows)),
  ];
}

/** The few that are sent over a wire. */
export function realDatapathRows(): TrafficRow[] {
  const { tcp4, write4 } = createPackets();
  return [...[1, 1024, 8192, 65536].map((flows) => rowOf(tcp4, flows)), rowOf(write4, 1024)];
}

/** A row as bench/row.h has it. */
export function renderTrafficRow(row: TrafficRow): string {
  const { packet, flows, burst, addressOffset, portOffset, qpOffset, psnOffset, frame } = row;
  const numbers = [flows, burst, addressOffset, portOffset, qpOffset, psnOffset];
  return [packet, ...numbers, frame.toString('hex')].join(' ');
}

function createPackets() {
  const payload = payloadOf(18);
  const segment = tcp(1, 443, payload);
  const write = roceV2({ opcode: OPCODE_WRITE_MIDDLE, destinationQp: 0x010000 }, payloadOf(PATH_MTU_BYTES));
  const send = roceV2({ opcode: OPCODE_SEND_ONLY, destinationQp: 0x010000 }, payload);
  const ip4 = { network: ETHERNET_BYTES, source: SOURCE4, transport: IPV4_BYTES };
  const ip6 = { network: ETHERNET_BYTES, source: SOURCE6, transport: IPV6_BYTES };
  return {
    tcp4: packetOf(TCP4, ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, segment)), ip4),
    tcp6: packetOf(TCP6, ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, segment)), ip6),
    vlan: packetOf(
      'UDP/IPv4/VLAN',
      ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, udp(1, 443, payload)), [{ id: 100 }]),
      { ...ip4, network: ETHERNET_BYTES + 4 },
    ),
    write4: streamOf('RoCEv2/IPv4', ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, write)), ip4, TCP4),
    write6: streamOf('RoCEv2/IPv6', ethernet(ETHERTYPE.ipv6, ipv6(ENDS6, write)), ip6, TCP6),
    send4: streamOf('RoCEv2/IPv4/SEND', ethernet(ETHERTYPE.ipv4, ipv4(ENDS4, send)), ip4, TCP4),
  };
}

/** Where the network header is in the frame, and in it the source address and its end. */
interface NetworkOffsets {
  readonly network: number;
  readonly source: number;
  readonly transport: number;
}

function packetOf(packet: string, frame: Buffer, { network, source, transport }: NetworkOffsets): Packet {
  return {
    packet,
    frame,
    addressOffset: network + source,
    portOffset: network + transport,
    qpOffset: 0,
    psnOffset: 0,
  };
}

function streamOf(packet: string, frame: Buffer, offsets: NetworkOffsets, comparedWith: string): Packet {
  const bth = offsets.network + offsets.transport + UDP_BYTES;
  return {
    ...packetOf(packet, frame, offsets),
    comparedWith,
    qpOffset: bth + QP_LOW,
    psnOffset: bth + PSN_WORD,
  };
}

function rowOf(packet: Packet, flows: number, burst = 1): TrafficRow {
  return { ...packet, flows, burst };
}
