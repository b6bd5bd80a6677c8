// SPDX-License-Identifier: Apache-2.0
// What the exporter asks about a NIC, one question at a time, and what the answers are. They cross between processes as
// JSON: plain data only, and a field that is undefined is not there.

import type { RawCounter } from './known-strings.js';
import type { NicCounter } from './meanings.js';
import type { ModuleReading } from './module-memory.js';
import type { PcieLink } from './sysfs-facts.js';

export interface NicQuestion {
  /** pause: what a sample of PFC needs, and no more. */
  readonly about: 'numbers' | 'module' | 'pause';
  readonly interfaceName: string;
}

/** Where numbers are from; each is timed. stats: the driver's own, `ethtool -S`. standard: phy, mac, ctrl, rmon. */
export const NIC_SOURCES = ['stats', 'pause', 'fec', 'standard', 'link', 'sysfs', 'module'] as const;
export type NicSource = (typeof NIC_SOURCES)[number];

export interface NicLink {
  readonly speedBitsPerSecond?: number;
  readonly isFullDuplex?: boolean;
  readonly isAutonegotiated?: boolean;
  readonly lanes?: number;
  /** off, rs, baser, llrs. */
  readonly fecMode?: string;
}

export interface NicNumbers {
  readonly driver: string;
  readonly firmware: string;
  readonly bus: string;
  readonly counters: readonly NicCounter[];
  readonly raw: readonly RawCounter[];
  readonly rawLeftOut: number;
  readonly link: NicLink;
  readonly pcie?: PcieLink;
  readonly durationsMs: Readonly<Partial<Record<NicSource, number>>>;
  /** Sources that failed this time, and answers or files that made no sense. */
  readonly errors: number;
  readonly malformed: number;
}

export interface NicModule {
  readonly reading?: ModuleReading;
  readonly durationMs: number;
}

export interface PauseSample {
  /** Of the system's monotonic clock, half way through the reading. */
  readonly atMs: number;
  readonly durationMs: number;
  /** Of priorities that PFC has ever stopped, and packets of the port. None: nothing to sample. */
  readonly counters: readonly NicCounter[];
}

/** The field of the question is there, the others are not. */
export interface NicAnswer {
  readonly numbers?: NicNumbers;
  readonly module?: NicModule;
  readonly pause?: PauseSample;
}
