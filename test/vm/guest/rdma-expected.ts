// SPDX-License-Identifier: Apache-2.0
// What RDMA messages become on the wire, from IBTA vol. 1, chapter 9 and annex A17: packets, frame
// bytes, payload. Written without a look at the program that is tested. For tests only.

/** The path MTU that rxe takes from an MTU of 1500. */
const PATH_MTU = 1024;
const ETHERNET_BYTES = 14;
const UDP_BYTES = 8;
const BTH_BYTES = 12;
const ICRC_BYTES = 4;
const IP_BYTES = { ipv4: 20, ipv6: 40 } as const;
const RETH_BYTES = 16;
const DETH_BYTES = 8;
const AETH_BYTES = 4;
const ATOMIC_ETH_BYTES = 28;
const ATOMIC_ACK_ETH_BYTES = 8;

import type { IpVersion } from './soft-roce.js';

export type Operation = 'send' | 'write' | 'read' | 'fetch_add' | 'compare_swap';
export type Transport = 'rc' | 'uc' | 'ud';

export interface Messages {
  readonly operation: Operation;
  readonly transport: Transport;
  readonly count: number;
  /** Of each. */
  readonly bytes: number;
  readonly ipVersion: IpVersion;
}

export interface OnWire {
  readonly packets: number;
  readonly frameBytes: number;
  readonly payloadBytes: number;
}

/** What goes from the requester to the responder. */
export function requestsOf({ operation, transport, count, bytes, ipVersion }: Messages): OnWire {
  switch (operation) {
    case 'send':
    case 'write': {
      const packets = packetsOf(bytes);
      const headers =
        (transport === 'ud' ? packets * DETH_BYTES : 0) + (operation === 'write' ? RETH_BYTES : 0);
      return times(count, withFrames(ipVersion, packets, headers, bytes));
    }
    case 'read':
      return times(count, withFrames(ipVersion, 1, RETH_BYTES, 0));
    case 'fetch_add':
    case 'compare_swap':
      return times(count, withFrames(ipVersion, 1, ATOMIC_ETH_BYTES, 0));
  }
}

/** What comes back, but plain acknowledgements, whose number is the responder's choice. */
export function responsesOf({ operation, count, bytes, ipVersion }: Messages): OnWire {
  switch (operation) {
    case 'send':
    case 'write':
      return times(0, withFrames(ipVersion, 0, 0, 0));
    case 'read': {
      const packets = packetsOf(bytes);
      // First and last, or only.
      return times(count, withFrames(ipVersion, packets, Math.min(packets, 2) * AETH_BYTES, bytes));
    }
    case 'fetch_add':
    case 'compare_swap':
      return times(count, withFrames(ipVersion, 1, AETH_BYTES + ATOMIC_ACK_ETH_BYTES, 0));
  }
}

/** Acknowledge packets. */
export function acksOf(count: number, ipVersion: IpVersion): OnWire {
  return times(count, withFrames(ipVersion, 1, AETH_BYTES, 0));
}

export function together(a: OnWire, b: OnWire): OnWire {
  return {
    packets: a.packets + b.packets,
    frameBytes: a.frameBytes + b.frameBytes,
    payloadBytes: a.payloadBytes + b.payloadBytes,
  };
}

function packetsOf(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / PATH_MTU));
}

function withFrames(
  ipVersion: IpVersion,
  packets: number,
  headerBytes: number,
  payloadBytes: number,
): OnWire {
  const around = ETHERNET_BYTES + IP_BYTES[ipVersion] + UDP_BYTES + BTH_BYTES + ICRC_BYTES;
  const padded = Math.ceil(payloadBytes / 4) * 4; // only the last packet is not full
  return { packets, frameBytes: packets * around + headerBytes + padded, payloadBytes };
}

function times(count: number, { packets, frameBytes, payloadBytes }: OnWire): OnWire {
  return {
    packets: count * packets,
    frameBytes: count * frameBytes,
    payloadBytes: count * payloadBytes,
  };
}
