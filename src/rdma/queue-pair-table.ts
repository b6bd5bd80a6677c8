// SPDX-License-Identifier: Apache-2.0
// The queue pairs of one RDMA device and whose they are, at one time: read from the kernel and /proc, in the process
// that may hang. As columns, because 4,096 objects would be half a megabyte of JSON on their way to us.

import { ERRNO, errnoName } from '../kernel/errno.js';
import type { Nldev, NldevQueuePair } from '../kernel/rdma/nldev.js';
import type { ProcessOwners, QueuePairOwner } from './process-owners.js';

/**
 * Queue pairs of a device that are kept of a reading. A card has some 100,000 at most; a host with 8 of them and 16
 * ranks a card that all talk to 256 peers has 4,096 of each.
 */
export const MOST_QUEUE_PAIRS = 16_384;

/** Plain data: it crosses between processes. Columns have a value for each queue pair. */
export interface QueuePairTable {
  readonly numbers: readonly number[];
  /** NO_NUMBER where there is none: unconnected, or not yet. */
  readonly remoteNumbers: readonly number[];
  /** 0: none yet. */
  readonly ports: readonly number[];
  /** enum ib_qp_type and ib_qp_state. */
  readonly types: readonly number[];
  readonly states: readonly number[];
  /** Places in `owners`. */
  readonly ownerPlaces: readonly number[];
  readonly owners: readonly QueuePairOwner[];
  /** Beyond MOST_QUEUE_PAIRS. */
  readonly leftOut: number;
  /** Messages of the kernel that could not be understood. */
  readonly refused: number;
  /** What the kernel took to list them, and /proc to tell of their processes. */
  readonly netlinkMs: number;
  readonly procMs: number;
}

/** absent: this kernel knows no such question, or no longer that device. */
export type QueuePairReading =
  | QueuePairTable
  | { readonly problem: 'absent' | 'failed'; readonly reason: string };

export const NO_NUMBER = -1;

export interface QueuePairTableParts {
  /** Or why there is none. */
  readonly nldev: Nldev | { readonly problem: string };
  /** For one reading. */
  readonly processes: ProcessOwners;
  nowMs(): number;
}

/** Never throws; blocks for as long as a driver does. */
export function readQueuePairTable(device: string, parts: QueuePairTableParts): QueuePairReading {
  const { nldev } = parts;
  if ('problem' in nldev) return { problem: 'failed', reason: nldev.problem };
  const startedMs = parts.nowMs();
  const devices = nldev.devices();
  if (typeof devices === 'number') return problemOf(devices);
  const known = devices.entries.find(({ name }) => name === device);
  if (known === undefined) return { problem: 'absent', reason: 'RDMA netlink does not list the device' };
  const listed = nldev.queuePairs(known.index, MOST_QUEUE_PAIRS);
  if (typeof listed === 'number') return problemOf(listed);
  const listedMs = parts.nowMs();
  const { ownerPlaces, owners } = ownersOf(listed.entries, parts.processes);
  const column = (numberOf: (one: NldevQueuePair) => number) => listed.entries.map(numberOf);
  return {
    numbers: column(({ number }) => number),
    remoteNumbers: column(({ remoteNumber }) => remoteNumber ?? NO_NUMBER),
    ports: column(({ port }) => port ?? 0),
    types: column(({ type }) => type),
    states: column(({ state }) => state),
    ownerPlaces,
    owners,
    leftOut: listed.leftOut,
    refused: devices.refused + listed.refused,
    netlinkMs: listedMs - startedMs,
    procMs: parts.nowMs() - listedMs,
  };
}

/** Each owner once. */
function ownersOf(
  queuePairs: readonly NldevQueuePair[],
  processes: ProcessOwners,
): Pick<QueuePairTable, 'ownerPlaces' | 'owners'> {
  const owners: QueuePairOwner[] = [];
  const places = new Map<string, number>();
  const ownerPlaces = queuePairs.map(({ pid, kernelName }) => {
    const key = kernelName === undefined ? `pid ${pid}` : `kernel ${kernelName}`;
    const known = places.get(key);
    if (known !== undefined) return known;
    places.set(key, owners.length);
    return owners.push(ownerOf(pid, kernelName, processes)) - 1;
  });
  return { ownerPlaces, owners };
}

function ownerOf(
  pid: number | undefined,
  kernelName: string | undefined,
  processes: ProcessOwners,
): QueuePairOwner {
  if (kernelName !== undefined) return { kind: 'kernel', comm: kernelName };
  return pid === undefined ? { kind: 'unknown', reason: 'no_pid' } : processes.of(pid);
}

/** Of a kernel before 4.16, which has no such command, EINVAL or EOPNOTSUPP; of a device that has just gone EINVAL. */
const ABSENT: readonly number[] = [ERRNO.EPROTONOSUPPORT, ERRNO.EINVAL, ERRNO.EOPNOTSUPP];

function problemOf(errno: number): QueuePairReading {
  const reason = `RDMA netlink: ${errnoName(errno)}`;
  return { problem: ABSENT.includes(errno) ? 'absent' : 'failed', reason };
}
