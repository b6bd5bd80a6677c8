// SPDX-License-Identifier: Apache-2.0
// What one drain costs: the real object, the real drain, flows made by program runs. The fence is the
// kernel's grace period and costs time, not CPU; the event loop goes on meanwhile.

import { execFileSync } from 'node:child_process';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { FRAMING } from '../src/abi/kinds.js';
import { type KernelObject, loadKernelObject } from '../src/kernel/load.js';
import { createDrain } from '../src/reader/drain.js';
import { ETHERTYPE, ethernet, ipv4, tcp } from '../test/support/frames/frames.js';
import { buildRunner } from './build-native.js';
import { median } from './median.js';

const FLOW_OBJECT = fileURLToPath(new URL('../bpf/flow.bpf.o', import.meta.url));
const FLOW_CAPACITY = 131_072;
const ROUNDS = 11;
/** In an Ethernet frame with an IPv4 header: the source address. */
const ADDRESS_OFFSET = 26;
/** How often the loop looks at the clock; what it sees beyond that is a stall. */
const PROBE_MS = 1;

export interface DrainRow {
  readonly flows: number;
  /** Rows the drain found: a flow may stand in a slot and in the flow map. */
  readonly rows: number;
  /** Medians over the rounds. */
  readonly fenceMs: number;
  readonly readMs: number;
  /** Longest time in a drain without a turn of the event loop: median over the rounds, and the worst. */
  readonly typicalStallMs: number;
  readonly longestStallMs: number;
}

/** Needs root, clang, libbpf-dev and the built object. */
export async function benchDrain(
  flowCounts: readonly number[] = [1_000, 10_000, 100_000],
): Promise<DrainRow[]> {
  const runner = buildRunner('make-flows');
  const object = loadKernelObject({ objectPath: FLOW_OBJECT, flowCapacity: FLOW_CAPACITY });
  try {
    const rows: DrainRow[] = [];
    for (const flows of flowCounts) rows.push(await benchFlows(runner, object, flows));
    return rows;
  } finally {
    object.close();
  }
}

async function benchFlows(runner: string, object: KernelObject, flows: number): Promise<DrainRow> {
  const reader = createDrain({
    maps: object.maps,
    interfaceIdOf: (ifindex) => ifindex,
    ifindexOf: (id) => id,
    yieldToLoop: () => nextTurn(),
    nowMs: () => performance.now(),
  });
  const fenceMs: number[] = [];
  const readMs: number[] = [];
  const stallMs: number[] = [];
  let rows = 0;
  // The first round warms up code and buffers.
  for (let round = 0; round <= ROUNDS; round++) {
    makeFlows(runner, object, flows);
    const delay = monitorEventLoopDelay({ resolution: PROBE_MS });
    await sleep(20); // the probe's first look, after the work above, is not the drain's
    delay.enable();
    await sleep(5);
    delay.reset();
    const result = await reader.drain();
    await sleep(5); // a stall at the very end is seen by the next look
    delay.disable();
    if (result.error !== undefined) throw result.error;
    const packets = sum(result.rows.packets.subarray(0, result.rows.length));
    if (packets !== flows) throw new Error(`the drain found ${packets} of ${flows} packets`);
    if (round === 0) continue;
    rows = result.rows.length;
    fenceMs.push(result.fenceMs);
    readMs.push(result.readMs);
    stallMs.push(Math.max(0, delay.max / 1e6 - PROBE_MS));
  }
  return {
    flows,
    rows,
    fenceMs: median(fenceMs),
    readMs: median(readMs),
    typicalStallMs: median(stallMs),
    longestStallMs: Math.max(...stallMs),
  };
}

/** One packet each of so many flows, by a child that inherits the program. */
function makeFlows(runner: string, object: KernelObject, flows: number): void {
  const programFd = object.programFd(FRAMING.ethernet, 'frags');
  if (programFd === undefined) throw new Error('the kernel took no xdp.frags program');
  const frame = ethernet(ETHERTYPE.ipv4, ipv4({ src: '10.0.0.0', dst: '10.255.0.1' }, tcp(1024, 443)));
  execFileSync(runner, ['3', String(flows), String(ADDRESS_OFFSET), frame.toString('hex')], {
    stdio: ['ignore', 'inherit', 'inherit', programFd],
  });
}

function sum(values: Float64Array): number {
  return values.reduce((total, value) => total + value, 0);
}
