// SPDX-License-Identifier: Apache-2.0
// Keeps each configured interface attached: as soon as it is there, and again when it comes back. Knows
// no FFI and no timer; the daemon calls check(). One interface's trouble is never another's.

import type { Framing } from '../abi/kinds.js';
import type { AttachFailure, AttachOutcome } from '../kernel/attach.js';
import type { XdpMode } from '../kernel/attach-advice.js';
import type { XdpLink } from '../kernel/xdp-link.js';
import type { InterfaceIds } from './interface-ids.js';
import { type Programs, replaceProgram } from './replace-program.js';

/** What is known of one interface; for /metrics, the landing page and the log. */
export interface AttachmentState {
  readonly id: number;
  readonly name: string;
  readonly attached: boolean;
  /** Set while attached. */
  readonly ifindex?: number;
  readonly mode?: XdpMode;
  readonly framing?: Framing;
  /** Whether frames in several buffers are taken. Set while attached. */
  readonly frags?: boolean;
  /** Why it is not attached, one sentence; empty while it is. */
  readonly sentence: string;
  /** Whether that is a lack of privilege, which waiting does not mend. */
  readonly lacksPrivilege: boolean;
}

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

export interface AttachmentParts {
  readonly ids: InterfaceIds;
  /**
   * Left out where the operator named the interfaces. Else asked before each look, until the one
   * interface was attached for the first time: it may not be known yet when the host boots. undefined:
   * not known now.
   */
  chooseInterface?(): ChosenInterface | undefined;
  /** undefined: no such interface now. */
  readInterface(name: string): PresentInterface | undefined;
  attach(name: string, ifindex: number, framing: Framing): AttachOutcome;
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
  /** Attaches what can be attached and notices what was lost. */
  check(): void;
  readonly states: readonly AttachmentState[];
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
   * ones are attached at once where they are there. chooseInterface: as AttachmentParts.
   */
  setInterfaces(names: readonly string[], chooseInterface: AttachmentParts['chooseInterface']): void;
  /** Detaches all, but links that are pinned. */
  close(): void;
}

interface MutableState extends AttachmentState {
  id: number;
  name: string;
  attached: boolean;
  ifindex?: number;
  mode?: XdpMode;
  framing?: Framing;
  frags?: boolean;
  sentence: string;
  lacksPrivilege: boolean;
  link?: XdpLink;
  everAttached: boolean;
  /** What the last look failed with; '' where it did not. */
  trouble: string;
}

export function createAttachments(names: readonly string[], parts: AttachmentParts): Attachments {
  const states: MutableState[] = names.map((name, id) => createState(id, name));
  let { attach, chooseInterface } = parts;

  function lose(state: MutableState, sentence: string, prospect = ''): void {
    state.link?.detach();
    delete state.link;
    delete state.ifindex;
    delete state.mode;
    delete state.frags;
    state.attached = false;
    state.sentence = sentence;
    parts.log.warn({ interface: state.name }, sentence + prospect);
  }

  /**
   * Says why not, once per reason: a check a second must not fill the log. What is to come stays out
   * of the sentence, which may also be the last one of a program that ends.
   */
  function refuse(state: MutableState, sentence: string, prospect = ''): void {
    if (state.sentence !== sentence) {
      state.sentence = sentence;
      parts.log.warn({ interface: state.name }, sentence + prospect);
    }
  }

  function tryAttach(state: MutableState, present: PresentInterface): void {
    if (typeof present.framing === 'string') {
      refuse(state, present.framing);
      return;
    }
    const before = parts.ids.idOf(present.index);
    parts.ids.bind(present.index, state.id); // before the first packet is counted
    state.framing = present.framing;
    const outcome = attach(state.name, present.index, present.framing);
    for (const failure of outcome.failures) {
      parts.onFailure(state.name, failure);
    }
    if (!outcome.attached) {
      parts.ids.bind(present.index, before);
      state.lacksPrivilege = outcome.failures.some(({ errnoName }) => errnoName === 'EPERM');
      refuse(state, outcome.sentence);
      return;
    }
    state.link = outcome.link;
    state.ifindex = present.index;
    state.mode = outcome.mode;
    state.frags = outcome.flavour === 'frags';
    state.attached = true;
    state.lacksPrivilege = false;
    state.sentence = '';
    if (state.everAttached) {
      parts.onReattached(state.name);
    }
    state.everAttached = true;
    const steps = outcome.failures.map((failure) => `${failure.mode}: ${failure.errnoName}`);
    parts.log.info(
      {
        interface: state.name,
        ifindex: present.index,
        mode: outcome.mode,
        ...(steps.length > 0 && { steps }),
      },
      `${outcome.isTakenOver === true ? 'took over' : 'attached to'} ${state.name} in ${outcome.mode} mode`,
    );
  }

  /** The question failed, which says nothing of the interface: what is attached stays so. */
  function noteTrouble(state: MutableState, error: unknown): void {
    const trouble = error instanceof Error ? error.message : String(error);
    if (!state.attached) state.sentence = `${state.name} could not be checked: ${trouble}`;
    if (state.trouble !== trouble) {
      state.trouble = trouble;
      parts.log.warn({ interface: state.name, err: error }, 'checking an interface failed; trying again');
    }
  }

  /** Its number is what counts go by; nothing was counted under it while it was never attached. */
  function rename(state: MutableState): void {
    const chosen = state.everAttached ? undefined : chooseInterface?.();
    if (chosen === undefined || chosen.name === state.name) return;
    state.name = chosen.name;
    state.sentence = '';
    state.id = parts.ids.rename(state.id, chosen.name);
    parts.log.info({ interface: chosen.name }, chosen.reason);
  }

  function checkOne(state: MutableState): void {
    rename(state);
    state.lacksPrivilege = false;
    const present = parts.readInterface(state.name);
    if (present === undefined) {
      if (state.attached) {
        lose(state, `interface ${state.name} is gone`, '; it is attached again when it comes back');
      } else if (!state.everAttached) {
        refuse(state, `there is no interface ${state.name}`, '; it is attached when it appears');
      }
      return;
    }
    if (state.attached) {
      if (state.ifindex !== present.index) {
        lose(state, `interface ${state.name} was replaced by another device of the same name`);
      } else if (state.link?.isAlive() === false) {
        lose(state, `our XDP program was detached from ${state.name} by someone else`);
      } else {
        return;
      }
    }
    tryAttach(state, present);
  }

  function checkSafely(state: MutableState): void {
    try {
      checkOne(state);
      state.trouble = '';
    } catch (error) {
      noteTrouble(state, error);
    }
  }

  return {
    states,
    check() {
      for (const state of states) checkSafely(state);
    },
    framingOf: (id) => states.find((state) => state.id === id)?.framing,
    replacePrograms(programs) {
      attach = programs.attach;
      for (const state of states) {
        if (!state.attached) continue;
        const replaced = replaceProgram(state, programs);
        if (typeof replaced !== 'string') {
          state.frags = replaced.flavour === 'frags';
          continue;
        }
        lose(state, replaced, '; it is attached anew');
        checkSafely(state);
      }
    },
    setInterfaces(wanted, choose) {
      chooseInterface = choose;
      for (const state of states.filter(({ name }) => !wanted.includes(name))) {
        state.link?.detach();
        states.splice(states.indexOf(state), 1);
        if (state.attached) parts.log.info({ interface: state.name }, `detached from ${state.name}`);
      }
      for (const name of wanted) {
        if (!states.some((state) => state.name === name)) {
          states.push(createState(parts.ids.idOfName(name), name));
        }
      }
      for (const state of states) checkSafely(state);
    },
    close() {
      for (const state of states) {
        state.link?.close();
        delete state.link;
        state.attached = false;
      }
    },
  };
}

function createState(id: number, name: string): MutableState {
  return {
    id,
    name,
    attached: false,
    sentence: '',
    lacksPrivilege: false,
    everAttached: false,
    trouble: '',
  };
}
