// SPDX-License-Identifier: Apache-2.0
// What an interface received in a window of time, by the kernel's own counter, which is looked at
// again and again meanwhile. For tests only.

import { readFileSync } from 'node:fs';

export interface WireWatch {
  /** Between two looks, time is divided evenly. */
  look(): void;
  /**
   * Packets that came in a window that ended at this Unix time in seconds.
   * @throws RangeError where nobody looked before and after it.
   */
  packetsIn(windowS: number, endS: number): number;
}

/** Of an interface of the namespace that the test process has joined. */
export function watchWire(device: string): WireWatch {
  const looks: { readonly atS: number; readonly packets: number }[] = [];
  const packetsUntil = (atS: number): number => {
    const i = looks.findIndex((one) => one.atS >= atS);
    const [before, after] = [looks[i - 1], looks[i]];
    if (before === undefined || after === undefined) throw new RangeError(`nobody looked at ${device} then`);
    const share = (atS - before.atS) / (after.atS - before.atS);
    return before.packets + share * (after.packets - before.packets);
  };
  return {
    look() {
      looks.push({ atS: Date.now() / 1000, packets: receivedPackets(device) });
    },
    packetsIn: (windowS, endS) => packetsUntil(endS) - packetsUntil(endS - windowS),
  };
}

/** As `ip -s link` has it, without starting one. */
function receivedPackets(device: string): number {
  const line = readFileSync('/proc/self/net/dev', 'utf8')
    .split('\n')
    .find((one) => one.trimStart().startsWith(`${device}:`));
  const [, packets] = line?.split(':')[1]?.trim().split(/\s+/) ?? [];
  if (packets === undefined) throw new Error(`/proc/self/net/dev has no ${device}`);
  return Number(packets);
}
