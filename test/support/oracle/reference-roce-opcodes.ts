// SPDX-License-Identifier: Apache-2.0
// What opcodes and syndromes of RoCE mean, for reference-roce.ts: InfiniBand specification volume 1,
// chapter 9 and annexes 10, 14 and 17. Written without sight of the C.

import { ROCE_CELL, ROCE_TRANSPORT } from '../../../src/abi/roce-records.js';

export const OP_ACKNOWLEDGE = 0x11;
const OP_ATOMIC_ACKNOWLEDGE = 0x12;
export const RETH_LENGTH = 16;
export const AETH_LENGTH = 4;
const CNP_RESERVED_LENGTH = 16;

/** RC, UC and XRC packets that take a PSN of their own, in the order of PSNs. */
export function isOrdered(opcode: number): boolean {
  const transports: readonly number[] = [ROCE_TRANSPORT.rc, ROCE_TRANSPORT.uc, ROCE_TRANSPORT.xrc];
  const operation = opcode & 0x1f;
  return (
    transports.includes(opcode >> 5) && operation !== OP_ACKNOWLEDGE && operation !== OP_ATOMIC_ACKNOWLEDGE
  );
}

/** Whether an opcode is this operation, of a transport that numbers its operations as RC does. */
export function isConnected(opcode: number, operation: number): boolean {
  const transports: readonly number[] = [
    ROCE_TRANSPORT.rc,
    ROCE_TRANSPORT.uc,
    ROCE_TRANSPORT.rd,
    ROCE_TRANSPORT.xrc,
  ];
  return transports.includes(opcode >> 5) && (opcode & 0x1f) === operation;
}

export function isResponse(opcode: number): boolean {
  return [0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12].some((operation) => isConnected(opcode, operation));
}

/** Bytes of the header that comes first, by transport. */
export function transportHeaderLength(opcode: number): number {
  switch (opcode >> 5) {
    case ROCE_TRANSPORT.rd:
      return isResponse(opcode) ? 4 : 4 + 8; // RDETH, and DETH on requests
    case ROCE_TRANSPORT.ud:
      return 8; // DETH
    case ROCE_TRANSPORT.cnp:
      return CNP_RESERVED_LENGTH;
    case ROCE_TRANSPORT.xrc:
      return isResponse(opcode) ? 0 : 4; // XRCETH
    default:
      return 0;
  }
}

/** Bytes of the headers that the operation takes, behind the transport's. */
export function operationHeaderLength(opcode: number): number {
  if (opcode >> 5 === ROCE_TRANSPORT.cnp) return 0;
  switch (opcode & 0x1f) {
    case 0x03:
    case 0x05:
    case 0x09:
      return 4; // immediate data
    case 0x06:
    case 0x0a:
    case 0x0c:
    case 0x1d:
      return RETH_LENGTH;
    case 0x0b:
      return RETH_LENGTH + 4;
    case 0x0d:
    case 0x0f:
    case 0x10:
    case 0x11:
      return AETH_LENGTH;
    case 0x12:
      return AETH_LENGTH + 8; // and the atomic's original value
    case 0x13:
    case 0x14:
      return 28; // AtomicETH
    case 0x16:
    case 0x17:
      return 4; // IETH
    case 0x1c:
      return 4 + RETH_LENGTH; // FETH before it
    default:
      return 0;
  }
}

/** The cell of the operation that an opcode begins, if it begins one. */
export function operationCell(opcode: number): number | undefined {
  if (opcode >> 5 === ROCE_TRANSPORT.cnp) return undefined;
  switch (opcode & 0x1f) {
    case 0x00:
    case 0x04:
    case 0x05:
    case 0x17:
      return ROCE_CELL.sends;
    case 0x06:
    case 0x0a:
    case 0x0b:
      return ROCE_CELL.writes;
    case 0x0c:
      return ROCE_CELL.reads;
    case 0x13:
      return ROCE_CELL.compareSwaps;
    case 0x14:
      return ROCE_CELL.fetchAdds;
    case 0x1c:
      return ROCE_CELL.flushes;
    case 0x1d:
      return ROCE_CELL.atomicWrites;
    default:
      return undefined;
  }
}

export function hasMessageLength(opcode: number): boolean {
  const cell = operationCell(opcode);
  return cell === ROCE_CELL.writes || cell === ROCE_CELL.reads;
}

/** In 10 us, by timer code: InfiniBand specification volume 1, table 46; enum ib_rnr_timeout in ib_verbs.h. */
const RNR_DELAYS: readonly number[] = [
  65536, 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 1536, 2048, 3072,
  4096, 6144, 8192, 12288, 16384, 24576, 32768, 49152,
];

/** Cells of an AETH syndrome. */
export function acknowledgement(syndrome: number): [number, number][] {
  const code = syndrome & 0x1f;
  switch (syndrome >> 5) {
    case 0:
      return [[ROCE_CELL.acks, 1]];
    case 1:
      return [
        [ROCE_CELL.rnrNaks, 1],
        [ROCE_CELL.rnrDelay10us, RNR_DELAYS[code] ?? Number.NaN],
      ];
    case 3:
      return [[ROCE_CELL.naks + Math.min(code, 5), 1]];
    default:
      return [[ROCE_CELL.naks + 5, 1]];
  }
}
