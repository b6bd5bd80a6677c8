// SPDX-License-Identifier: Apache-2.0
// What a frame adds to the counts of RoCE streams, in TypeScript, written from the specification and
// without sight of the C. All but the order of PSNs, which takes more than one frame: that is
// reference-psn.ts. May be slow; must be plain.

import { FRAMING, type Framing } from '../../../src/abi/kinds.js';
import {
  ROCE_CELL,
  ROCE_MALFORMED,
  ROCE_SIZE_BOUNDS,
  ROCE_TRANSPORT,
} from '../../../src/abi/roce-records.js';
import { formatAddress, parseAddress } from '../frames/addresses.js';
import { BTH_LENGTH, destinationQp, ICRC_LENGTH, isKnownOpcode, ROCE_LENGTH_MIN } from './reference-bth.js';
import { innerFrame } from './reference-mirror.js';
import { type GrhPacket, type IpPacket, type LocatedPacket, locatePacket } from './reference-network.js';
import type { ParseOptions } from './reference-parser.js';
import {
  AETH_LENGTH,
  acknowledgement,
  hasMessageLength,
  isConnected,
  isOrdered,
  isResponse,
  OP_ACKNOWLEDGE,
  operationCell,
  operationHeaderLength,
  RETH_LENGTH,
  transportHeaderLength,
} from './reference-roce-opcodes.js';

/** struct roce_key, but for the interface. Addresses as formatAddress() writes 16 bytes. */
export interface RoceKey {
  readonly srcIp: string;
  readonly dstIp: string;
  readonly qp: number;
  readonly pkey: number;
  readonly version: number;
  readonly transport: number;
  readonly dscp: number;
  readonly detail: number;
}

/** Cells by their index in struct roce_count; those of one packet have its source port as the first. */
export type RoceCells = ReadonlyMap<number, number>;

export interface RoceReading {
  readonly key: RoceKey;
  readonly cells: RoceCells;
  /** Of packets whose PSN has an order that can be followed. */
  readonly sequence?: { readonly opcode: number; readonly psn: number };
}

const UDP = 17;
const ROCE_PORT = 4791;
const UDP_LENGTH = 8;

/** A BTH and what belongs to it. Offsets into the frame. */
interface Transport {
  readonly bth: number;
  /** Where the packet ends. */
  readonly end: number;
  /** From the BTH through the ICRC, as the headers say; 0 where they contradict each other. */
  readonly lengthBytes: number;
  /** UDP's; undefined where there is no UDP. */
  readonly srcPort: number | undefined;
  readonly version: 1 | 2;
}

/** What a frame adds, or undefined where it adds nothing. Never throws. */
export function readRoce(
  frame: Buffer,
  framing: Framing,
  options: ParseOptions = {},
): RoceReading | undefined {
  const located = locatePacket(frame, framing);
  const mirrored = options.decapMirror === true ? innerFrame(frame, located) : undefined;
  if (mirrored !== undefined) {
    const inner = readLocated(mirrored, locatePacket(mirrored, FRAMING.ethernet), frame.length);
    if (inner !== undefined && inner.key.transport !== ROCE_TRANSPORT.malformed) return inner;
  }
  return readLocated(frame, located, frame.length);
}

function readLocated(frame: Buffer, packet: LocatedPacket, frameBytes: number): RoceReading | undefined {
  switch (packet.what) {
    case 'ip':
      return readUdp(frame, packet, frameBytes);
    case 'grh':
      return readGrh(frame, packet, frameBytes);
    default:
      return undefined;
  }
}

function readUdp(frame: Buffer, packet: IpPacket, frameBytes: number): RoceReading | undefined {
  const { start, end } = packet;
  if (packet.protocol !== UDP || packet.laterFragment || end - start < 4) return undefined;
  if (frame.readUInt16BE(start + 2) !== ROCE_PORT) return undefined;
  const bth = start + UDP_LENGTH;
  const isShort =
    end - bth < BTH_LENGTH ||
    packet.statedEnd - bth < ROCE_LENGTH_MIN ||
    frame.readUInt16BE(start + 4) < UDP_LENGTH + ROCE_LENGTH_MIN;
  const fault = isShort ? ROCE_MALFORMED.short : faultOfBth(frame, bth);
  if (fault !== undefined) return malformed(packet, 2, fault, frameBytes);
  const udpLength = frame.readUInt16BE(start + 4);
  const fits = start + udpLength <= packet.datagramEnd;
  const lengthBytes = fits ? udpLength - UDP_LENGTH : 0;
  return readBth(
    frame,
    packet,
    { bth, end, lengthBytes, srcPort: frame.readUInt16BE(start), version: 2 },
    frameBytes,
  );
}

function readGrh(frame: Buffer, packet: GrhPacket, frameBytes: number): RoceReading | undefined {
  const { start: bth, end, payloadLengthBytes: lengthBytes } = packet;
  const isShort = end - bth < BTH_LENGTH || lengthBytes < ROCE_LENGTH_MIN;
  const fault = isShort ? ROCE_MALFORMED.short : faultOfBth(frame, bth);
  return fault === undefined
    ? readBth(frame, packet, { bth, end, lengthBytes, srcPort: undefined, version: 1 }, frameBytes)
    : malformed(packet, 1, fault, frameBytes);
}

/** ROCE_MALFORMED, or undefined where the 12 bytes are a BTH. */
function faultOfBth(frame: Buffer, bth: number): number | undefined {
  if ((frame.readUInt8(bth + 1) & 0x0f) !== 0) return ROCE_MALFORMED.version;
  return isKnownOpcode(frame.readUInt8(bth)) ? undefined : ROCE_MALFORMED.opcode;
}

/** What stands where a BTH should: counted by its ends and the fault alone. */
function malformed(
  packet: IpPacket | GrhPacket,
  version: 1 | 2,
  fault: number,
  frameBytes: number,
): RoceReading {
  return {
    key: {
      srcIp: sixteenBytes(packet.srcIp),
      dstIp: sixteenBytes(packet.dstIp),
      qp: 0,
      pkey: 0,
      version,
      transport: ROCE_TRANSPORT.malformed,
      dscp: 0,
      detail: fault,
    },
    cells: new Map([
      [ROCE_CELL.packets, 1],
      [ROCE_CELL.bytes, frameBytes],
    ]),
  };
}

function readBth(
  frame: Buffer,
  packet: IpPacket | GrhPacket,
  { bth, end, lengthBytes, srcPort, version }: Transport,
  frameBytes: number,
): RoceReading {
  const opcode = frame.readUInt8(bth);
  const transport = Math.min(opcode >> 5, ROCE_TRANSPORT.vendor);
  const response = isResponse(opcode);
  const key: RoceKey = {
    srcIp: sixteenBytes(packet.srcIp),
    dstIp: sixteenBytes(packet.dstIp),
    qp: destinationQp(frame, bth),
    pkey: frame.readUInt16BE(bth + 2),
    version,
    transport,
    dscp: packet.trafficClass >> 2,
    detail: response ? 1 : 0,
  };
  const cells = new Map<number, number>();
  const add = (cell: number, amount: number): void => {
    cells.set(cell, (cells.get(cell) ?? 0) + amount);
  };
  add(ROCE_CELL.packets, 1);
  add(ROCE_CELL.bytes, frameBytes);
  add(ROCE_CELL.port, srcPort === undefined ? 0 : (1 << 16) | srcPort);
  add(ROCE_CELL.ecn + (packet.trafficClass & 0x03), 1);
  add(ROCE_CELL.solicited, bit(frame, bth + 1, 0x80));
  add(ROCE_CELL.fecn, bit(frame, bth + 4, 0x80));
  add(ROCE_CELL.becn, bit(frame, bth + 4, 0x40));
  add(ROCE_CELL.ackRequest, bit(frame, bth + 8, 0x80));
  if (transport === ROCE_TRANSPORT.vendor) {
    return { key, cells }; // nobody but the vendor knows what follows the BTH
  }
  const own = transportHeaderLength(opcode);
  const pad = (frame.readUInt8(bth + 1) >> 4) & 0x03;
  const payloadBytes = lengthBytes - BTH_LENGTH - own - operationHeaderLength(opcode) - pad - ICRC_LENGTH;
  const lengthIsSound = payloadBytes >= 0;
  if (!lengthIsSound) {
    add(ROCE_CELL.lengthMalformed, 1);
  } else if (transport !== ROCE_TRANSPORT.cnp) {
    add(ROCE_CELL.payloadBytes, payloadBytes);
  }
  const operation = operationCell(opcode);
  if (operation !== undefined) {
    add(operation, 1);
  }
  // What the headers say of a message, where the frame was not cut off before.
  const header = bth + BTH_LENGTH + own;
  if (lengthIsSound && hasMessageLength(opcode) && end - header >= RETH_LENGTH) {
    const messageBytes = frame.readUInt32BE(header + 12);
    const [sum, sizes] =
      operation === ROCE_CELL.reads
        ? [ROCE_CELL.readMessageBytes, ROCE_CELL.readSizes]
        : [ROCE_CELL.writeMessageBytes, ROCE_CELL.writeSizes];
    add(sum, messageBytes);
    add(sizes + sizeClass(messageBytes), 1);
  }
  if (lengthIsSound && isConnected(opcode, OP_ACKNOWLEDGE) && end - header >= AETH_LENGTH) {
    for (const [cell, amount] of acknowledgement(frame.readUInt8(header))) {
      add(cell, amount);
    }
  }
  return isOrdered(opcode)
    ? { key, cells, sequence: { opcode, psn: frame.readUIntBE(bth + 9, 3) } }
    : { key, cells };
}

function bit(frame: Buffer, offset: number, mask: number): number {
  return (frame.readUInt8(offset) & mask) === 0 ? 0 : 1;
}

/** IPv4 as ::ffff:a.b.c.d. */
function sixteenBytes(address: string): string {
  return formatAddress(parseAddress(address.includes(':') ? address : `::ffff:${address}`));
}

/** Index of the first bound of 64 x 4^n bytes that is not exceeded. */
function sizeClass(messageBytes: number): number {
  let n = 0;
  while (n < ROCE_SIZE_BOUNDS && messageBytes > 64 * 4 ** n) {
    n++;
  }
  return n;
}
