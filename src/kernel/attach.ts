// SPDX-License-Identifier: Apache-2.0
// The attach ladder of one interface: native, then generic; in each, frags, then plain. Never
// takes the place of another program. That it did not work is an outcome, not an exception.

import type { Framing } from '../abi/kinds.js';
import { KernelError } from '../errors.js';
import { attachAdvice, type Incumbent, incumbentSentence, type XdpMode } from './attach-advice.js';
import { ERRNO, errnoName } from './errno.js';
import type { KernelObject, ProgramFlavour } from './load.js';
import { isLastingRefusal } from './load-error.js';
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
  /**
   * Where the next step needs a program that is not loaded yet: have it loaded off the event loop, and say so in the
   * outcome. Default: load it at once, which takes 60 ms, and a second on a busy machine.
   */
  readonly isPatient?: boolean;
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
  /** The kernel refuses to load the program, which waiting does not mend. */
  readonly isLoadRefusal?: boolean;
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
  /** The program is being loaded: the next try may attach it. Of the steps before, nothing is told now. */
  readonly isPending?: boolean;
  readonly failures: readonly AttachFailure[];
  /** For the operator: what is in the way and what to do. No full stop. */
  readonly sentence: string;
}

export type AttachOutcome = Attached | NotAttached;

/** Another program flavour or mode cannot mend these. */
const FINAL: ReadonlySet<number> = new Set([ERRNO.EPERM, ERRNO.ENODEV, ERRNO.EBUSY, ERRNO.EEXIST]);

/** Attaches in the network namespace of the calling thread. The link in the outcome is the caller's. */
export function attachXdp(options: AttachOptions): AttachOutcome {
  const { object, ifindex, interfaceName, mode } = options;
  const before = queryXdp(object, ifindex);
  if (before.incumbent !== undefined) return refusedFor(before.incumbent, interfaceName, []);

  const failures: AttachFailure[] = [];
  const modes: readonly XdpMode[] = mode === 'auto' ? ['native', 'generic'] : [mode];
  for (const step of modes) {
    for (const flavour of object.flavours) {
      const programFd = programFdOf(options, flavour);
      if (programFd === undefined) continue;
      if (programFd === 'loading') {
        const sentence = `the program for ${interfaceName} is being loaded`;
        return { attached: false, isPending: true, failures: [], sentence };
      }
      if (typeof programFd !== 'number') {
        const { errno, message } = programFd;
        const isLoadRefusal = isLastingRefusal(errno);
        const refusal = { errno, errnoName: errnoName(errno), advice: message, isLoadRefusal };
        failures.push({ mode: step, flavour, ...refusal });
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
  { object, framing, isPatient = false }: AttachOptions,
  flavour: ProgramFlavour,
): number | 'loading' | KernelError | undefined {
  try {
    return isPatient ? object.programFdSoon(framing, flavour) : object.programFd(framing, flavour);
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
