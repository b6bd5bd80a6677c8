// SPDX-License-Identifier: Apache-2.0
// Readings of queue pairs beside those of ports: which devices are asked, when, what is remembered of them, and the
// sums by owner that follow from them. The reading itself is another process's (isolated-reader.ts).

import type { Clock } from '../clock.js';
import type { RdmaAnswer, RdmaQuestion } from './answers.js';
import type { IsolatedReader } from './isolated-reader.js';
import { OwnerRegister, type OwnerRegisterOptions } from './owner-register.js';
import { type OwnedCounts, OwnerSums, type OwnerSumsView } from './owner-sums.js';
import type { RdmaRound } from './port-reader.js';
import { DeviceQueuePairs, findOwnerIn } from './queue-pair-lookup.js';

/** A firmware that is asked for each queue pair needs some 100 us for each. */
export const QUEUE_PAIRS_LIMIT_MS = 3000;
/** Readings take at most a twentieth of the time, so that a slow firmware has other things to do. */
const REST_PER_READING = 20;
/** What a busy host makes slow must not be old for longer. */
const MOST_REST_MS = 60_000;

export interface QueuePairDeviceView {
  readonly device: string;
  /** Of the last reading; undefined where the device did not answer, or the kernel lists none. */
  readonly queuePairs: DeviceQueuePairs | undefined;
  /** false: the last reading failed. Where the kernel lists none, nothing failed. */
  readonly isRead: boolean;
  /** Since the device was first asked. */
  readonly timeouts: number;
  readonly errors: number;
  readonly refusedMessages: number;
}

export interface QueuePairsView {
  readonly devices: readonly QueuePairDeviceView[];
  readonly sums: OwnerSumsView;
}

export interface QueuePairRounds {
  /** Before the first note() of a drain: an interface that has got a device is counted by whole drains. */
  beginDrain(): void;
  /** Of a drain: what XDP has counted of packets to a queue pair. Nothing of an interface without a device. */
  note(interfaceName: string, queuePair: number, counts: Readonly<OwnedCounts>): void;
  /** Whether note() does anything. */
  readonly isNoting: boolean;
  /** Asks each device that the round has, unless it is too early. Never rejects. */
  read(round: RdmaRound): Promise<void>;
  /** Undefined until a device has been asked. */
  view(): QueuePairsView | undefined;
}

export interface QueuePairRoundsParts {
  readonly isolated: IsolatedReader<RdmaQuestion, RdmaAnswer>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

interface Memory {
  now: DeviceQueuePairs | undefined;
  before: DeviceQueuePairs | undefined;
  timeouts: number;
  errors: number;
  refusedMessages: number;
  isFailing: boolean;
}

export function createQueuePairRounds(
  options: OwnerRegisterOptions,
  { isolated, clock, log }: QueuePairRoundsParts,
): QueuePairRounds {
  const register = new OwnerRegister(options);
  const sums = new OwnerSums();
  const memories = new Map<string, Memory>();
  // Interfaces with a device whose queue pairs could be listed. Until it is known which have one: all, as what is
  // counted may be somebody's.
  let noted: ReadonlySet<string> | undefined;
  // Such an interface of which no drain is noted as yet.
  let joining: ReadonlySet<string> = new Set();
  let notBeforeMs = Number.NEGATIVE_INFINITY;

  function remember(device: string): Memory {
    const memory = memories.get(device) ?? {
      ...{ now: undefined, before: undefined },
      ...{ timeouts: 0, errors: 0, refusedMessages: 0, isFailing: false },
    };
    memories.set(device, memory);
    return memory;
  }

  /** Returns how long the device took; one that failed rests by itself, and not the others for it. */
  async function readDevice(device: string): Promise<number> {
    const startedMs = clock.nowMs();
    const memory = remember(device);
    const outcome = await isolated.ask(
      `queue pairs ${device}`,
      { about: 'queue pairs', device },
      QUEUE_PAIRS_LIMIT_MS,
    );
    const reading = outcome.answer?.queuePairs;
    if (outcome.failure === 'timeout') memory.timeouts++;
    if (outcome.failure === 'error') memory.errors++;
    memory.before = memory.now ?? memory.before;
    memory.now = undefined;
    let reason = outcome.failure === undefined ? undefined : outcome.reason;
    if (reading !== undefined && 'problem' in reading) {
      if (reading.problem === 'failed') {
        memory.errors++;
        reason = reading.reason;
      }
    } else if (reading !== undefined) {
      memory.refusedMessages += reading.refused;
      const nowMs = clock.nowMs();
      memory.now = new DeviceQueuePairs(reading, (owner) => register.claim(owner, nowMs));
    }
    noteFailing(device, memory, reason);
    return outcome.failure === undefined ? clock.nowMs() - startedMs : 0;
  }

  /** The log hears of a change, not of every round. */
  function noteFailing(device: string, memory: Memory, reason: string | undefined): void {
    if (reason !== undefined && !memory.isFailing) {
      log.warn(
        { device, reason },
        'queue pairs of an RDMA device cannot be read; nobody is known to have them until they can',
      );
    }
    if (reason === undefined && memory.isFailing)
      log.info({ device }, 'queue pairs of the RDMA device can be read again');
    memory.isFailing = reason !== undefined;
  }

  /** Of all others there are no sums: whose their packets are is not known on this host. */
  function retain(interfaceNames: ReadonlySet<string>): void {
    sums.retain(interfaceNames);
    if (noted !== undefined) noted = intersectionOf(noted, interfaceNames);
    joining = intersectionOf(joining, interfaceNames);
  }

  function settle(devicesOf: ReadonlyMap<string, readonly string[]>): void {
    const memoriesOf = new Map(
      [...devicesOf].map(([name, devices]) => [name, devices.map(remember)] as const),
    );
    const listed = [...memoriesOf].filter(([, own]) => own.some(({ now, before }) => now ?? before));
    const names = new Set(listed.map(([name]) => name));
    retain(names);
    const former = noted ?? names;
    noted = former;
    joining = new Set([...names].filter((name) => !former.has(name)));
    sums.settle((interfaceName, queuePair) =>
      register.shown(findOwnerIn(memoriesOf.get(interfaceName) ?? [], queuePair)),
    );
    for (const owner of register.expire(clock.nowMs())) sums.end(owner);
  }

  return {
    beginDrain() {
      if (noted === undefined || joining.size === 0) return;
      noted = new Set([...noted, ...joining]);
      joining = new Set();
    },
    note(interfaceName, queuePair, counts) {
      if (noted?.has(interfaceName) ?? true) sums.note(interfaceName, queuePair, counts);
    },
    get isNoting() {
      return noted === undefined || noted.size + joining.size > 0;
    },
    async read(round) {
      const devices = [...new Set(round.ports.map(({ name }) => name.device))];
      for (const device of memories.keys()) if (!devices.includes(device)) memories.delete(device);
      const devicesOf = devicesByInterface(round);
      retain(new Set(devicesOf.keys()));
      if (clock.nowMs() < notBeforeMs) return;
      sums.seal();
      let takenMs = 0;
      for (const device of devices) takenMs += await readDevice(device);
      settle(devicesOf);
      notBeforeMs = clock.nowMs() + Math.min(MOST_REST_MS, REST_PER_READING * takenMs);
    },
    view() {
      if (memories.size === 0) return undefined;
      const devices = [...memories].map(
        ([device, { now, isFailing, timeouts, errors, refusedMessages }]) => ({
          ...{ device, queuePairs: now, isRead: !isFailing, timeouts, errors, refusedMessages },
        }),
      );
      return { devices, sums: sums.view() };
    },
  };
}

/** Of the interfaces that have any. */
function devicesByInterface({ ports, relatives }: RdmaRound): Map<string, string[]> {
  const devicesOf = new Map<string, string[]>();
  for (const [interfaceName, own] of relatives) {
    const devices = ports.flatMap(({ identity }) =>
      identity?.netdevs.some((netdev) => own.includes(netdev)) ? [identity.device] : [],
    );
    if (devices.length > 0) devicesOf.set(interfaceName, [...new Set(devices)]);
  }
  return devicesOf;
}

function intersectionOf(some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...some].filter((one) => others.has(one)));
}
