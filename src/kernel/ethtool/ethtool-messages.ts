// SPDX-License-Identifier: Apache-2.0
// Answers of the ethtool family of generic netlink: attributes -> values. Pure. What a driver does not count is not in
// the answer, and undefined here. undefined as a whole: the answer is malformed.

import { decodeAttributes, type NetlinkAttribute } from '../host-facts/generic-netlink.js';

type Attributes = ReadonlyMap<number, Buffer>;

// include/uapi/linux/ethtool_netlink.h: enums without names of their own.
const PAUSE_STATS = 5;
const PAUSE_STAT = { txFrames: 2, rxFrames: 3 } as const;
const FEC = { active: 4, stats: 5 } as const;
const FEC_STAT = { corrected: 2, uncorrectable: 3, correctedBits: 4 } as const;
const LINK_MODES = { autoneg: 2, speed: 5, duplex: 6, lanes: 9 } as const;
const MODULE_DATA = 7;
const STATS_GROUP = 4;
const GROUP_STAT = 4;
/** enum ethtool_link_mode_bit_indices of ethtool.h. */
const FEC_NAMES: Readonly<Record<number, string>> = { 49: 'off', 50: 'rs', 51: 'baser', 74: 'llrs' };
const SPEED_UNKNOWN = 0xffff_ffff;

/** Of the whole port, 802.3x. */
export interface PauseReading {
  readonly receivedFrames: number | undefined;
  readonly sentFrames: number | undefined;
}

/** Of the whole port: lanes are summed by the kernel. */
export interface FecReading {
  /** off, rs, baser, llrs; undefined where it is another or the link is down. */
  readonly mode: string | undefined;
  readonly correctedBlocks: number | undefined;
  readonly uncorrectableBlocks: number | undefined;
  readonly correctedBits: number | undefined;
}

export interface LinkModes {
  readonly speedBitsPerSecond: number | undefined;
  readonly isFullDuplex: boolean | undefined;
  readonly isAutonegotiated: boolean | undefined;
  readonly lanes: number | undefined;
}

/** In the order of the kernel's enum. */
export const STANDARD_GROUPS = ['phy', 'mac', 'ctrl', 'rmon'] as const;
export type StandardGroup = (typeof STANDARD_GROUPS)[number];
/** By number of the statistic in the enum of its group. */
export type StandardStats = ReadonlyMap<number, number>;

export function decodePause(answer: Attributes): PauseReading | undefined {
  const stats = nested(answer.get(PAUSE_STATS));
  if (stats === undefined) return undefined;
  return {
    receivedFrames: u64(stats.get(PAUSE_STAT.rxFrames)),
    sentFrames: u64(stats.get(PAUSE_STAT.txFrames)),
  };
}

export function decodeFec(answer: Attributes): FecReading | undefined {
  const stats = nested(answer.get(FEC.stats));
  if (stats === undefined) return undefined;
  const active = u32(answer.get(FEC.active));
  return {
    mode: active === undefined ? undefined : FEC_NAMES[active],
    correctedBlocks: u64(stats.get(FEC_STAT.corrected)),
    uncorrectableBlocks: u64(stats.get(FEC_STAT.uncorrectable)),
    correctedBits: u64(stats.get(FEC_STAT.correctedBits)),
  };
}

export function decodeLinkModes(answer: Attributes): LinkModes {
  const speedMbps = u32(answer.get(LINK_MODES.speed));
  const duplex = u8(answer.get(LINK_MODES.duplex));
  const autoneg = u8(answer.get(LINK_MODES.autoneg));
  const isKnown = speedMbps !== undefined && speedMbps !== 0 && speedMbps !== SPEED_UNKNOWN;
  return {
    speedBitsPerSecond: isKnown ? speedMbps * 1e6 : undefined,
    isFullDuplex: duplex === 0 || duplex === 1 ? duplex === 1 : undefined,
    isAutonegotiated: autoneg === 0 || autoneg === 1 ? autoneg === 1 : undefined,
    lanes: u32(answer.get(LINK_MODES.lanes)),
  };
}

/** Of the one group that was asked for; histograms are left out. */
export function decodeStandardStats(answer: Attributes): StandardStats | undefined {
  const group = answer.get(STATS_GROUP);
  if (group === undefined) return new Map();
  const attributes = decodeAttributes(group);
  const stats = new Map<number, number>();
  for (const { type, value } of attributes ?? []) {
    if (type !== GROUP_STAT) continue;
    const [stat] = decodeAttributes(value) ?? [];
    const count = u64(stat?.value);
    if (stat === undefined || count === undefined) return undefined;
    stats.set(stat.type, count);
  }
  return attributes === undefined ? undefined : stats;
}

/** Undefined where it is not as long as was asked for. */
export function decodeModuleData(answer: Attributes, lengthBytes: number): Buffer | undefined {
  const data = answer.get(MODULE_DATA);
  return data?.length === lengthBytes ? data : undefined;
}

function nested(value: Buffer | undefined): Attributes | undefined {
  if (value === undefined) return new Map();
  const attributes = decodeAttributes(value);
  return attributes && new Map(attributes.map((one: NetlinkAttribute) => [one.type, one.value]));
}

/** The first where there are several: of FEC, the sum before those of lanes. Above 2^53 the last bits are rounded. */
function u64(value: Buffer | undefined): number | undefined {
  return value !== undefined && value.length >= 8 ? Number(value.readBigUInt64LE()) : undefined;
}

function u32(value: Buffer | undefined): number | undefined {
  return value?.length === 4 ? value.readUInt32LE() : undefined;
}

function u8(value: Buffer | undefined): number | undefined {
  return value?.length === 1 ? value.readUInt8() : undefined;
}
