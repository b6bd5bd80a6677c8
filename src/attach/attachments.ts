// SPDX-License-Identifier: Apache-2.0
// Keeps each configured interface attached: as soon as it is there, and again when it comes back; and each that
// a pattern matches, for as long as it does. Knows no FFI and no timer; the daemon calls check(). One
// interface's trouble is never another's.

import type { Framing } from '../abi/kinds.js';
import { createState, forgetLink, type MutableState } from './attachment-state.js';
import type {
  AttachmentParts,
  Attachments,
  MeantInterfaces,
  PresentInterface,
} from './attachments-contract.js';
import { PatternMatches } from './pattern-matches.js';
import { replaceProgram } from './replace-program.js';

export type { AttachmentState } from './attachment-state.js';
export type {
  AttachmentParts,
  Attachments,
  ChosenInterface,
  MeantInterfaces,
  PresentInterface,
} from './attachments-contract.js';

export function createAttachments(first: MeantInterfaces, parts: AttachmentParts): Attachments {
  let { chooseInterface } = first;
  const states: MutableState[] = first.names.map((name, id) => createState(id, name, true));
  /** By number: as of the last attach. */
  const framings = new Map<number, Framing>();
  /** Numbers that were let go, and come back as themselves. */
  const formerIds = new Set<number>();
  const matches = new PatternMatches(first.readMatches, parts.log);
  let hasLooked = false;

  function detach(state: MutableState): void {
    state.link?.detach();
    if (state.ifindex !== undefined) parts.ids.release(state.ifindex);
    forgetLink(state);
  }

  let { attach } = parts;

  function lose(state: MutableState, sentence: string, prospect = ''): void {
    detach(state);
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

  function tryAttach(state: MutableState, present: PresentInterface, isPatient: boolean): void {
    if (typeof present.framing === 'string') {
      refuse(state, present.framing);
      return;
    }
    const before = parts.ids.boundTo(present.index);
    parts.ids.bind(present.index, state.id); // before the first packet is counted
    state.framing = present.framing;
    framings.set(state.id, present.framing);
    const outcome = attach(state.name, present.index, present.framing, isPatient);
    for (const failure of outcome.failures) {
      parts.onFailure(parts.ids.nameOf(state.id), failure);
    }
    if (!outcome.attached) {
      if (before === undefined) parts.ids.release(present.index);
      else parts.ids.bind(present.index, before);
      if (outcome.isPending === true) {
        state.sentence ||= outcome.sentence; // what was told stands until it is known
        return;
      }
      const { failures } = outcome;
      state.lacksPrivilege = failures.some(({ errnoName }) => errnoName === 'EPERM');
      const isRefused = failures.length > 0 && failures.every(({ isLoadRefusal }) => isLoadRefusal === true);
      state.isLoadRefused = state.isAwaited && isRefused;
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
      parts.onReattached(parts.ids.nameOf(state.id));
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

  function checkOne(state: MutableState, isPatient: boolean): void {
    rename(state);
    state.lacksPrivilege = false;
    state.isLoadRefused = false;
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
    tryAttach(state, present, isPatient);
  }

  /** What a pattern has matched until now, and does no more, or is gone: its name is not awaited. */
  function letGo(state: MutableState, why: string): void {
    states.splice(states.indexOf(state), 1);
    if (state.everAttached) formerIds.add(state.id);
    if (!state.attached) return;
    detach(state);
    parts.log.info({ interface: state.name }, `${why}: let go`);
  }

  /** Its link goes on under the other name, and what it counts from now on under that name's number. */
  function followName(state: MutableState, name: string): void {
    const next = states.find((other) => other.name === name && !other.attached);
    if (next === undefined || state.ifindex === undefined) return;
    const { link, ifindex, mode, framing, frags } = state;
    Object.assign(next, {
      link,
      ifindex,
      mode,
      framing,
      frags,
      attached: true,
      sentence: '',
      everAttached: true,
    });
    if (framing !== undefined) framings.set(next.id, framing);
    parts.ids.bind(ifindex, next.id);
    forgetLink(state);
    state.sentence = `interface ${state.name} is called ${name} now`;
    parts.log.info({ interface: name, ifindex }, state.sentence);
  }

  /** New states first: a renamed link goes on in one of them. */
  function followMatches(): void {
    const changed = matches.look(states);
    for (const name of changed?.added ?? []) {
      const id = parts.ids.claim(name);
      states.push({ ...createState(id, name, false), everAttached: formerIds.has(id) });
    }
    for (const state of [...states]) {
      const name = state.ifindex === undefined ? undefined : parts.nameOfIndex?.(state.ifindex);
      if (name !== undefined && name !== state.name) followName(state, name);
    }
    if (changed === undefined) return;
    for (const state of [...states]) {
      if (state.isAwaited || changed.matched.has(state.name)) continue;
      const isThere = parts.readInterface(state.name) !== undefined;
      letGo(state, `interface ${state.name} is ${isThere ? 'not meant any more' : 'gone'}`);
    }
  }

  function checkSafely(state: MutableState, isPatient = false): void {
    try {
      checkOne(state, isPatient);
      state.trouble = '';
    } catch (error) {
      noteTrouble(state, error);
    }
  }

  return {
    states,
    get sentences() {
      const own = states.map(({ sentence }) => sentence).filter((sentence) => sentence !== '');
      return [...own, ...matches.sentences];
    },
    get refused() {
      return matches.refused;
    },
    check() {
      followMatches();
      for (const state of [...states]) checkSafely(state, hasLooked);
      hasLooked = true;
    },
    framingOf: (id) => framings.get(id),
    replacePrograms(programs) {
      attach = programs.attach;
      for (const state of states) {
        if (!state.attached) continue;
        const replaced = replaceProgram(state, programs);
        if (typeof replaced !== 'string') {
          state.frags = replaced.flavour === 'frags';
          continue;
        }
        try {
          lose(state, replaced, '; it is attached anew');
        } catch (error) {
          noteTrouble(state, error);
        }
        checkSafely(state);
      }
    },
    setInterfaces(meant) {
      chooseInterface = meant.chooseInterface;
      for (const state of states) state.isAwaited = meant.names.includes(state.name);
      for (const name of meant.names) {
        if (states.some((state) => state.name === name)) continue;
        const id = parts.ids.claim(name);
        states.push({ ...createState(id, name, true), everAttached: formerIds.has(id) });
      }
      matches.goBy(meant.readMatches);
      followMatches();
      for (const state of [...states]) checkSafely(state);
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
