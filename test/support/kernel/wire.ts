// SPDX-License-Identifier: Apache-2.0
// A wire for tests: a namespace that sends, a namespace that receives, veth pairs between them. The
// test process stands in the receiving one from then on. Needs root.

import { createVeth, Namespace, type VethOptions } from './namespace.js';
import { joinNetns } from './own-netns.js';

export interface WireOptions extends VethOptions {
  /** How many veth pairs. Default 1. */
  readonly pairs?: number;
  /** Addresses of pair 0, with prefix length, for traffic of real sockets. Default none. */
  readonly sourceAddresses?: readonly string[];
  readonly sinkAddresses?: readonly string[];
}

export interface Wire {
  readonly source: Namespace;
  readonly sink: Namespace;
  /** Names of both ends of pair n. */
  sourceDevice(pair?: number): string;
  sinkDevice(pair?: number): string;
  dispose(): void;
}

/** @param suffix tells the wires of one test process apart; up to 4 characters. */
export function createWire(suffix: string, options: WireOptions = {}): Wire {
  const source = new Namespace(`${suffix}s`);
  const sink = new Namespace(`${suffix}r`);
  const sourceDevice = (pair = 0): string => `tx${pair}`;
  const sinkDevice = (pair = 0): string => `rx${pair}`;
  for (let pair = 0; pair < (options.pairs ?? 1); pair++) {
    createVeth(
      {
        namespace: source,
        device: sourceDevice(pair),
        addresses: pair === 0 ? (options.sourceAddresses ?? []) : [],
      },
      {
        namespace: sink,
        device: sinkDevice(pair),
        addresses: pair === 0 ? (options.sinkAddresses ?? []) : [],
      },
      options,
    );
  }
  joinNetns(sink.name);
  return {
    source,
    sink,
    sourceDevice,
    sinkDevice,
    dispose() {
      sink.dispose();
      source.dispose();
    },
  };
}
