// SPDX-License-Identifier: Apache-2.0
// Builds frames that are no IP: ARP, RARP, LLDP, PAUSE, PFC, spanning tree, MPLS. For tests only.

import { parseAddress } from './addresses.js';
import { ETHERTYPE, ethernet, u16 } from './frames.js';

const MAC = Buffer.from('020000000001', 'hex');
/** Ethernet's shortest frame, without FCS. */
const FRAME_MIN = 60;

export function arpRequest(src: string, dst: string): Buffer {
  const body = [
    u16(1, ETHERTYPE.ipv4, 0x0604, 1),
    MAC,
    parseAddress(src),
    Buffer.alloc(6),
    parseAddress(dst),
  ];
  return padded(ethernet(ETHERTYPE.arp, Buffer.concat(body)));
}

export function rarpRequest(): Buffer {
  const body = [u16(1, ETHERTYPE.ipv4, 0x0604, 3), MAC, Buffer.alloc(4), MAC, Buffer.alloc(4)];
  return padded(ethernet(ETHERTYPE.rarp, Buffer.concat(body)));
}

export function lldp(): Buffer {
  const chassis = Buffer.concat([u16((1 << 9) | 7), Buffer.from([4]), MAC]);
  const port = Buffer.concat([u16((2 << 9) | 5), Buffer.from([7]), Buffer.from('eth0')]);
  const timeToLive = u16((3 << 9) | 2, 120);
  return padded(ethernet(ETHERTYPE.lldp, Buffer.concat([chassis, port, timeToLive, u16(0)])));
}

/** IEEE 802.3x PAUSE for so many quanta. */
export function pause(quanta = 0xffff): Buffer {
  return padded(ethernet(ETHERTYPE.pause, u16(0x0001, quanta)));
}

/** IEEE 802.1Qbb priority flow control of one class. */
export function priorityPause(priority: number, quanta = 0xffff): Buffer {
  const times = Array.from({ length: 8 }, (_, i) => (i === priority ? quanta : 0));
  return padded(ethernet(ETHERTYPE.pause, u16(0x0101, 1 << priority, ...times)));
}

/** An 802.3 frame: a length where the EtherType would be, then LLC. Here a spanning tree BPDU. */
export function spanningTree(): Buffer {
  const llc = Buffer.concat([Buffer.from('424203', 'hex'), Buffer.alloc(35)]);
  return padded(ethernet(llc.length, llc));
}

/** A packet behind one MPLS label, bottom of stack. */
export function mpls(label: number, packet: Buffer): Buffer {
  const entry = Buffer.alloc(4);
  entry.writeUInt32BE(label * 0x1000 + 0x100 + 64);
  return padded(ethernet(ETHERTYPE.mpls, Buffer.concat([entry, packet])));
}

function padded(frame: Buffer): Buffer {
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, FRAME_MIN - frame.length))]);
}
