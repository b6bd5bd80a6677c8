// SPDX-License-Identifier: Apache-2.0
// Traffic that the page is looked at under: flows of known sizes, RoCE pairs with and without trouble. For tests
// and screenshots only.

import { ETHERTYPE, ethernet, ipv4, payloadOf, tcp, udp } from '../frames/frames.js';
import { startSending } from '../kernel/sender.js';
import type { Wire } from '../kernel/wire.js';
import { congestionNotification, roceV2 } from '../roce/roce-frames.js';

/** Of what is sent until it is stopped. */
const FOREVER = 1_000_000_000;
const ECT0 = 2;
const CE = 3;
/** Unreliable datagrams: their order is nobody's business, so that frames may be sent over and over. */
const UD_SEND_ONLY = 0x64;

export interface PacedTraffic {
  readonly frames: readonly Buffer[];
  readonly packetsPerSecond: number;
  /** Of the wire. Default 0. */
  readonly pair?: number;
}

/** Sends until it is stopped, whatever else happens. */
export function startTraffic(
  wire: Wire,
  { frames, packetsPerSecond, pair = 0 }: PacedTraffic,
): { stop(): Promise<void> } {
  const sending = startSending({
    prefix: wire.source.enter,
    interface: wire.sourceDevice(pair),
    frames,
    repeat: FOREVER,
    packetsPerSecond,
  });
  return {
    async stop() {
      await sending.child.stop();
      sending.dispose();
    },
  };
}

/** Frames of one TCP flow; the address of the host ends with its number. */
export function tcpFrames(host: number, count: number, payloadBytes = 946): Buffer[] {
  const ends = { src: `10.1.0.${host}`, dst: '10.1.255.254' };
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(ends, tcp(40_000 + host, 443, payloadOf(payloadBytes))));
  return Array.from({ length: count }, () => frame);
}

export function udpFrames(host: number, count: number, payloadBytes = 472): Buffer[] {
  const ends = { src: `10.2.0.${host}`, dst: '10.2.255.254' };
  const frame = ethernet(ETHERTYPE.ipv4, ipv4(ends, udp(50_000 + host, 53, payloadOf(payloadBytes))));
  return Array.from({ length: count }, () => frame);
}

export interface RoceTalk {
  /** Last bytes of the addresses. */
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** The first so many of these carry the mark of congestion. */
  readonly marked?: number;
  /** What the receiver answers with: CNPs. */
  readonly cnps?: number;
}

export function roceAddress(host: number): string {
  return `10.3.0.${host}`;
}

export function roceFrames({ from, to, count, marked = 0, cnps = 0 }: RoceTalk): Buffer[] {
  const there = { src: roceAddress(from), dst: roceAddress(to) };
  const back = { src: there.dst, dst: there.src };
  const data = Array.from({ length: count }, (_, i) => {
    const segment = roceV2(
      { opcode: UD_SEND_ONLY, destinationQp: 0x100 + to, sequenceNumber: i },
      payloadOf(1024),
      0xc000 + from,
    );
    return ethernet(ETHERTYPE.ipv4, ipv4(there, segment, { trafficClass: i < marked ? CE : ECT0 }));
  });
  const answers = Array.from({ length: cnps }, () =>
    ethernet(ETHERTYPE.ipv4, ipv4(back, congestionNotification(0x100 + from))),
  );
  return [...data, ...answers];
}
