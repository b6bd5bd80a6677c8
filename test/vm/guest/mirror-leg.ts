// SPDX-License-Identifier: Apache-2.0
// A mirror port: RoCE v2 over IPv4 of both directions at one end of the soft-RoCE wire, copied to a
// wire of its own whose other end nobody's addresses are on. For tests only.

import { atEnd } from '../../support/cleanup.js';
import { Netem } from './netem.js';
import { exec, readWireOverflow } from './soft-roce.js';

/** Where copies leave, as from a switch's monitor port. */
const SWITCH_PORT = 'copy0';
/** Where they arrive. */
export const MONITOR_PORT = 'copy1';

/** Makes the wire, with nothing on it yet. Returns what deletes it. */
export function createMirrorWire(): () => void {
  const dispose = atEnd(() => exec('ip', 'link', 'del', SWITCH_PORT));
  exec('ip', 'link', 'add', SWITCH_PORT, 'type', 'veth', 'peer', 'name', MONITOR_PORT);
  for (const device of [SWITCH_PORT, MONITOR_PORT]) {
    // No neighbour discovery: nothing but copies shall arrive.
    exec('ip', 'link', 'set', device, 'addrgenmode', 'none', 'up');
  }
  return dispose;
}

/** Copies, for as long as it is there, what goes over the soft-RoCE wire. The wire of the copies must be there. */
export class MirrorLeg {
  /** Stands in the way of copies alone. */
  readonly netem: Netem;
  readonly #device: string;
  readonly #overflowBefore: number;

  /** @param device what it sends and receives is copied */
  constructor(device: string) {
    this.#device = device;
    this.netem = new Netem(SWITCH_PORT);
    this.#overflowBefore = readWireOverflow(SWITCH_PORT);
    exec('tc', 'qdisc', 'add', 'dev', device, 'clsact');
    for (const direction of ['ingress', 'egress']) {
      const isRoce = ['flower', 'ip_proto', 'udp', 'dst_port', '4791'];
      const copy = ['action', 'mirred', 'egress', 'mirror', 'dev', SWITCH_PORT];
      exec('tc', 'filter', 'add', 'dev', device, direction, 'protocol', 'ip', ...isRoce, ...copy);
    }
  }

  /** Copies that arrived. */
  passed(): number {
    return this.netem.passed() - this.#overflow();
  }

  /** Copies that were lost: by netem, or because the wire had no room. */
  dropped(): number {
    return this.netem.dropped() + this.#overflow();
  }

  dispose(): void {
    try {
      exec('tc', 'qdisc', 'del', 'dev', this.#device, 'clsact');
    } finally {
      this.netem.dispose();
    }
  }

  #overflow(): number {
    return readWireOverflow(SWITCH_PORT) - this.#overflowBefore;
  }
}
