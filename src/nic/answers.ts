// SPDX-License-Identifier: Apache-2.0
// Answers of the process that reads: every source of a NIC in turn, each timed. What a driver does not have is absent;
// where two sources say the same, the driver's own string goes before the kernel's.

import { ERRNO } from '../kernel/errno.js';
import type { Ethtool } from '../kernel/ethtool/ethtool-ioctl.js';
import { STANDARD_GROUPS } from '../kernel/ethtool/ethtool-messages.js';
import type { EthtoolAnswer, EthtoolNetlink } from '../kernel/ethtool/ethtool-netlink.js';
import type { SysfsFiles } from '../system/sysfs-files.js';
import { createDriverStatsReader } from './driver-stats.js';
import { counterKey, type NicCounter } from './meanings.js';
import { readModule } from './module-memory.js';
import { pauseMeanings } from './pause-counters.js';
import type {
  NicAnswer,
  NicLink,
  NicModule,
  NicNumbers,
  NicQuestion,
  NicSource,
  PauseSample,
} from './questions.js';
import { fecCounters, pauseCounters, standardCounters } from './standard-counters.js';
import { readSysfsFacts } from './sysfs-facts.js';

export interface NicAnswersOptions {
  readonly sysfsPath: string;
  /** Of a driver's string without a meaning: whether to show it as it is. */
  wantsRaw(name: string): boolean;
}

export interface NicAnswersParts {
  readonly ethtool: Ethtool;
  /** Undefined where the kernel has no such family. */
  readonly netlink: EthtoolNetlink | undefined;
  readonly files: SysfsFiles;
  /** The system's monotonic clock. */
  nowMs(): number;
}

/** Answers of drivers that have no such thing, or of an interface that has just gone. */
const ABSENT: readonly number[] = [ERRNO.EOPNOTSUPP, ERRNO.ENOTSUPP, ERRNO.ENODEV, ERRNO.ENOENT];

/** Never throws; blocks for as long as a driver does. */
export function createNicAnswers(
  options: NicAnswersOptions,
  parts: NicAnswersParts,
): (question: NicQuestion) => NicAnswer {
  const { ethtool, netlink } = parts;
  const stats = createDriverStatsReader(options, parts);

  function readNumbers(interfaceName: string): NicNumbers {
    const durationsMs: Partial<Record<NicSource, number>> = {};
    const counters = new Map<string, NicCounter>();
    let errors = 0;
    let malformed = 0;

    function timed<T>(source: NicSource, read: () => T): T {
      const startedMs = parts.nowMs();
      const result = read();
      durationsMs[source] = (durationsMs[source] ?? 0) + parts.nowMs() - startedMs;
      return result;
    }
    function note(found: readonly NicCounter[]): void {
      for (const counter of found) {
        const key = counterKey(counter);
        if (!counters.has(key)) counters.set(key, counter);
      }
    }
    function judge<T extends object>(answer: EthtoolAnswer<T> | undefined): T | undefined {
      if (answer === undefined) return undefined;
      if (answer === 'malformed') malformed++;
      else if (isErrno(answer)) errors += ABSENT.includes(answer.errno) ? 0 : 1;
      else return answer;
      return undefined;
    }

    const about = ethtool.driver(interfaceName);
    const { driver, firmware, bus } =
      typeof about === 'number' ? { driver: '', firmware: '', bus: '' } : about;
    const own = timed('stats', () => stats.read(interfaceName, driver));
    if (typeof own === 'number') errors += ABSENT.includes(own) ? 0 : 1;
    else note(own.counters);
    const pause = judge(timed('pause', () => netlink?.pause(interfaceName)));
    if (pause !== undefined) note(pauseCounters(pause));
    const fec = judge(timed('fec', () => netlink?.fec(interfaceName)));
    if (fec !== undefined) note(fecCounters(fec));
    for (const group of STANDARD_GROUPS) {
      const standard = judge(timed('standard', () => netlink?.standardStats(interfaceName, group)));
      if (standard !== undefined) note(standardCounters(group, standard));
    }
    const modes = judge(timed('link', () => netlink?.linkModes(interfaceName)));
    const index = ethtool.index(interfaceName);
    const facts = timed('sysfs', () => readSysfsFacts({ ...options, index }, interfaceName, parts.files));
    note(facts.counters);
    malformed += facts.malformed;
    const link = { ...modes, ...(fec?.mode === undefined ? {} : { fecMode: fec.mode }) } as NicLink;
    return {
      ...{ driver, firmware, bus, link, durationsMs, errors, malformed },
      counters: [...counters.values()],
      ...(typeof own === 'number'
        ? { raw: [], rawLeftOut: 0 }
        : { raw: own.raw, rawLeftOut: own.rawLeftOut }),
      ...(facts.pcie === undefined ? {} : { pcie: facts.pcie }),
    };
  }

  /** A cage without a module, and a driver that reads none, say so in many ways: all of them are nothing. */
  function readModuleOf(interfaceName: string): NicModule {
    const startedMs = parts.nowMs();
    const reading = readModule((part) => {
      const data = netlink?.moduleData(interfaceName, part);
      return Buffer.isBuffer(data) ? data : undefined;
    });
    const durationMs = parts.nowMs() - startedMs;
    return { durationMs, ...(reading === undefined ? {} : { reading }) };
  }

  function samplePause(interfaceName: string): PauseSample {
    const startedMs = parts.nowMs();
    const counters = stats.readAgain(interfaceName);
    const durationMs = parts.nowMs() - startedMs;
    const found = typeof counters === 'number' ? [] : pauseMeanings(counters);
    return { atMs: startedMs + durationMs / 2, durationMs, counters: found };
  }

  return ({ about, interfaceName }) => {
    switch (about) {
      case 'numbers':
        return { numbers: readNumbers(interfaceName) };
      case 'module':
        return { module: readModuleOf(interfaceName) };
      case 'pause':
        return { pause: samplePause(interfaceName) };
      default:
        return about satisfies never;
    }
  };
}

function isErrno(answer: object): answer is { readonly errno: number } {
  return 'errno' in answer;
}
