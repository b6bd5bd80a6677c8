// SPDX-License-Identifier: Apache-2.0
// A live view over real accounts and real pairs, on a clock of the test's own.

import type { ExporterFacts } from '../../../src/api/facts.js';
import type { RefreshTaken } from '../../../src/api/live-counts.js';
import { LiveView } from '../../../src/api/live-view.js';
import type { FlowAccounts, FlowAccountsOptions } from '../../../src/flows/flow-accounts.js';
import { createFlowLabelFields } from '../../../src/metrics/flow-label-fields.js';
import { Pacer } from '../../../src/pacer.js';
import type { RdmaView } from '../../../src/rdma/rounds.js';
import { createRocePairs } from '../../../src/roce/roce-pairs.js';
import { create } from '../flows/accounts-fixture.js';
import { drainOf, type TestRow } from '../flows/rows.js';
import { roceRowsOf, type StreamSpec } from '../roce/roce-rows.js';

export const FIXTURE_START_MS = 1_700_000_000_000;

export interface LiveFixture {
  readonly accounts: FlowAccounts;
  readonly view: LiveView;
  facts: ExporterFacts;
  rdma: RdmaView | undefined;
  hasRoce: boolean;
  isOn: boolean;
  /** Answers are made after it. */
  guard: Promise<void>;
  labels: readonly string[];
  eventReaders: number;
  /** Turns that the event loop was given. */
  turns: number;
  /** Monotonic. */
  nowMs: number;
  refreshes: number;
  /** Adds up counts after so many milliseconds, and shows them. */
  refresh(
    rows: readonly TestRow[],
    afterMs?: number,
    streams?: readonly StreamSpec[],
    how?: Partial<RefreshTaken>,
  ): Promise<void>;
  /** Adds up counts, and fails before they are shown. */
  fail(rows: readonly TestRow[], afterMs: number): Promise<void>;
  /** Series and books begin at 0. */
  beginAnew(): Promise<void>;
  /** The answer; throws where it is refused. */
  ask(path: string): Promise<LiveAnswer>;
  /** The sentence of a refusal. */
  refusal(path: string): Promise<string>;
}

/** JSON as it came; tests say what they expect in it. */
export type LiveAnswer = Record<string, never> & Readonly<Record<string, unknown>>;

export const FIXTURE_FACTS: ExporterFacts = {
  version: '1.2.3',
  startedMs: FIXTURE_START_MS,
  hostIp: '10.0.0.2',
  collectAgg: 'default',
  intervalMs: 1000,
  maxSeries: 10,
  maxPairs: 100,
  wantsGeneric: false,
  filters: [],
  readsRdma: true,
  interfaces: [{ name: 'eth1', mode: 'native', note: '', isUp: true }],
  notAttached: [],
  readiness: { ready: true, reason: 'Ready: attached to eth1.' },
  binding: new Set(),
  push: undefined,
  residentMemoryBytes: 1e8,
  cpuSeconds: 1.5,
  eventReaders: 0,
  eventReadersLimit: 64,
};

export function createLiveFixture(options: Partial<FlowAccountsOptions> = {}): LiveFixture {
  const accounts = create({ idleTimeoutMs: 3_600_000, ...options });
  const yieldToLoop = async (): Promise<void> => {
    state.turns++;
  };
  const pairs = createRocePairs(
    {
      hashSeed: 1,
      maxPairs: 1000,
      perQueuePair: false,
      idleTimeoutMs: 3_600_000,
      intervalMs: 1000,
      ipv4PrefixLength: 32,
      ipv6PrefixLength: 128,
    },
    { yieldToLoop },
  );
  const interfaceName = (id: number): string => `eth${id}`;
  const params = (path: string): [string, URLSearchParams] => {
    const [name = '', query = ''] = path.split('?');
    return [name, new URLSearchParams(query)];
  };
  type Method = 'refresh' | 'fail' | 'beginAnew' | 'ask' | 'refusal';
  const state: Omit<LiveFixture, 'view' | Method> = {
    accounts,
    facts: FIXTURE_FACTS,
    rdma: undefined,
    hasRoce: true,
    isOn: true,
    guard: Promise.resolve(),
    labels: ['src_ip', 'dst_ip', 'src_port', 'dst_port', 'protocol', 'traffic_type', 'interface'],
    eventReaders: 0,
    turns: 0,
    nowMs: 5000,
    refreshes: 0,
  };
  const view = new LiveView({
    series: () => accounts.series,
    books: () => accounts.books,
    pairs: () => (state.hasRoce ? pairs.view : undefined),
    rdma: () => state.rdma,
    visibility: () => state.rdma,
    intervalMs: () => state.facts.intervalMs,
    isOn: () => state.isOn,
    eventReaders: () => state.eventReaders,
    nowMs: () => state.nowMs,
    wallMs: () => FIXTURE_START_MS + state.nowMs,
    pacer: new Pacer(yieldToLoop),
    withSnapshot: async (fn) => {
      await state.guard;
      return fn(state.refreshes);
    },
    currentRefresh: () => state.refreshes,
    facts: () => state.facts,
    interfaceName,
    flowFields: () =>
      createFlowLabelFields({
        ...{ interfaceName, hostIp: '10.0.0.2', collectAgg: 'default', labels: state.labels },
        ...{ vlan: false, queuePair: false },
      }),
  });
  async function count(rows: readonly TestRow[], afterMs: number, streams: readonly StreamSpec[]) {
    state.nowMs += afterMs;
    const wallMs = FIXTURE_START_MS + state.nowMs;
    state.refreshes++;
    view.begin();
    const { flows } = await accounts.apply(drainOf(rows), [], wallMs, state.refreshes);
    await pairs.apply(roceRowsOf(streams), [], wallMs, state.refreshes);
    return { flows, takenAtMs: wallMs };
  }
  const fixture: LiveFixture = Object.assign(state, {
    view,
    async refresh(
      rows: readonly TestRow[],
      afterMs = 1000,
      streams: readonly StreamSpec[] = [],
      how: Partial<RefreshTaken> = {},
    ) {
      const counted = await count(rows, afterMs, streams);
      const usual = { isWhole: true, isOfUnknownTime: false, durationMs: 2, stallMs: 1 };
      await view.note({ takenMs: state.nowMs, ...counted, ...usual, ...how });
    },
    async fail(rows: readonly TestRow[], afterMs: number) {
      await count(rows, afterMs, []);
    },
    async beginAnew() {
      await accounts.beginAnew();
      await pairs.beginAnew();
      view.counts.beginAnew();
    },
    async ask(path: string) {
      const answer = await view.answer(...params(path));
      if ('refused' in answer) throw new Error(answer.sentence);
      return JSON.parse(Buffer.concat(answer.body).toString());
    },
    async refusal(path: string) {
      const answer = await view.answer(...params(path));
      return 'refused' in answer ? answer.sentence : 'it was answered';
    },
  });
  accounts.onSeriesEnd((_table, series) => view.counts.endSeries(series));
  return fixture;
}
