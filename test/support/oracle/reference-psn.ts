// SPDX-License-Identifier: Apache-2.0
// The order of PSNs in TypeScript, written from its rules and without sight of the C: what each packet
// of a stream adds to the cells of gaps, rewinds, retransmissions and resyncs, and to those of packets
// that are late, lost or duplicates.

import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import { after, distance, HALF_RING, PsnWindow } from './reference-psn-window.js';

/** A jump beyond this many packets, in either direction, is another life of the queue pair. */
const PSN_JUMP_MAX = 131_072;
/** After so many refreshes of silence, what is missing is not waited for. */
const SWEPT_REFRESHES = 2;

// Opcodes without their transport.
const READ_REQUEST = 0x0c;
const READ_RESPONSE_FIRST = 0x0d;
const READ_RESPONSE_ONLY = 0x10;

export interface SequencedPacket<Key> {
  /** Names addresses, interface, destination queue pair, and request or response. */
  readonly stream: string;
  /** Where the packet is counted: a stream of PSNs may have several. */
  readonly key: Key;
  readonly opcode: number;
  readonly psn: number;
  /** Number of the refresh interval it came in. */
  readonly refresh: number;
}

export interface PsnOptions {
  /** A stream silent for more refreshes than this begins anew. */
  readonly idleMaxRefreshes: number;
  /** PSNs from the highest down, itself among them, of which is known whether they came. */
  readonly windowPsns: number;
}

/** Cells by their index in struct roce_count. */
export type PsnCells = ReadonlyMap<number, number>;

interface StreamState<Key> {
  /** Of the packet that it began with. */
  readonly key: Key;
  readonly window: PsnWindow;
  /** The PSN after the last packet's. */
  next: number;
  /** The last packet was a READ request, which takes as many PSNs as its answer has packets. */
  open: boolean;
  refresh: number;
}

export class PsnTracker<Key> {
  readonly #streams = new Map<string, StreamState<Key>>();
  readonly #options: PsnOptions;

  constructor(options: PsnOptions) {
    this.#options = options;
  }

  /** Follows one packet; what it adds. */
  track(packet: SequencedPacket<Key>): PsnCells {
    const { stream, opcode, psn, refresh } = packet;
    const operation = opcode & 0x1f;
    const state = this.#streams.get(stream);
    if (state === undefined || refresh - state.refresh > this.#options.idleMaxRefreshes) {
      return this.#begin(packet, state);
    }
    const { next, window } = state;
    const ahead = distance(next, psn);
    const jump = ahead < HALF_RING ? ahead : distance(psn, next);
    // An answer may begin anywhere: those to atomics take PSNs, too, and are not followed.
    const beginsAnywhere =
      ahead < HALF_RING &&
      (state.open || operation === READ_RESPONSE_FIRST || operation === READ_RESPONSE_ONLY);
    if (jump > PSN_JUMP_MAX && !beginsAnywhere) {
      return new Map([...this.#begin(packet, state), [ROCE_CELL.psnResyncs, 1]]);
    }
    const cells = new Map<number, number>();
    const isSeen = window.isSeen(psn);
    let isGap = false;
    if (ahead >= HALF_RING) {
      cells.set(ROCE_CELL.psnRewinds, 1);
    } else if (ahead > 0 && !beginsAnywhere) {
      // What was left out for the first time; among packets that come again, whatever is missing.
      const missing = isSeen ? ahead : distance(after(window.highest), psn);
      isGap = missing > 0;
      if (isGap) {
        cells.set(ROCE_CELL.psnGaps, 1);
        cells.set(ROCE_CELL.psnGapPackets, missing);
      }
    }
    if (!isSeen) {
      cells.set(ROCE_CELL.psnLost, window.advance(psn, isGap));
    } else {
      cells.set(ROCE_CELL.psnRetransmitted, 1);
      const isLate = window.fill(psn);
      cells.set(isLate ? ROCE_CELL.psnLate : ROCE_CELL.psnDuplicates, 1);
      if (isLate && operation === READ_REQUEST) window.forgetFrom(after(psn));
    }
    state.next = after(psn);
    state.open = operation === READ_REQUEST;
    state.refresh = refresh;
    return cells;
  }

  /**
   * At the end of a drain: of streams that were silent, gives up what is missing.
   * @returns what this adds, and where
   */
  sweep(refresh: number): { readonly key: Key; readonly cells: PsnCells }[] {
    return [...this.#streams.values()]
      .filter((state) => refresh - state.refresh >= SWEPT_REFRESHES)
      .map(({ key, window }) => ({ key, cells: new Map([[ROCE_CELL.psnLost, window.abandon()]]) }));
  }

  /** What the stream's last life left missing is lost. */
  #begin(
    { stream, key, opcode, psn, refresh }: SequencedPacket<Key>,
    last: StreamState<Key> | undefined,
  ): PsnCells {
    this.#streams.set(stream, {
      key,
      window: new PsnWindow(this.#options.windowPsns, psn),
      next: after(psn),
      open: (opcode & 0x1f) === READ_REQUEST,
      refresh,
    });
    return new Map([[ROCE_CELL.psnLost, last?.window.abandon() ?? 0]]);
  }
}
