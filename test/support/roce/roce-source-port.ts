// SPDX-License-Identifier: Apache-2.0
// RoCE v2 from another UDP source port: what a sender that sprays packets over paths does.

import { FRAMING } from '../../../src/abi/kinds.js';
import { locatePacket } from '../oracle/reference-network.js';
import { readRoce } from '../oracle/reference-roce.js';

const CHECKSUM_OFFSET = 6;

/** A copy of an Ethernet frame with this source port, and no UDP checksum. All but UDP to port 4791 stays as it is. */
export function withSourcePort(frame: Buffer, srcPort: number): Buffer {
  const located = locatePacket(frame, FRAMING.ethernet);
  if (located.what !== 'ip' || readRoce(frame, FRAMING.ethernet) === undefined) return frame;
  const changed = Buffer.from(frame);
  changed.writeUInt16BE(srcPort, located.start);
  changed.writeUInt16BE(0, located.start + CHECKSUM_OFFSET);
  return changed;
}
