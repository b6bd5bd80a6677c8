// SPDX-License-Identifier: Apache-2.0
// Reading NICs: sixteen ports with 64 queues each, live through the process that reads, and a card's strings as its driver
// has them, without a card. What a real card's firmware takes is not in it.
//
// Moves the calling thread to a network namespace of its own: nothing that needs the machine's own can come after.

import { readFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/clock.js';
import { openEthtool } from '../src/kernel/ethtool/ethtool-ioctl.js';
import { openLibc } from '../src/kernel/ffi.js';
import { createNicAnswers } from '../src/nic/answers.js';
import { createNicRounds } from '../src/nic/nic-rounds.js';
import type { NicQuestion } from '../src/nic/questions.js';
import { startNicReader } from '../src/nic/start-nic-reader.js';
import { enterOwnNetns, ip } from '../test/support/kernel/own-netns.js';
import { driverStrings } from '../test/support/nic/driver-strings.js';
import { fakeEthtool } from '../test/support/nic/fake-nic.js';
import { readMemoryMiB } from '../test/support/process-state.js';
import { memorySysfs } from '../test/support/rdma/memory-sysfs.js';
import { median } from './median.js';

const PORTS = 16;
const QUEUES = 64;
const ROUNDS = 40;
/** What mlx5 has for each of its channels: some sixty strings for receiving, sending and XDP. */
const STRINGS_PER_QUEUE = 60;

export interface NicRow {
  readonly what: string;
  readonly ports: number;
  readonly strings: number;
  /** Median of the rounds, over all ports. */
  readonly roundMs: number;
  /** Of this process, which has other things to do; and of the one that reads. */
  readonly ownCpuMs: number | undefined;
  readonly readerMiB: number | undefined;
}

/** Needs root. */
export async function benchNic(): Promise<NicRow[]> {
  const recorded = [
    benchRecorded('a card with 64 queues, numbers', 'numbers'),
    benchRecorded('the same, a sample of PFC', 'pause'),
  ];
  return [...recorded, await benchLive()];
}

/** In this process: what it takes to find and take the counters among thousands of strings. */
function benchRecorded(what: string, about: NicQuestion['about']): NicRow {
  const queues = Array.from({ length: QUEUES * STRINGS_PER_QUEUE }, (_, index) => `rx${index}_packets`);
  const names = [...driverStrings('mlx5_core'), ...queues];
  const counts = Object.fromEntries(names.map((name, index) => [name, index + 1]));
  const answer = createNicAnswers(
    { sysfsPath: '/sys', wantsRaw: () => false },
    {
      ...{ ethtool: fakeEthtool('mlx5_core', counts), netlink: undefined, files: memorySysfs({}) },
      nowMs: () => performance.now(),
    },
  );
  answer({ about: 'numbers', interfaceName: 'eth0' });
  const took = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    answer({ about, interfaceName: 'eth0' });
    return performance.now() - startedMs;
  });
  return {
    ...{ what, ports: 1, strings: names.length, roundMs: rounded(median(took)) },
    ...{ ownCpuMs: undefined, readerMiB: undefined },
  };
}

async function benchLive(): Promise<NicRow> {
  enterOwnNetns();
  const interfaces = Array.from({ length: PORTS }, (_, index) => `nic${index}`);
  for (const name of interfaces) {
    const queues = ['numrxqueues', String(QUEUES), 'numtxqueues', String(QUEUES)];
    ip('link', 'add', name, ...queues, 'type', 'veth', 'peer', 'name', `${name}p`, ...queues);
  }
  const clock = systemClock();
  const nothing = (): void => undefined;
  const log = { info: nothing, warn: nothing, error: nothing };
  const rounds = createNicRounds(
    { interfaces },
    { log, clock, startReader: () => startNicReader({ sysfsPath: '/sys', raw: ['peer_ifindex'] }) },
  );
  try {
    const round = async (): Promise<number> => {
      const [before, startedMs] = [rounds.count, performance.now()];
      rounds.refresh();
      while (rounds.count === before) await sleep(1);
      return performance.now() - startedMs;
    };
    await round();
    const cpuBefore = process.cpuUsage();
    const took: number[] = [];
    for (let i = 0; i < ROUNDS; i++) took.push(await round());
    const { user, system } = process.cpuUsage(cpuBefore);
    const [reader = ''] = readFileSync(`/proc/${process.pid}/task/${process.pid}/children`, 'utf8').split(
      ' ',
    );
    const residentMiB = readMemoryMiB(Number(reader), 'VmRSS');
    const ethtool = openEthtool(openLibc());
    const strings = Number(ethtool.countStats('nic0'));
    ethtool.close();
    return {
      ...{ what: 'veth, live', ports: PORTS, strings, roundMs: rounded(median(took)) },
      ...{ ownCpuMs: rounded((user + system) / 1000 / ROUNDS), readerMiB: rounded(residentMiB) },
    };
  } finally {
    rounds.close();
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
