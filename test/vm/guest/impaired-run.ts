// SPDX-License-Identifier: Apache-2.0
// Traffic that is impaired for a while, and neither at its beginning nor at its end. For tests only.

import { Netem } from './netem.js';
import type { RoceBench } from './rdma-bench.js';
import { ENDLESS, startPerftest } from './rdma-programs.js';
import { readPortCounters } from './soft-roce.js';

/** Before and after: neither the first nor the last packet may be dropped, nobody would miss it. */
const SAFE_PACKETS = 1000;

export interface ImpairedRun {
  /** Of the package perftest. */
  readonly program: string;
  readonly args: readonly string[];
  /** See startPerftest(). */
  readonly ackTimeout?: number;
  /** As in tc-netem(8). */
  readonly impairment: readonly string[];
  /** @param received packets that the receiver took since the impairment began */
  isEnough(received: number): boolean;
}

/** Impairs what goes from near to far. */
export async function withNetem({ roce }: RoceBench, use: (netem: Netem) => Promise<void>): Promise<void> {
  const netem = new Netem(roce.near.device);
  try {
    await use(netem);
  } finally {
    netem.dispose();
  }
}

/** Sends from near to far, with the impairment from some packet on until there was enough of it. */
export async function runImpaired({ roce }: RoceBench, netem: Netem, run: ImpairedRun): Promise<void> {
  const { program, args, ackTimeout, impairment, isEnough } = run;
  const timeout = ackTimeout === undefined ? {} : { ackTimeout };
  const pair = await startPerftest(roce, { program, args: [...args, ENDLESS], ...timeout });
  const received = (): number => readPortCounters(roce.far, 'hw_counters').get('rcvd_pkts') ?? 0;
  const until = (what: string, condition: (more: number) => boolean): Promise<boolean> => {
    const before = received();
    return pair.client.waitFor(what, () => condition(received() - before));
  };
  try {
    await until('packets before the impairment', (more) => more >= SAFE_PACKETS);
    netem.set(...impairment);
    await until(`enough of ${impairment.join(' ')}`, isEnough);
    netem.set('loss', '0%');
    await until('packets after the impairment', (more) => more >= SAFE_PACKETS);
  } finally {
    await pair.kill();
  }
}
