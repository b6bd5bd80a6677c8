// SPDX-License-Identifier: Apache-2.0
// One refresh of a running exporter, whole: overview, flows and pairs. The exporter follows flows from the first
// look on, so their rates are there with the next refreshes: those are waited for, within a limit.

import type { ApiClient, ApiReply } from './api-client.js';
import { readOverview, readTopFlows, readTopPairs } from './read-answers.js';

export interface TopSnapshot {
  readonly overview: unknown;
  readonly flows: unknown;
  readonly pairs: unknown;
}

export interface TopSnapshotOptions {
  /** Of the rows: as for an answer. */
  readonly query: Readonly<Record<string, string>>;
  /** How long rates are waited for; after that they are left out. */
  readonly limitMs: number;
}

export interface TopSnapshotParts {
  readonly client: Pick<ApiClient, 'ask'>;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
}

const PAUSE_MAX_MS = 500;
const PAUSE_MIN_MS = 50;
/** Where a refresh comes between the questions: they are asked again, at 100 ms perhaps forever. */
const TRIES = 5;

/** The second of pairs' counts comes with the second refresh in which somebody looks. */
const REFRESHES = 2;

export async function takeTopSnapshot(
  options: TopSnapshotOptions,
  parts: TopSnapshotParts,
): Promise<TopSnapshot | Exclude<ApiReply, { kind: 'json' }>> {
  const endMs = parts.nowMs() + options.limitMs;
  let firstRefresh: number | undefined;
  for (;;) {
    const answers = await askAll(options.query, parts.client);
    if ('kind' in answers) return answers;
    const { refresh, intervalMs } = readOverview(answers.overview);
    firstRefresh ??= refresh;
    const hasRates = readTopFlows(answers.flows).hasRates && readTopPairs(answers.pairs).hasRates;
    const isKnown = refresh >= firstRefresh + REFRESHES || (refresh > 0 && hasRates && isBusy(answers));
    if (isKnown || parts.nowMs() >= endMs) return answers;
    await parts.sleep(Math.min(PAUSE_MAX_MS, Math.max(PAUSE_MIN_MS, intervalMs / 4)));
  }
}

/** Something is followed already: somebody else looks. */
function isBusy({ flows, pairs }: TopSnapshot): boolean {
  return readTopFlows(flows).rows.length + readTopPairs(pairs).rows.length > 0;
}

async function askAll(
  query: TopSnapshotOptions['query'],
  client: TopSnapshotParts['client'],
): Promise<TopSnapshot | Exclude<ApiReply, { kind: 'json' }>> {
  for (let left = TRIES; ; left--) {
    const overview = await client.ask('overview');
    if (overview.kind !== 'json') return overview;
    const flows = await client.ask('flows', query);
    if (flows.kind !== 'json') return flows;
    const pairs = await client.ask('pairs', query);
    if (pairs.kind !== 'json') return pairs;
    const refreshes = [
      readOverview(overview.value).refresh,
      readTopFlows(flows.value).refresh,
      readTopPairs(pairs.value).refresh,
    ];
    if (left <= 1 || refreshes.every((refresh) => refresh === refreshes[0])) {
      return { overview: overview.value, flows: flows.value, pairs: pairs.value };
    }
  }
}

/** Characters that no terminal is to get as they are: control and format characters, halves of surrogate pairs. */
const INVISIBLE = /(?!\n)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

/** On one line; the same value to whoever parses it, and nothing but text to a terminal. */
export function renderSnapshotJson(snapshot: TopSnapshot): string {
  const json = JSON.stringify(snapshot).replace(INVISIBLE, (character) =>
    // In JSON such a character stands in a text alone; one beyond 16 bits is two escapes.
    [...Array(character.length).keys()]
      .map((i) => `\\u${character.charCodeAt(i).toString(16).padStart(4, '0')}`)
      .join(''),
  );
  return `${json}\n`;
}
