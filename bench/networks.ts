// SPDX-License-Identifier: Apache-2.0
// A file of 300,000 networks: how long loading takes, how long it holds the event loop up, what its table
// takes in memory, and what a lookup costs. Half of the networks lie in others; names are 1,000.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import process from 'node:process';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { systemClock } from '../src/clock.js';
import { loadNetworks } from '../src/networks/load-networks.js';
import { readNetworkFile } from '../src/networks/network-file.js';
import { NetworkNames } from '../src/networks/network-names.js';
import type { NetworkTable } from '../src/networks/network-table.js';
import { Pacer } from '../src/pacer.js';

const NETWORKS = 300_000;
const NAMES = 1000;
const LOOKUPS = 1 << 20;
/** The least of them is shown: other processes on the machine only add. */
const ROUNDS = 9;

export interface NetworksRow {
  readonly what: string;
  readonly loadMs: number;
  /** The longest of a load. */
  readonly stallMs: number;
  /** Of the table that stays. */
  readonly bytesPerNetwork: number;
  /** Addresses drawn at random among the networks. */
  readonly nsPerLookup: number;
  /** One address in ten is new, the others were among the last thousand. */
  readonly nsPerLookupWarm: number;
}

export async function benchNetworks(): Promise<NetworksRow[]> {
  const folder = mkdtempSync(path.join(tmpdir(), 'bench-networks-'));
  try {
    return [await measure(path.join(folder, 'ipv4'), 4), await measure(path.join(folder, 'ipv6'), 6)];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function measure(file: string, ipVersion: 4 | 6): Promise<NetworksRow> {
  writeFileSync(file, Array.from({ length: NETWORKS }, (_, i) => lineOf(i, ipVersion)).join(''));
  collectGarbage();
  const before = process.memoryUsage().arrayBuffers;
  const table = await load(file);
  collectGarbage();
  const bytes = process.memoryUsage().arrayBuffers - before;

  const loads: number[] = [];
  const stalls: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const startedMs = performance.now();
    await load(file);
    loads.push(performance.now() - startedMs);
    delay.disable();
    stalls.push(delay.max / 1e6);
  }
  return {
    what: `IPv${ipVersion}, ${NETWORKS} networks`,
    loadMs: Math.min(...loads),
    stallMs: Math.min(...stalls),
    bytesPerNetwork: bytes / NETWORKS,
    nsPerLookup: lookUp(table, ipVersion, 1),
    nsPerLookupWarm: lookUp(table, ipVersion, 10),
  };
}

async function load(file: string): Promise<NetworkTable> {
  const pacer = new Pacer(systemClock().yieldToLoop);
  const read = await readNetworkFile(file, pacer);
  if ('problem' in read) throw new Error(read.problem);
  const loaded = await loadNetworks(read.list, new NetworkNames(), pacer);
  if ('problem' in loaded) throw new Error(loaded.problem);
  return loaded.table;
}

/** A scattered order: of two networks one is a /24 (/64), the other lies in it. */
function lineOf(i: number, ipVersion: 4 | 6): string {
  const block = ((i >> 1) * 7919) % (NETWORKS / 2);
  const high = block >> 8;
  const inner = (i & 1) === 1;
  const name = `network ${i % NAMES}`;
  if (ipVersion === 4)
    return `${10 + (high >> 8)}.${high & 255}.${block & 255}.${inner ? 128 : 0}/${inner ? 25 : 24} ${name}\n`;
  const hex = [0x2001, 0xdb8, high, block & 255].map((group) => group.toString(16)).join(':');
  return `${hex}${inner ? ':8000::/65' : '::/64'} ${name}\n`;
}

/** freshOneIn: so often an address is a new one. */
function lookUp(table: NetworkTable, ipVersion: 4 | 6, freshOneIn: number): number {
  const words = new Uint32Array(4 * LOOKUPS);
  const bytes = new DataView(words.buffer);
  for (let i = 0; i < LOOKUPS; i++) {
    const source = i >= 1000 && i % freshOneIn !== 0 ? i - 1000 : i;
    if (source !== i) {
      words.copyWithin(4 * i, 4 * source, 4 * source + 4);
      continue;
    }
    const block = Math.floor(Math.random() * (NETWORKS / 2));
    if (ipVersion === 4) {
      bytes.setUint32(16 * i, ((10 << 24) + (block << 8) + Math.floor(Math.random() * 256)) >>> 0);
    } else {
      bytes.setUint32(16 * i, 0x2001_0db8);
      bytes.setUint32(16 * i + 4, ((block >> 8) << 16) | (block & 255));
      bytes.setUint32(16 * i + 8, Math.floor(Math.random() * 2 ** 32));
    }
  }
  let sum = 0;
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startedMs = performance.now();
    if (ipVersion === 4) for (let i = 0; i < LOOKUPS; i++) sum += table.numberOf4(words[4 * i] ?? 0);
    else for (let i = 0; i < LOOKUPS; i++) sum += table.numberOf6(words, 4 * i);
    return ((performance.now() - startedMs) * 1e6) / LOOKUPS;
  });
  if (sum < LOOKUPS) throw new Error('addresses were found in no network');
  return Math.min(...rounds);
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void; // what the flag gives to new contexts
  collect();
  collect();
}
