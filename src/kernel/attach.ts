// SPDX-License-Identifier: Apache-2.0
// The attach ladder of one interface: native, then generic; in each, frags, then plain. Never
// takes the place of another program. That it did not work is an outcome, not an exception.

import type { Framing } from '../abi/kinds.js';
import { KernelError } from '../errors.js';
import { attachAdvice, type Incumbent, incumbentSentence, type XdpMode } from './attach-advice.js';
import { ERRNO, errnoName } from './errno.js';
import type { KernelObject, ProgramFlavour } from './load.js';
import { createXdpLink, XDP_MODE_FLAG, type XdpLink } from './xdp-link.js';
import { queryXdp } from './xdp-query.js';

export type { Incumbent, XdpMode } from './attach-advice.js';
export type { XdpLink } from './xdp-link.js';

export interface AttachOptions {
  readonly object: KernelObject;
  readonly ifindex: number;
  /** For sentences only. */
  readonly interfaceName: string;
  readonly framing: Framing;
  /** `auto`: native, and generic where that fails. */
  readonly mode: 'auto' | XdpMode;
}

/** One step of the ladder that failed. */
export interface AttachFailure {
  readonly mode: XdpMode;
  readonly flavour: ProgramFlavour;
  /** Positive errno and its name. */
  readonly errno: number;
  readonly errnoName: string;
  /** errnoName, what it usually means and what helps; a clause. */
  readonly advice: string;
}

export interface Attached {
  readonly attached: true;
  readonly mode: XdpMode;
  readonly flavour: ProgramFlavour;
  readonly link: XdpLink;
  /** It was attached before us: a pinned link of a predecessor. */
  readonly isTakenOver?: boolean;
  /** Steps that failed before: why it is generic, for instance. */
  readonly failures: readonly AttachFailure[];
}

export interface NotAttached {
  readonly attached: false;
  readonly incumbent?: Incumbent;
  readonly failures: readonly AttachFailure[];
  /** For the operator: what is in the way and what to do. No full stop. */
  readonly sentence: string;
}

export type AttachOutcome = Attached | NotAttached;

/** Another program flavour or mode cannot mend these. */
const FINAL: ReadonlySet<number> = new Set([ERRNO.EPERM, ERRNO.ENODEV, ERRNO.EBUSY, ERRNO.EEXIST]);

/** Attaches in the network namespace of the calling thread. The link in the outcome is the caller's. */
export function attachXdp(options: AttachOptions): AttachOutcome {
  const { object, ifindex, interfaceName, framing, mode } = options;
  const before = queryXdp(object, ifindex);
  if (before.incumbent !== undefined) return refusedFor(before.incumbent, interfaceName, []);

  const failures: AttachFailure[] = [];
  const modes: readonly XdpMode[] = mode === 'auto' ? ['native', 'generic'] : [mode];
  for (const step of modes) {
    for (const flavour of object.flavours) {
      const programFd = programFdOf(object, framing, flavour);
      if (programFd === undefined) continue;
      if (typeof programFd !== 'number') {
        const { errno, message } = programFd;
        failures.push({ mode: step, flavour, errno, errnoName: errnoName(errno), advice: message });
        continue;
      }
      const link = createXdpLink(object, { programFd, ifindex, modeFlag: XDP_MODE_FLAG[step] });
      if (typeof link !== 'number') return { attached: true, mode: step, flavour, link, failures };
      const advice = attachAdvice(link, step, interfaceName);
      failures.push({ mode: step, flavour, errno: link, errnoName: errnoName(link), advice });
      if (FINAL.has(link)) return refused(options, failures);
    }
  }
  return refused(options, failures);
}

/** A refusal of the kernel to load it is one more step that failed. */
function programFdOf(
  object: KernelObject,
  framing: Framing,
  flavour: ProgramFlavour,
): number | KernelError | undefined {
  try {
    return object.programFd(framing, flavour);
  } catch (error) {
    if (error instanceof KernelError) return error;
    throw error;
  }
}

function refused({ object, ifindex, interfaceName }: AttachOptions, failures: AttachFailure[]): NotAttached {
  // Somebody may have come between our question and our attempt.
  const { incumbent } = queryXdp(object, ifindex);
  if (incumbent !== undefined) return refusedFor(incumbent, interfaceName, failures);
  // The twin of a failed step mostly fails for the same reason: one clause is enough.
  const clauses = new Set(failures.map((failure) => `${failure.mode}: ${failure.advice}`));
  return {
    attached: false,
    failures,
    sentence: `XDP cannot be attached to ${interfaceName}: ${[...clauses].join('; ')}`,
  };
}

function refusedFor(incumbent: Incumbent, interfaceName: string, failures: AttachFailure[]): NotAttached {
  return { attached: false, incumbent, failures, sentence: incumbentSentence(incumbent, interfaceName) };
}
