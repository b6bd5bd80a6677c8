// SPDX-License-Identifier: Apache-2.0
// All that the kernel half counts of RoCE, over many frames, as the references say: reference-roce.ts
// for each frame, reference-psn.ts for their order. Holds what the program's maps hold.

import { type Framing, KIND } from '../../../src/abi/kinds.js';
import { type NamedCells, RoceSums } from '../roce/roce-sums.js';
import { parseFrame } from './reference-parser.js';
import { PsnTracker } from './reference-psn.js';
import { type RoceKey, readRoce } from './reference-roce.js';

export interface ReferenceStreamsOptions {
  readonly decapMirror?: boolean;
  readonly psnIdleMaxRefreshes: number;
  /** By framing: bit n = packets of kind n are read. Default: all. */
  readonly kindsWanted?: readonly [number, number, number];
}

export class ReferenceStreams {
  readonly #options: ReferenceStreamsOptions;
  readonly #tracker: PsnTracker;
  #sums = new RoceSums();

  constructor(options: ReferenceStreamsOptions) {
    this.#options = options;
    this.#tracker = new PsnTracker(options.psnIdleMaxRefreshes);
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
        : this.#tracker.track({ stream: orderedStream(key), refresh, ...sequence });
    this.#sums.add(key, cells, order);
  }

  /** The counts since the last call. The state of PSNs stays. */
  take(): Readonly<Record<string, NamedCells>> {
    const sums = this.#sums;
    this.#sums = new RoceSums();
    return sums.snapshot();
  }
}

/** struct psn_key; there is one interface here. */
function orderedStream({ srcIp, dstIp, qp, detail }: RoceKey): string {
  return [srcIp, dstIp, qp, detail].join(' ');
}
