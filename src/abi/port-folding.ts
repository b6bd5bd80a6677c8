// SPDX-License-Identifier: Apache-2.0
// Which of a flow's two ports is a client's, and so left out where flows.ports is `service`. The rule, for
// users in docs/configuration.md and for packets in bpf/key.h:
//
//   A port in the ephemeral range is a client's, unless the other port is in the range too and higher.
//   A port on the list of services is not in the range, whatever its number.
//
// It goes by the two numbers alone, so both directions of a connection agree. The list matters for services
// within the range (WireGuard at 51820): in 40000 -> 51820, 40000 is the client's.

import { PORT_WORDS } from './layout.js';

export interface PortRange {
  readonly first: number;
  readonly last: number;
}

/** Ports that may be a client's: bit n & 31 of word n >> 5 is set for port n. */
export function ephemeralPorts(range: PortRange, services: readonly number[]): Uint32Array {
  const words = new Uint32Array(PORT_WORDS);
  for (let port = range.first; port <= range.last; port++) {
    words[port >>> 5] = (words[port >>> 5] ?? 0) | (1 << (port & 31));
  }
  for (const port of services) {
    words[port >>> 5] = (words[port >>> 5] ?? 0) & ~(1 << (port & 31));
  }
  return words;
}

/** Whether `port` is left out of a flow whose other port is `other`. */
export function foldsPort(ephemeral: Uint32Array, port: number, other: number): boolean {
  return isIn(ephemeral, port) && !(other > port && isIn(ephemeral, other));
}

function isIn(words: Uint32Array, port: number): boolean {
  return (((words[port >>> 5] ?? 0) >>> (port & 31)) & 1) === 1;
}
