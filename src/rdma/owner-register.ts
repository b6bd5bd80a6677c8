// SPDX-License-Identifier: Apache-2.0
// Who has series of its own among those that have queue pairs: at most so many, the rest is `other`. An owner keeps
// its place as long as it has queue pairs, and a while longer. Knows no counts.

import type { QueuePairOwner } from './process-owners.js';

/**
 * What labels show of an owner. slurm, pod, process: what is known best of a process; kernel: a module of the kernel;
 * unknown: nobody could be found; other: one of those beyond the bound; ended: all that gave up their places.
 */
export interface OwnerLabels {
  readonly kind: 'slurm' | 'pod' | 'process' | 'kernel' | 'unknown' | 'other' | 'ended';
  /** Each '' where there is none. */
  readonly job: string;
  /** Its UID. */
  readonly pod: string;
  /** Of a job or a pod that of the process that was seen first. */
  readonly comm: string;
}

const NOBODY = { job: '', pod: '', comm: '' } as const;
export const UNKNOWN_OWNER: OwnerLabels = { kind: 'unknown', ...NOBODY };
export const OTHER_OWNER: OwnerLabels = { kind: 'other', ...NOBODY };
export const ENDED_OWNER: OwnerLabels = { kind: 'ended', ...NOBODY };

export interface OwnerRegisterOptions {
  readonly maxOwners: number;
  /** An owner without queue pairs for so long gives up its place. */
  readonly idleTimeoutMs: number;
}

interface Place {
  readonly labels: OwnerLabels;
  lastSeenMs: number;
}

export class OwnerRegister {
  readonly #options: OwnerRegisterOptions;
  readonly #places = new Map<string, Place>();

  constructor(options: OwnerRegisterOptions) {
    this.#options = options;
  }

  /** The owner's labels, one object as long as it has its place; OTHER_OWNER where there is no place for it. */
  claim(owner: QueuePairOwner, nowMs: number): OwnerLabels {
    if (owner.kind === 'unknown') return UNKNOWN_OWNER;
    const labels = labelsOf(owner);
    const key = keyOfOwner(labels);
    const known = this.#places.get(key);
    if (known !== undefined) {
      known.lastSeenMs = nowMs;
      return known.labels;
    }
    if (this.#places.size >= this.#options.maxOwners) return OTHER_OWNER;
    this.#places.set(key, { labels, lastSeenMs: nowMs });
    return labels;
  }

  /** The owner's labels as they are now; UNKNOWN_OWNER where it has no place any more: an older reading may name it. */
  shown(labels: OwnerLabels): OwnerLabels {
    if (labels === OTHER_OWNER) return OTHER_OWNER;
    return this.#places.get(keyOfOwner(labels))?.labels ?? UNKNOWN_OWNER;
  }

  /** Those whose time is over; they have no place from now on. */
  expire(nowMs: number): OwnerLabels[] {
    const ended: OwnerLabels[] = [];
    for (const [key, { labels, lastSeenMs }] of this.#places) {
      if (nowMs - lastSeenMs <= this.#options.idleTimeoutMs) continue;
      this.#places.delete(key);
      ended.push(labels);
    }
    return ended;
  }
}

function labelsOf(owner: Exclude<QueuePairOwner, { kind: 'unknown' }>): OwnerLabels {
  if (owner.kind === 'kernel') return { kind: 'kernel', ...NOBODY, comm: owner.comm };
  const { slurmJob: job, podUid: pod, comm } = owner;
  const kind = job !== '' ? 'slurm' : pod !== '' ? 'pod' : 'process';
  return { kind, job, pod, comm };
}

/** A process may call itself anything at any time: those of a job or a pod are one owner whatever their names. */
function keyOfOwner({ kind, job, pod, comm }: OwnerLabels): string {
  return JSON.stringify([kind, job, pod, kind === 'slurm' || kind === 'pod' ? '' : comm]);
}

/** Whether two readings mean the same process or module: a process with another's number is another one. */
export function isSameOwner(a: QueuePairOwner, b: QueuePairOwner): boolean {
  if (a.kind === 'process') return b.kind === 'process' && a.pid === b.pid && a.startTicks === b.startTicks;
  return a.kind === b.kind && (a.kind !== 'kernel' || (b.kind === 'kernel' && a.comm === b.comm));
}
