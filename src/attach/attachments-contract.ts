// SPDX-License-Identifier: Apache-2.0
// What attachments.ts offers, and what it needs for it.

import type { Framing } from '../abi/kinds.js';
import type { AttachFailure, AttachOutcome } from '../kernel/attach.js';
import type { AttachmentState } from './attachment-state.js';
import type { InterfaceIds } from './interface-ids.js';
import type { ReadMatches } from './pattern-matches.js';
import type { Programs } from './replace-program.js';

/** What the system says of an interface now. */
export interface PresentInterface {
  readonly index: number;
  /** How its frames start, or a sentence why we cannot read them. */
  readonly framing: Framing | string;
}

/** Which interface is meant where the operator named none, and a sentence why. */
export interface ChosenInterface {
  readonly name: string;
  readonly reason: string;
}

/** Which interfaces are meant. */
export interface MeantInterfaces {
  /** Each is awaited. */
  readonly names: readonly string[];
  /**
   * Left out where the operator named the interfaces. Else asked before each look, until the one
   * interface was attached for the first time: it may not be known yet when the host boots. undefined:
   * not known now.
   */
  chooseInterface?(): ChosenInterface | undefined;
  /** Left out where there are only names. */
  readonly readMatches?: ReadMatches;
}

export interface AttachmentParts {
  readonly ids: InterfaceIds;
  /** What the interface of an ifindex is called now. */
  nameOfIndex?(ifindex: number): string | undefined;
  /** undefined: no such interface now. */
  readInterface(name: string): PresentInterface | undefined;
  /** isPatient: another look follows, so that the outcome may be pending. */
  attach(name: string, ifindex: number, framing: Framing, isPatient: boolean): AttachOutcome;
  /** A step of the ladder failed; another may have succeeded. */
  onFailure(name: string, failure: AttachFailure): void;
  /** Attached again after it had been lost. */
  onReattached(name: string): void;
  readonly log: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
  };
}

export interface Attachments {
  /**
   * Attaches what can be attached and notices what was lost. The first time it loads what programs that takes; later
   * that goes on off the event loop, and a later look attaches.
   */
  check(): void;
  /** Those that are awaited by name first; then those that patterns match, until they are let go. */
  readonly states: readonly AttachmentState[];
  /** Why things are not attached: of interfaces and of patterns, a sentence each. */
  readonly sentences: readonly string[];
  /** Matches of patterns that were not attached, as ATTACHED_MAX others are; each time they appear. */
  readonly refused: number;
  /** How frames start on an interface; undefined before its first attach. */
  framingOf(id: number): Framing | undefined;
  /**
   * Has every attached interface run these programs instead of the present ones, without a packet in
   * between that none of them counts, and attaches by them from now on. An interface that does not take
   * them so is attached anew, at once or, if that fails, at the next look; both are logged.
   */
  replacePrograms(programs: Programs): void;
  /**
   * Means these from now on: the others are detached, and what they have counted comes with the next drain; new
   * ones are attached at once where they are there.
   */
  setInterfaces(meant: MeantInterfaces): void;
  /** Detaches all, but links that are pinned. */
  close(): void;
}
