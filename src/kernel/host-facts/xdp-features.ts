// SPDX-License-Identifier: Apache-2.0
// What the kernel says a device can do with XDP, without attaching anything: the netdev family of
// generic netlink (Documentation/netlink/specs/netdev.yaml), since Linux 6.3.

import type { Libc } from '../ffi.js';
import { type GenericNetlink, openGenericNetlink } from './generic-netlink.js';

// include/uapi/linux/netdev.h.
const FAMILY = 'netdev';
const NETDEV_CMD_DEV_GET = 1;
const NETDEV_A_DEV_IFINDEX = 1;
const NETDEV_A_DEV_XDP_FEATURES = 3;

/** enum netdev_xdp_act: bit n has the n-th name. */
const FEATURE_NAMES = [
  'basic',
  'redirect',
  'ndo-xmit',
  'xsk-zerocopy',
  'hw-offload',
  'rx-sg',
  'ndo-xmit-sg',
] as const;

export type XdpFeature = (typeof FEATURE_NAMES)[number];

export interface XdpFeatureReader {
  /**
   * Features that are on now: `basic` is native mode, `rx-sg` frames of several buffers. None: the
   * driver has no native XDP, or not as the device is set up. Undefined where the kernel does not tell.
   */
  read(ifindex: number): readonly XdpFeature[] | undefined;
  /** Safe to call twice. */
  close(): void;
}

/** A reader that is told nothing where the kernel is older than 6.3. Needs no privilege. */
export function openXdpFeatures(libc: Libc): XdpFeatureReader {
  const netlink = openGenericNetlink(libc);
  if (typeof netlink === 'number') return { read: () => undefined, close: () => undefined };
  const familyId = netlink.familyId(FAMILY);
  return {
    read: (ifindex) => (typeof familyId === 'number' ? readFeatures(netlink, familyId, ifindex) : undefined),
    close: () => netlink.close(),
  };
}

function readFeatures(
  netlink: GenericNetlink,
  familyId: number,
  ifindex: number,
): readonly XdpFeature[] | undefined {
  const value = Buffer.alloc(4);
  value.writeUInt32LE(ifindex);
  const answer = netlink.ask({
    familyId,
    command: NETDEV_CMD_DEV_GET,
    attributes: [{ type: NETDEV_A_DEV_IFINDEX, value }],
  });
  if (typeof answer === 'number') return undefined;
  const bits = answer.get(NETDEV_A_DEV_XDP_FEATURES);
  return bits === undefined || bits.length !== 8 ? undefined : featuresOf(bits.readBigUInt64LE());
}

/** Bits that are newer than this list are left out. */
export function featuresOf(bits: bigint): readonly XdpFeature[] {
  return FEATURE_NAMES.filter((_, bit) => ((bits >> BigInt(bit)) & 1n) === 1n);
}
