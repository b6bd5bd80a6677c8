// SPDX-License-Identifier: Apache-2.0
// The order of PSNs in TypeScript, written from its rules and without sight of the C: what each packet
// of a stream adds to the cells of gaps, rewinds, retransmissions and resyncs.

import { ROCE_CELL } from '../../../src/abi/roce-records.js';

const PSN_MASK = 0xffffff;
const HALF_RING = 2 ** 23;
/** A jump beyond this many packets, in either direction, is another life of the queue pair. */
const PSN_JUMP_MAX = 131_072;

// Opcodes without their transport.
const READ_REQUEST = 0x0c;
const READ_RESPONSE_FIRST = 0x0d;
const READ_RESPONSE_ONLY = 0x10;

export interface SequencedPacket {
  /** Names addresses, interface, destination queue pair, and request or response. */
  readonly stream: string;
  readonly opcode: number;
  readonly psn: number;
  /** Number of the refresh interval it came in. */
  readonly refresh: number;
}

interface StreamState {
  /** The PSN after the last packet's. */
  readonly next: number;
  readonly highest: number;
  /** The last packet was a READ request, which takes as many PSNs as its answer has packets. */
  readonly open: boolean;
  readonly refresh: number;
}

/** Cells by their index in struct roce_count. */
export type PsnCells = ReadonlyMap<number, number>;

const NOTHING: PsnCells = new Map();

export class PsnTracker {
  readonly #streams = new Map<string, StreamState>();
  readonly #idleMaxRefreshes: number;

  /** @param idleMaxRefreshes a stream silent for more refreshes than this begins anew */
  constructor(idleMaxRefreshes: number) {
    this.#idleMaxRefreshes = idleMaxRefreshes;
  }

  /** Follows one packet; what it adds. */
  track({ stream, opcode, psn, refresh }: SequencedPacket): PsnCells {
    const operation = opcode & 0x1f;
    const begun: StreamState = {
      next: after(psn),
      highest: psn,
      open: operation === READ_REQUEST,
      refresh,
    };
    const known = this.#streams.get(stream);
    if (known === undefined || refresh - known.refresh > this.#idleMaxRefreshes) {
      this.#streams.set(stream, begun);
      return NOTHING;
    }
    const cells = new Map<number, number>();
    const ahead = distance(known.next, psn);
    if (ahead < HALF_RING) {
      // An answer may begin anywhere: those to atomics take PSNs, too, and are not followed.
      const beginsAnywhere =
        known.open || operation === READ_RESPONSE_FIRST || operation === READ_RESPONSE_ONLY;
      if (ahead > 0 && !beginsAnywhere) {
        if (ahead > PSN_JUMP_MAX) {
          this.#streams.set(stream, begun);
          return new Map([[ROCE_CELL.psnResyncs, 1]]);
        }
        // What was left out for the first time; among packets that come again, whatever is missing.
        const isNew = !isSeen(psn, known.highest);
        const missing = isNew ? distance(after(known.highest), psn) : ahead;
        if (missing > 0) {
          cells.set(ROCE_CELL.psnGaps, 1);
          cells.set(ROCE_CELL.psnGapPackets, missing);
        }
      }
    } else {
      if (distance(psn, known.next) > PSN_JUMP_MAX) {
        this.#streams.set(stream, begun);
        return new Map([[ROCE_CELL.psnResyncs, 1]]);
      }
      cells.set(ROCE_CELL.psnRewinds, 1);
    }
    const seenBefore = isSeen(psn, known.highest);
    if (seenBefore) {
      cells.set(ROCE_CELL.psnRetransmitted, 1);
    }
    this.#streams.set(stream, { ...begun, highest: seenBefore ? known.highest : psn });
    return cells;
  }
}

function after(psn: number): number {
  return (psn + 1) & PSN_MASK;
}

/** At or below the highest. */
function isSeen(psn: number, highest: number): boolean {
  return distance(psn, highest) < HALF_RING;
}

/** Packets from one PSN forward to another, on the ring. */
function distance(from: number, to: number): number {
  return (to - from) & PSN_MASK;
}
