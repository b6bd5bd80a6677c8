// SPDX-License-Identifier: Apache-2.0
// What it costs a refresh that people can look at what is counted: with nobody looking, and with one page that
// listens to events and asks for flows, pairs and overview after each. And what an answer costs, also of the largest
// that can be asked for. Answers are made between two refreshes here: the CPU time of each is its own.

import { setImmediate as turn } from 'node:timers/promises';
import { LiveView } from '../src/api/live-view.js';
import { createFlowLabelFields } from '../src/metrics/flow-label-fields.js';
import { Pacer } from '../src/pacer.js';
import type { RocePairs } from '../src/roce/roce-pairs.js';
import { createBenchAccounts, createFlowRows, probeStalls } from './flow-table.js';
import { median } from './median.js';
import { createBenchPairs, createRoceRows } from './state.js';

const REPEATS = 30;
/** A refresh with nobody looking may take so much more than one without any of this. */
const UNNOTICED_MS = 0.2;
const STALL_MAX_MS = 10;
const PAIRS = 1000;
type Looking = 'nobody' | 'one page' | 'top=1000';

interface ApiFigures {
  readonly flows: number;
  readonly looking: string;
  readonly refreshCpuMs: number;
  /** Of it, what people look at took. */
  readonly liveCpuMs: number;
  /** All three answers. */
  readonly answersCpuMs: number;
  readonly stallMs: number;
  readonly longestStallMs: number;
  readonly answerBytes: number;
  readonly missed: boolean;
}

export async function benchApi(): Promise<ApiFigures[]> {
  const figures: ApiFigures[] = [];
  for (const flows of [10_000, 100_000]) {
    figures.push(await measure(flows, 'nobody'), await measure(flows, 'one page'));
    figures.push(await measure(flows, 'top=1000'));
  }
  return figures;
}

async function measure(flows: number, looking: Looking): Promise<ApiFigures> {
  const accounts = createBenchAccounts(flows);
  const rows = createFlowRows(flows, 0, 1000);
  const isLooking = looking !== 'nobody';
  const pairs = looking === 'top=1000' ? createBenchPairs(PAIRS, { turn: () => turn() }) : undefined;
  const pairRows = createRoceRows(PAIRS);
  let refresh = 0;
  const view = createView({ accounts, pairs, currentRefresh: () => refresh, isLooking });
  await accounts.apply(rows, [], 0);
  const [refreshes, lives, answers, stalls] = [[], [], [], []] as [number[], number[], number[], number[]];
  let answerBytes = 0;
  for (let i = 1; i <= 2 * REPEATS; i++) {
    refresh = i;
    // The probe spins: what it costs must not be in the CPU time of the others.
    const probe = i % 2 === 0 ? probeStalls() : undefined;
    await turn();
    const startedMs = cpuMs();
    await accounts.apply(rows, [], 1000 * i);
    await pairs?.apply(pairRows, [], 1000 * i, i);
    const appliedMs = cpuMs();
    await view.note({
      ...{
        takenMs: 1000 * i,
        takenAtMs: 1000 * i,
        isWhole: true,
        isOfUnknownTime: false,
        durationMs: 1,
        stallMs: 0,
        flows,
      },
    });
    if (isLooking) view.event(refresh);
    const notedMs = cpuMs();
    answerBytes = isLooking ? await askAll(view, looking === 'top=1000' ? 1000 : 100) : 0;
    if (probe !== undefined) {
      stalls.push(await probe.stop());
      continue;
    }
    answers.push(cpuMs() - notedMs);
    lives.push(notedMs - appliedMs);
    refreshes.push(notedMs - startedMs);
  }
  const [liveCpuMs, stallMs] = [median(lives), median(stalls)];
  return {
    flows,
    looking,
    refreshCpuMs: median(refreshes),
    liveCpuMs,
    answersCpuMs: median(answers),
    stallMs,
    longestStallMs: Math.max(...stalls),
    answerBytes,
    missed: stallMs > STALL_MAX_MS || (!isLooking && liveCpuMs > UNNOTICED_MS),
  };
}

/** Bytes of all answers, which are asked for at once. */
async function askAll(view: LiveView, top: number): Promise<number> {
  const queries = { overview: '', flows: `top=${top}`, pairs: `top=${top}` };
  const answers = await Promise.all(
    Object.entries(queries).map(([name, query]) => view.answer(name, new URLSearchParams(query))),
  );
  let bytes = 0;
  for (const answer of answers) {
    if ('body' in answer) bytes += answer.body.reduce((sum, { length }) => sum + length, 0);
  }
  return bytes;
}

function createView({
  accounts,
  pairs,
  currentRefresh,
  isLooking,
}: {
  readonly accounts: ReturnType<typeof createBenchAccounts>;
  readonly pairs: RocePairs | undefined;
  currentRefresh(): number;
  readonly isLooking: boolean;
}): LiveView {
  const interfaceName = (id: number): string => `eth${id}`;
  return new LiveView({
    series: () => accounts.series,
    books: () => accounts.books,
    pairs: () => pairs?.view,
    rdma: () => undefined,
    visibility: () => undefined,
    intervalMs: () => 1000,
    isOn: () => true,
    eventReaders: () => (isLooking ? 1 : 0),
    nowMs: () => 0,
    wallMs: () => 0,
    pacer: new Pacer(() => turn()),
    withSnapshot: (fn) => fn(currentRefresh()),
    currentRefresh,
    interfaceName,
    flowFields: () =>
      createFlowLabelFields({
        ...{ interfaceName, hostIp: '10.0.0.2', collectAgg: 'default', vlan: false, queuePair: false },
      }),
    facts: () => ({
      ...{ version: '0', startedMs: 0, hostIp: '10.0.0.2', collectAgg: 'default', intervalMs: 1000 },
      ...{ maxSeries: 100_000, maxPairs: 1000, wantsGeneric: false, filters: [], readsRdma: false },
      interfaces: [{ name: 'eth0', mode: 'native', note: '', isUp: true }],
      ...{ notAttached: [], readiness: { ready: true, reason: '' }, binding: new Set(), push: undefined },
      ...{ residentMemoryBytes: 0, cpuSeconds: 0, eventReaders: 0, eventReadersLimit: 64 },
    }),
  });
}

/** Of this thread's process; other processes of a busy machine are not in it. */
function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
