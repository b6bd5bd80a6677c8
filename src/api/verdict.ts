// SPDX-License-Identifier: Apache-2.0
// Whether all is well, and what to do where it is not: a sentence each, from the rooms that say them elsewhere,
// too. Pure.

import { budgetSentence } from '../flows/budget-log.js';
import { BUDGETS } from '../flows/budgets.js';
import type { RdmaView, VisibilityView } from '../rdma/rounds.js';
import {
  hiddenInfinibandSentence,
  hiddenOffloadSentence,
  mirrorRemedySentence,
  perhapsHiddenSentence,
} from '../rdma/visibility-sentences.js';
import { downSentence } from '../system/link-sentence.js';
import type { ExporterFacts } from './facts.js';

export interface VerdictFinding {
  readonly code:
    | 'no_refresh'
    | 'not_attached'
    | 'down'
    | 'push_down'
    | 'budget'
    | 'hidden_offload'
    | 'hidden_infiniband'
    | 'generic_mode';
  readonly level: 'problem' | 'warning';
  /** null: about no one interface. */
  readonly interface: string | null;
  /** No full stop. */
  readonly sentence: string;
}

export interface LiveVerdict {
  readonly level: 'ok' | VerdictFinding['level'];
  readonly sentence: string;
  /** Worst first. */
  readonly findings: readonly VerdictFinding[];
}

/** A host of a thousand interfaces without a driver says so fifty times. */
const FINDINGS_MAX = 50;

export function judgeLive(facts: ExporterFacts, rdma: RdmaView | undefined): LiveVerdict {
  const all = [
    ...judgeRefresh(facts),
    ...judgeAttachments(facts),
    ...judgePush(facts),
    ...judgeBudgets(facts),
    ...judgeVisibility(rdma),
    ...judgeModes(facts),
  ];
  const findings = [
    ...all.filter(({ level }) => level === 'problem'),
    ...all.filter(({ level }) => level === 'warning'),
  ].slice(0, FINDINGS_MAX);
  const [worst] = findings;
  if (worst === undefined) return { level: 'ok', sentence: allIsWell(facts), findings };
  return { level: worst.level, sentence: worst.sentence, findings };
}

/** Names are many where patterns match. */
const NAMES_SHOWN = 3;

function allIsWell({ interfaces }: ExporterFacts): string {
  const names = interfaces.filter(({ mode }) => mode !== undefined).map(({ name }) => name);
  if (names.length === 0) return 'no interface is meant yet: nothing is counted';
  const shown = names.length > NAMES_SHOWN ? `${names.length} interfaces` : names.join(', ');
  return `${shown} ${names.length === 1 ? 'is' : 'are'} watched: every packet that arrives is counted`;
}

function judgeRefresh({ interfaces, readiness }: ExporterFacts): VerdictFinding[] {
  const isAttached = interfaces.some(({ mode }) => mode !== undefined);
  if (readiness.ready || !isAttached) return []; // what is not attached says so itself
  const sentence = `the numbers are old: ${readiness.reason.replace(/^Not ready: (.*)\.$/, '$1')}; the log says why`;
  return [{ code: 'no_refresh', level: 'problem', interface: null, sentence }];
}

function judgeAttachments({ interfaces, notAttached }: ExporterFacts): VerdictFinding[] {
  const ofName = new Map(interfaces.map(({ name, note }) => [note, name]));
  const missing = notAttached.map((sentence): VerdictFinding => {
    const name = ofName.get(sentence) ?? null;
    return { code: 'not_attached', level: 'problem', interface: name, sentence };
  });
  const down = interfaces
    .filter(({ mode, isUp }) => mode !== undefined && isUp === false)
    .map(({ name }): VerdictFinding => {
      return { code: 'down', level: 'problem', interface: name, sentence: downSentence(name) };
    });
  return [...missing, ...down];
}

function judgePush({ push }: ExporterFacts): VerdictFinding[] {
  if (push === undefined || push.isUp || push.trouble === '') return [];
  return [{ code: 'push_down', level: 'problem', interface: null, sentence: push.trouble }];
}

function judgeBudgets({ binding }: ExporterFacts): VerdictFinding[] {
  return BUDGETS.filter((budget) => binding.has(budget)).map((budget) => ({
    code: 'budget',
    level: 'warning',
    interface: null,
    sentence: budgetSentence(budget),
  }));
}

function judgeVisibility(rdma: RdmaView | undefined): VerdictFinding[] {
  if (rdma === undefined) return [];
  return rdma.visibility.flatMap((row): VerdictFinding[] => {
    const { state } = row;
    if (state !== 'hidden_offload' && state !== 'hidden_infiniband') return [];
    const sentence = hiddenSentence(row, rdma);
    return [{ code: state, level: 'warning', interface: row.interfaceName, sentence }];
  });
}

/** As the doctor says it. */
function hiddenSentence(row: VisibilityView, rdma: RdmaView): string {
  const { interfaceName, rdmaDevice: device, unseenPackets = 0 } = row;
  const evidence =
    unseenPackets > 0 ? ` (its hardware received ${unseenPackets} RDMA packets that were not seen)` : '';
  if (row.state === 'hidden_infiniband') return hiddenInfinibandSentence({ interfaceName, device }, evidence);
  const identities = rdma.ports.flatMap(({ name, identity }) =>
    name.device === device && identity !== undefined ? [identity] : [],
  );
  const hidden = { interfaceName, device, driver: identities[0]?.driver ?? 'unknown driver' };
  if (identities.every(({ hasGidNetdevs }) => !hasGidNetdevs)) return perhapsHiddenSentence(hidden);
  return `${hiddenOffloadSentence(hidden, evidence)}; ${mirrorRemedySentence(interfaceName)}`;
}

function judgeModes({ interfaces, wantsGeneric }: ExporterFacts): VerdictFinding[] {
  if (wantsGeneric) return [];
  return interfaces
    .filter(({ mode }) => mode === 'generic')
    .map(({ name }) => ({
      code: 'generic_mode',
      level: 'warning',
      interface: name,
      sentence:
        `${name} is attached in generic mode: packets that GRO merged count as one (bytes are right), and each costs ` +
        `more; xtrace-catch doctor -i ${name} --probe says why the driver refused native mode`,
    }));
}

/** Why nothing has come in lately. seconds: in which nothing came; 0: that is not known. */
export function whyNothing({ interfaces, notAttached }: ExporterFacts, seconds: number): string {
  const watched = interfaces.filter(({ mode }) => mode !== undefined);
  if (watched.length === 0) {
    return `nothing is attached, so nothing is counted${notAttached.length > 0 ? `: ${notAttached[0]}` : ''}`;
  }
  const down = watched.find(({ isUp }) => isUp === false);
  if (watched.length === 1 && down !== undefined) return downSentence(down.name);
  if (seconds === 0) return 'nothing has been counted yet: ask again after the next refresh';
  const names = watched.length > NAMES_SHOWN ? `${watched.length} interfaces` : nameList(watched);
  return `no packet has arrived at ${names} in the last ${seconds.toFixed(1)} s`;
}

function nameList(interfaces: ExporterFacts['interfaces']): string {
  return interfaces.map(({ name }) => name).join(', ');
}

/** Why no RoCE is seen. */
export function whyNoRoce(facts: ExporterFacts, rdma: RdmaView | undefined, readsRoce: boolean): string {
  if (!readsRoce) return 'roce.enabled is false: the headers of RoCE are not read';
  const [hidden] = judgeVisibility(rdma);
  if (hidden !== undefined) return hidden.sentence;
  const isAttached = facts.interfaces.some(({ mode }) => mode !== undefined);
  return isAttached ? 'no RoCE has been seen' : 'nothing is attached, so no RoCE can be seen';
}
