// SPDX-License-Identifier: Apache-2.0
// What people look at: answers to their questions about the last refresh, and a message when there is another.
// docs/api.md is its promise.

import type { Pacer } from '../pacer.js';
import type { RdmaView } from '../rdma/rounds.js';
import { answerBooks } from './answer-books.js';
import { answerFlows } from './answer-flows.js';
import { answerHistory } from './answer-history.js';
import { answerOverview, eventOf } from './answer-overview.js';
import { answerPairs } from './answer-pairs.js';
import { answerRdma } from './answer-rdma.js';
import { Answers, type ApiAnswer, type ApiRefusal } from './answers.js';
import type { FactParts } from './facts.js';
import { renderAnswer } from './json-list.js';
import { LiveCounts, type LiveCountsParts, type RefreshTaken } from './live-counts.js';
import { type QueryProblem, readFlowQuery, readHistoryQuery, readNoQuery, readPairQuery } from './query.js';

export interface LiveViewParts extends LiveCountsParts, FactParts {
  /** Runs fn while no refresh changes the counts. */
  withSnapshot<T>(fn: (refresh: number) => Promise<T>): Promise<T>;
  currentRefresh(): number;
  /** What the last reading and XDP's counts say together; undefined before the first. */
  visibility(): RdmaView | undefined;
}

type Members = Record<string, unknown>;
/** Within the guard. */
type Make = (params: URLSearchParams) => QueryProblem | Members | Promise<Members>;

export class LiveView {
  readonly counts: LiveCounts;
  readonly #parts: LiveViewParts;
  readonly #answers: Answers;
  readonly #makers: ReadonlyMap<string, Make>;

  constructor(parts: LiveViewParts) {
    this.#parts = parts;
    this.counts = new LiveCounts(parts);
    this.#makers = this.#createMakers();
    this.#answers = new Answers({
      currentRefresh: parts.currentRefresh,
      nowMs: parts.nowMs,
      make: (name, params) => this.#make(name, params),
      tellsFacts: (name) => name === 'overview',
    });
  }

  /** Names of all answers. */
  get names(): readonly string[] {
    return [...this.#makers.keys()];
  }

  /** name: one of names. Rejects where something is wrong with us. */
  answer(name: string, params: URLSearchParams): Promise<ApiAnswer | ApiRefusal> {
    this.counts.look();
    return this.#answers.get(name, params);
  }

  /** Within the guard, before the counts of a refresh are added. */
  begin(): void {
    this.#answers.clear();
    this.counts.begin();
  }

  /** Within the guard, after them. */
  note(refresh: RefreshTaken): Promise<void> {
    this.#answers.clear();
    return this.counts.note(refresh);
  }

  /** Within the guard: the message of the last refresh, as JSON on one line. */
  event(refresh: number): string {
    const members = { ...this.#head(refresh), ...eventOf(this.counts, this.#views()) };
    return JSON.stringify(members);
  }

  async #make(name: string, params: URLSearchParams): Promise<readonly Buffer[] | QueryProblem> {
    const make = this.#makers.get(name);
    if (make === undefined) throw new Error(`there is no answer ${name}`);
    // The query, too, is read as things are then: labels may be others after a reload.
    return this.#parts.withSnapshot(async (refresh) => {
      const members = await make(params);
      return isProblem(members) ? members : renderAnswer({ ...this.#head(refresh), ...members });
    });
  }

  #head(refresh: number): Members {
    const { last, spanMs } = this.counts;
    return { refresh, at_ms: last?.takenAtMs ?? null, seconds: spanMs / 1000 };
  }

  #views() {
    const { series, books, pairs, facts, interfaceName, flowFields, visibility, pacer } = this.#parts;
    return {
      series: series(),
      books: books(),
      roce: pairs(),
      ...{ facts, interfaceName, flowFields, visibility },
      pacer: pacer satisfies Pacer,
    };
  }

  #createMakers(): ReadonlyMap<string, Make> {
    const { counts } = this;
    const parts = this.#parts;
    const plain =
      (answer: () => Members | Promise<Members>): Make =>
      (params) => {
        const query = readNoQuery(params);
        return isProblem(query) ? query : answer();
      };
    return new Map<string, Make>([
      ['overview', plain(() => answerOverview(counts, this.#views()))],
      [
        'flows',
        (params) => {
          const query = readFlowQuery(
            params,
            parts.flowFields().map(({ name }) => name),
          );
          return isProblem(query) ? query : answerFlows(query, counts, this.#views());
        },
      ],
      [
        'pairs',
        (params) => {
          const query = readPairQuery(params);
          return isProblem(query) ? query : answerPairs(query, counts, this.#views());
        },
      ],
      [
        'rdma',
        plain(() => answerRdma(counts.rdma, { isEnabled: parts.facts().readsRdma, pacer: parts.pacer })),
      ],
      ['books', plain(() => answerBooks(this.#views()))],
      [
        'history',
        (params) => {
          const query = readHistoryQuery(params);
          return isProblem(query) ? query : answerHistory(query, counts, this.#views());
        },
      ],
    ]);
  }
}

function isProblem(query: object): query is QueryProblem {
  return 'problem' in query;
}
