// SPDX-License-Identifier: Apache-2.0
// The memory of a pluggable module -> its temperature, and the light it receives and sends. SFF-8472 (SFP), SFF-8636
// (QSFP) and CMIS (QSFP-DD, OSFP, QSFP112). Pure but for the parts it asks for; says nothing of copper, which measures nothing.

import type { ModulePart } from '../kernel/ethtool/ethtool-netlink.js';

export interface ModuleReading {
  /** sff8472, sff8636 or cmis. */
  readonly standard: string;
  readonly temperatureCelsius: number | undefined;
  /** By lane from 0; 0 is no light. */
  readonly receivedWatts: readonly number[];
  readonly sentWatts: readonly number[];
}

/** Undefined where the module does not answer, or not with so many bytes. */
export type ReadModulePart = (part: ModulePart) => Buffer | undefined;

/** Identifiers of SFF-8024, table 4-1. */
const SFP = [0x03];
const QSFP = [0x0c, 0x0d, 0x11];
const CMIS = [0x18, 0x19, 0x1e];
/** QSFP112 and the like, of four lanes; the others of CMIS have eight at most. */
const QSFP_WITH_CMIS = 0x1e;
const MEMORY_ADDRESS = 0x50;
/** SFP's second address, with what it measures. */
const DIAGNOSTICS_ADDRESS = 0x51;
const HALF_PAGE_BYTES = 128;
/** All three count 0.1 uW and 1/256 degree. */
const UNITS_PER_WATT = 1e7;
const UNITS_PER_CELSIUS = 256;

/** Undefined where there is no module, or one of another kind, or it is not ready. */
export function readModule(read: ReadModulePart): ModuleReading | undefined {
  const lower = half(read, 0, 0);
  const identifier = lower?.[0];
  if (lower === undefined || identifier === undefined) return undefined;
  if (SFP.includes(identifier)) return readSfp(lower, read);
  if (QSFP.includes(identifier)) return readQsfp(lower, read);
  return CMIS.includes(identifier) ? readCmis(lower, read) : undefined;
}

/** SFF-8472: byte 92 says whether it measures, and whether its figures need no correction. */
function readSfp(lower: Buffer, read: ReadModulePart): ModuleReading {
  const type = lower.readUInt8(92);
  const measures = (type & 0x40) !== 0;
  const isCalibrated = (type & 0x20) !== 0;
  const part = { offset: 96, lengthBytes: 10, page: 0, i2cAddress: DIAGNOSTICS_ADDRESS };
  const figures = measures && isCalibrated ? read(part) : undefined;
  if (figures?.length !== part.lengthBytes) return nothing('sff8472');
  return {
    standard: 'sff8472',
    temperatureCelsius: celsius(figures, 0),
    sentWatts: watts(figures, 6, 1),
    receivedWatts: watts(figures, 8, 1),
  };
}

/** SFF-8636: bytes 2, 22 and from 34 of the lower half; 147 and 220 of the upper. */
function readQsfp(lower: Buffer, read: ReadModulePart): ModuleReading {
  const upper = half(read, HALF_PAGE_BYTES, 0);
  const isReady = (lower.readUInt8(2) & 0x01) === 0;
  if (upper === undefined || !isReady) return nothing('sff8636');
  const technology = upper.readUInt8(147 - HALF_PAGE_BYTES) >> 4;
  const isCopper = technology >= 0xa; // passive 0xa and 0xb, active 0xc to 0xf
  if (isCopper) return nothing('sff8636');
  const measuresSent = (upper.readUInt8(220 - HALF_PAGE_BYTES) & 0x04) !== 0;
  return {
    standard: 'sff8636',
    temperatureCelsius: celsius(lower, 22),
    receivedWatts: watts(lower, 34, 4),
    sentWatts: measuresSent ? watts(lower, 50, 4) : [],
  };
}

/** CMIS: bytes 2, 14 and from 86 of the lower half; 159, 160 and from 176 of page 01h; page 11h. */
function readCmis(lower: Buffer, read: ReadModulePart): ModuleReading {
  const isFlat = (lower.readUInt8(2) & 0x80) !== 0;
  const advertised = isFlat ? undefined : half(read, HALF_PAGE_BYTES, 0x01);
  if (advertised === undefined) return nothing('cmis');
  const measures = (byte: number, bit: number): boolean =>
    ((advertised.readUInt8(byte - HALF_PAGE_BYTES) >> bit) & 1) === 1;
  const [sends, receives] = [measures(160, 1), measures(160, 2)];
  const measured = sends || receives ? half(read, HALF_PAGE_BYTES, 0x11) : undefined;
  const lanes = cmisLanes(lower, advertised);
  return {
    standard: 'cmis',
    temperatureCelsius: measures(159, 0) ? celsius(lower, 14) : undefined,
    sentWatts: measured !== undefined && sends ? watts(measured, 154 - HALF_PAGE_BYTES, lanes) : [],
    receivedWatts: measured !== undefined && receives ? watts(measured, 186 - HALF_PAGE_BYTES, lanes) : [],
  };
}

/**
 * Lanes of light that the module has: as many as one of its applications uses, with each that fits beside it. All that
 * its form may have, where an application does not say.
 */
function cmisLanes(lower: Buffer, advertised: Buffer): number {
  const most = lower[0] === QSFP_WITH_CMIS ? 4 : 8;
  let lanes = 0;
  // Descriptors of applications: host interface, media interface, lanes of both, lanes of the host to begin at.
  for (let index = 0; index < 8; index++) {
    const at = 86 + 4 * index;
    const host = lower.readUInt8(at);
    if (host === 0xff || host === 0) break;
    const each = lower.readUInt8(at + 2) & 0x0f;
    if (each === 0) return most;
    const mediaPlaces = advertised.readUInt8(176 + index - HALF_PAGE_BYTES);
    const times = setBits(lower.readUInt8(at + 3));
    lanes = Math.max(lanes, mediaPlaces === 0 ? each * Math.max(1, times) : highestBit(mediaPlaces) + each);
  }
  return lanes === 0 ? most : Math.min(lanes, most);
}

function setBits(byte: number): number {
  return [...byte.toString(2)].filter((bit) => bit === '1').length;
}

/** From 0; of a byte that is not 0. */
function highestBit(byte: number): number {
  return 31 - Math.clz32(byte);
}

function half(read: ReadModulePart, offset: number, page: number): Buffer | undefined {
  const bytes = read({ offset, lengthBytes: HALF_PAGE_BYTES, page, i2cAddress: MEMORY_ADDRESS });
  return bytes?.length === HALF_PAGE_BYTES ? bytes : undefined;
}

function nothing(standard: string): ModuleReading {
  return { standard, temperatureCelsius: undefined, receivedWatts: [], sentWatts: [] };
}

function celsius(bytes: Buffer, at: number): number {
  return bytes.readInt16BE(at) / UNITS_PER_CELSIUS;
}

function watts(bytes: Buffer, at: number, lanes: number): number[] {
  return Array.from({ length: lanes }, (_, lane) => bytes.readUInt16BE(at + 2 * lane) / UNITS_PER_WATT);
}
