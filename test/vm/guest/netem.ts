// SPDX-License-Identifier: Apache-2.0
// Loss, duplicates and delay for the RoCE v2 packets over IPv4 that leave an interface; everything
// else passes untouched, so that what netem dropped is RoCE to the packet. For tests only.

import { exec } from './soft-roce.js';

const ROCE_BAND = '1:3';
const ROCE_PORT = 4791;

export class Netem {
  readonly #device: string;

  /** Without any impairment yet. */
  constructor(device: string) {
    this.#device = device;
    // prio with a map that sends all to the first band; the filter picks what goes to the third.
    const map = Array<string>(16).fill('0'); // TC_PRIO_MAX + 1
    this.#tc('qdisc', 'add', 'root', 'handle', '1:', 'prio', 'priomap', ...map);
    this.#tc('qdisc', 'add', 'parent', ROCE_BAND, 'handle', '30:', 'netem', 'loss', '0%');
    const isUdp = ['match', 'ip', 'protocol', '17', '0xff'];
    const isRoce = ['match', 'ip', 'dport', String(ROCE_PORT), '0xffff'];
    const filter = ['protocol', 'ip', 'u32', ...isUdp, ...isRoce, 'flowid', ROCE_BAND];
    this.#tc('filter', 'add', 'parent', '1:', ...filter);
  }

  /** Replaces the impairment; arguments as in tc-netem(8). Counters go on. */
  set(...impairment: readonly string[]): void {
    this.#tc('qdisc', 'change', 'parent', ROCE_BAND, 'handle', '30:', 'netem', ...impairment);
  }

  /** Packets dropped since it was made. */
  dropped(): number {
    return this.#counters().drops;
  }

  /** Packets that it let pass since it was made, and the doubles that it made of some. */
  passed(): number {
    return this.#counters().packets;
  }

  dispose(): void {
    this.#tc('qdisc', 'del', 'root');
  }

  #tc(object: string, command: string, ...args: readonly string[]): void {
    exec('tc', object, command, 'dev', this.#device, ...args);
  }

  #counters(): NetemJson {
    const text = exec('tc', '-s', '-j', 'qdisc', 'show', 'dev', this.#device);
    const netem = (JSON.parse(text) as readonly NetemJson[]).find(({ kind }) => kind === 'netem');
    if (netem === undefined) throw new Error(`${this.#device} has no netem`);
    return netem;
  }
}

interface NetemJson {
  readonly kind: string;
  readonly drops: number;
  readonly packets: number;
}
