// SPDX-License-Identifier: Apache-2.0
// What the programs know of the order of RoCE packets, read while they go on: which streams have holes that
// nobody will fill, and what a peer has acknowledged. Changes nothing by itself; has a program do it.
//
// Capture loss: RoCE is reliable where it says so (RC, XRC), so a PSN that is missing here and that the peer has
// acknowledged was lost by the capture. An acknowledgement names the requester's queue pair, which
// the request does not, so the two are brought together by their addresses and by their PSNs: they begin at
// random (24 bits), and an acknowledgement is less than a window away.

import {
  PSN_DIRECTION,
  PSN_SET,
  PSN_WAYS,
  PSN_WINDOW,
  PSN_WINDOW_PSNS,
  ROCE_CELL,
  ROCE_KEY_WORDS,
  ROCE_TRANSPORT,
} from '../abi/roce-records.js';
import type { RoceRowBuffer } from '../abi/roce-row-buffer.js';
import { detailOf, streamQueuePairOf, transportOf } from '../abi/roce-row-key.js';
import type { PsnMemory } from '../kernel/kernel-maps.js';

/** Of bpf/psn.h: the upper word of a state. */
const HOLES_BIT = 1 << 17;
const REFRESH_SHIFT = 19;
const REFRESH_MASK = 0x1fff;
/** PSN_SWEEP_IDLE of bpf/order.h. */
const SWEEP_IDLE_REFRESHES = 2;
/** A run of a program each, some 50 us; what is beyond waits for the next refresh. */
const SWEEPS_PER_REFRESH = 256;
/** Records looked at before the event loop gets its turn: less than 1 ms. */
const RECORDS_PER_TURN = 8192;

const PSN_MASK = 0xffffff;
const PSN_HALF = 0x800000;
const STEP_MASK = (PSN_MASK + 1) / PSN_WINDOW_PSNS - 1;
const SET_WORDS = PSN_SET.size / 4;
const STATE_WORD = PSN_SET.state / 4;
const WINDOW_WORDS = PSN_WINDOW.size / 4;
const ADDRESS_WORDS = 4;
const QP_WORD = 9;

/** A stream that has lost packets, or whom its acknowledgements are looked for. */
interface Suspect {
  readonly row: number;
  /** Of its stream, once that is found. */
  highest: number | undefined;
  /** Whether the peer has them all. */
  isAcknowledged: boolean;
}

export class PsnStreams {
  readonly #memory: PsnMemory;
  readonly #yieldToLoop: () => Promise<void>;
  readonly #sets: Uint32Array;
  readonly #windows: Uint32Array;

  constructor(memory: PsnMemory, yieldToLoop: () => Promise<void>) {
    this.#memory = memory;
    this.#yieldToLoop = yieldToLoop;
    this.#sets = wordsOf(memory.sets);
    this.#windows = wordsOf(memory.windows);
  }

  get #records(): number {
    return (this.#sets.length / SET_WORDS) * PSN_WAYS;
  }

  /**
   * Has the holes of silent streams counted as lost, of at most SWEEPS_PER_REFRESH streams. They come with the
   * next drain. Rejects with KernelError.
   */
  async sweep(): Promise<void> {
    const silent: number[] = [];
    const refresh = this.#memory.refresh();
    await this.#each((record) => {
      const state = this.#stateHigh(record);
      if ((state & HOLES_BIT) === 0 || silent.length === SWEEPS_PER_REFRESH) return;
      const idle = (refresh - (state >>> REFRESH_SHIFT)) & REFRESH_MASK;
      if (idle >= SWEEP_IDLE_REFRESHES) silent.push(record);
    });
    for (const record of silent) await this.#memory.sweep(record);
  }

  /** Of what rows have lost, what their peers have acknowledged goes to psnCaptureLost. */
  async findCaptureLoss(rows: RoceRowBuffer): Promise<void> {
    const suspects = this.#suspectsOf(rows);
    if (suspects.size === 0) return;
    /** By addresses and highest PSN, in steps of a window. */
    const waiting = new Map<number, Suspect[]>();
    await this.#each((record) => {
      const window = record * WINDOW_WORDS;
      if (this.#direction(window) !== PSN_DIRECTION.requests) return;
      const hash = this.#hash(window, window + ADDRESS_WORDS);
      for (const one of suspects.get(streamHash(hash, this.#windows[window + QP_WORD] ?? 0)) ?? []) {
        const key = one.row * ROCE_KEY_WORDS;
        const isSame =
          this.#windows[window + QP_WORD] === rows.keys[key + QP_WORD] &&
          this.#sameAddresses(window, window + ADDRESS_WORDS, rows.keys, key);
        if (!isSame || one.highest !== undefined) continue;
        one.highest = this.#highest(record);
        addTo(waiting, streamHash(hash, stepOf(one.highest)), one);
      }
    });
    await this.#each((record) => {
      const window = record * WINDOW_WORDS;
      if (this.#direction(window) === PSN_DIRECTION.requests) return;
      const hash = this.#hash(window + ADDRESS_WORDS, window);
      const acknowledged = this.#highest(record);
      for (const step of [-1, 0, 1]) {
        const near = waiting.get(streamHash(hash, (stepOf(acknowledged) + step) & STEP_MASK)) ?? [];
        for (const one of near) {
          if (one.isAcknowledged || one.highest === undefined) continue;
          if (!this.#sameAddresses(window + ADDRESS_WORDS, window, rows.keys, one.row * ROCE_KEY_WORDS))
            continue;
          one.isAcknowledged = isNear(acknowledged, one.highest);
        }
      }
    });
    for (const { row, isAcknowledged } of [...suspects.values()].flat()) {
      if (!isAcknowledged) continue;
      rows.moveCell(
        row,
        ROCE_CELL.psnLost,
        ROCE_CELL.psnCaptureLost,
        rows.streamCell(row, ROCE_CELL.psnLost),
      );
    }
  }

  /** Requests of reliable transports that have lost packets, by addresses and queue pair. */
  #suspectsOf(rows: RoceRowBuffer): Map<number, Suspect[]> {
    const suspects = new Map<number, Suspect[]>();
    for (let row = 0; row < rows.length; row++) {
      if (rows.streamCell(row, ROCE_CELL.psnLost) === 0) continue;
      const key = row * ROCE_KEY_WORDS;
      const transport = transportOf(rows.keys, key);
      const isReliable = transport === ROCE_TRANSPORT.rc || transport === ROCE_TRANSPORT.xrc;
      const queuePair = streamQueuePairOf(rows.keys, key);
      if (!isReliable || detailOf(rows.keys, key) !== 0 || queuePair === 0) continue;
      const hash = streamHash(addressHash(rows.keys, key, key + ADDRESS_WORDS), queuePair);
      addTo(suspects, hash, { row, highest: undefined, isAcknowledged: false });
    }
    return suspects;
  }

  async #each(visit: (record: number) => void): Promise<void> {
    const records = this.#records;
    for (let first = 0; first < records; first += RECORDS_PER_TURN) {
      const end = Math.min(records, first + RECORDS_PER_TURN);
      for (let record = first; record < end; record++) {
        if (this.#isInUse(record)) visit(record);
      }
      if (end < records) await this.#yieldToLoop();
    }
  }

  #isInUse(record: number): boolean {
    const stream = (record >> 2) * SET_WORDS + 2 * (record & (PSN_WAYS - 1));
    return this.#sets[stream] !== 0;
  }

  #stateHigh(record: number): number {
    return this.#sets[(record >> 2) * SET_WORDS + STATE_WORD + 2 * (record & (PSN_WAYS - 1)) + 1] ?? 0;
  }

  /** The highest PSN of a stream. The word is read in two halves: a packet between them moves it by one. */
  #highest(record: number): number {
    const low = this.#sets[(record >> 2) * SET_WORDS + STATE_WORD + 2 * (record & (PSN_WAYS - 1))] ?? 0;
    return (low >>> 24) | ((this.#stateHigh(record) & 0xffff) << 8);
  }

  #direction(window: number): number {
    return this.#windows[window + PSN_WINDOW.direction / 4] ?? 0;
  }

  #hash(source: number, destination: number): number {
    return addressHash(this.#windows, source, destination);
  }

  #sameAddresses(source: number, destination: number, keys: Uint32Array, key: number): boolean {
    for (let word = 0; word < ADDRESS_WORDS; word++) {
      if (this.#windows[source + word] !== keys[key + word]) return false;
      if (this.#windows[destination + word] !== keys[key + ADDRESS_WORDS + word]) return false;
    }
    return true;
  }
}

function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
}

function addressHash(words: Uint32Array, source: number, destination: number): number {
  let hash = 0;
  for (let word = 0; word < ADDRESS_WORDS; word++) {
    hash = Math.imul(hash ^ (words[source + word] ?? 0), 0x9e3779b1);
    hash ^= hash >>> 15;
    hash = Math.imul(hash ^ (words[destination + word] ?? 0), 0x85ebca6b);
    hash ^= hash >>> 13;
  }
  return hash;
}

/** What is told apart between two addresses: a queue pair, or a step of PSNs. */
function streamHash(addresses: number, part: number): number {
  return addresses ^ Math.imul(part + 1, 0x27d4eb2f);
}

function stepOf(psn: number): number {
  return Math.floor(psn / PSN_WINDOW_PSNS);
}

function addTo(lists: Map<number, Suspect[]>, key: number, suspect: Suspect): void {
  const list = lists.get(key);
  if (list === undefined) lists.set(key, [suspect]);
  else list.push(suspect);
}

/** Whether an acknowledgement is of these PSNs, and of all that have left the window. */
function isNear(acknowledged: number, highest: number): boolean {
  const behind = (highest - acknowledged) & PSN_MASK;
  return behind <= PSN_WINDOW_PSNS || behind >= PSN_HALF + PSN_HALF - PSN_WINDOW_PSNS;
}
