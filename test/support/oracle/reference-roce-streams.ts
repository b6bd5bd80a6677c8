// SPDX-License-Identifier: Apache-2.0
// All that the kernel half counts of RoCE, over many frames, as the references say: reference-roce.ts
// for each frame, reference-psn.ts for their order. Holds what the program's maps hold.

import { type Framing, KIND } from '../../../src/abi/kinds.js';
import { ROCE_CELL } from '../../../src/abi/roce-records.js';
import { type NamedCells, RoceSums, streamName } from '../roce/roce-sums.js';
import { parseFrame } from './reference-parser.js';
import { PsnTracker } from './reference-psn.js';
import { type RoceCells, type RoceKey, readRoce } from './reference-roce.js';

/** What the product has. */
const WINDOW_PSNS = 1024;

export interface ReferenceStreamsOptions {
  readonly decapMirror?: boolean;
  readonly psnIdleMaxRefreshes: number;
  /** See PsnOptions. Default 1,024. */
  readonly windowPsns?: number;
  /** By framing: bit n = packets of kind n are read. Default: all. */
  readonly kindsWanted?: readonly [number, number, number];
}

/** By streamName(): bytes of frames by their UDP source port. */
export type BytesByPort = ReadonlyMap<string, ReadonlyMap<number, number>>;

export class ReferenceStreams {
  readonly #options: ReferenceStreamsOptions;
  readonly #tracker: PsnTracker<RoceKey>;
  #sums = new RoceSums();
  #bytesByPort = new Map<string, Map<number, number>>();

  constructor(options: ReferenceStreamsOptions) {
    this.#options = options;
    const { psnIdleMaxRefreshes: idleMaxRefreshes, windowPsns = WINDOW_PSNS } = options;
    this.#tracker = new PsnTracker({ idleMaxRefreshes, windowPsns });
  }

  /** @param refresh number of the refresh interval in which the frame comes */
  count(frame: Buffer, framing: Framing, refresh: number): void {
    const { decapMirror = false, kindsWanted } = this.#options;
    const { kind } = parseFrame(frame, framing, { decapMirror });
    // What is malformed behind a GRH has no flow; it is read where RoCE v1 is.
    const deciding = kind === KIND.malformed ? KIND.roceV1 : kind;
    if (kindsWanted !== undefined && ((kindsWanted[framing] >>> deciding) & 1) === 0) return;
    const reading = readRoce(frame, framing, { decapMirror });
    if (reading === undefined) return;
    const { key, cells, sequence } = reading;
    const order =
      sequence === undefined
        ? new Map<number, number>()
        : this.#tracker.track({ stream: orderedStream(key), key, refresh, ...sequence });
    this.#sums.add(key, cells, order);
    this.#countPort(key, cells);
  }

  /** At the end of a drain: what streams that were silent miss is lost. Counted by the next take(). */
  sweep(refresh: number): void {
    for (const { key, cells } of this.#tracker.sweep(refresh)) {
      if ([...cells.values()].some((amount) => amount > 0)) this.#sums.add(key, cells);
    }
  }

  /** Since the last take(): of packets that have a source port. */
  bytesByPort(): BytesByPort {
    return this.#bytesByPort;
  }

  /** The counts since the last call. The state of PSNs stays. */
  take(): Readonly<Record<string, NamedCells>> {
    const sums = this.#sums;
    this.#sums = new RoceSums();
    this.#bytesByPort = new Map();
    return sums.snapshot();
  }

  #countPort(key: RoceKey, cells: RoceCells): void {
    const cell = cells.get(ROCE_CELL.port) ?? 0;
    if (cell === 0) return;
    const name = streamName(key);
    const ports = this.#bytesByPort.get(name) ?? new Map<number, number>();
    this.#bytesByPort.set(name, ports);
    const port = cell & 0xffff;
    ports.set(port, (ports.get(port) ?? 0) + (cells.get(ROCE_CELL.bytes) ?? 0));
  }
}

/** struct psn_key; there is one interface here. */
function orderedStream({ srcIp, dstIp, qp, detail }: RoceKey): string {
  return [srcIp, dstIp, qp, detail].join(' ');
}
