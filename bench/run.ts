// SPDX-License-Identifier: Apache-2.0
// `make bench`: runs the sections named on the command line, all but the long ones without names;
// prints a table each and writes bench/results/<section>.json. Decides nothing about what a figure
// should be, but fails where a row says that it has missed its goal.

import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { benchApi } from './api.js';
import { benchBrowsers } from './browsers.js';
import { benchChurn } from './churn.js';
import { benchDatapath } from './datapath.js';
import { benchRealDatapath } from './datapath-real.js';
import { benchDrain } from './drain.js';
import { benchMarks } from './drain-marks.js';
import { benchExposition } from './exposition.js';
import { benchFlood } from './flood.js';
import { benchFlowTable } from './flow-table.js';
import { benchHour } from './hour.js';
import { benchMemory } from './memory.js';
import { benchNetworks } from './networks.js';
import { benchNic } from './nic.js';
import { benchPush } from './push.js';
import { benchPushSoak } from './push-soak.js';
import { benchRdmaOwners } from './rdma-owners.js';
import { type Machine, renderResultFile } from './result-file.js';
import { benchScan } from './scan.js';
import { benchScrape } from './scrape.js';
import { benchShortFlows } from './short-flows.js';
import { benchSoak } from './soak.js';
import { benchStart } from './start.js';
import { benchState } from './state.js';
import { renderTable } from './table.js';
import { benchUser } from './user.js';
import { benchVerifier } from './verifier.js';

const RESULTS = fileURLToPath(new URL('../../bench/results/', import.meta.url));

/** In this order: memory and what follows move the process to another network namespace, so they come last. */
const SECTIONS: Readonly<Record<string, () => object[] | Promise<object[]>>> = {
  datapath: () => benchDatapath(readNumber('DATAPATH_ROUNDS', 11)),
  'datapath-real': () => benchRealDatapath(readNumber('DATAPATH_ROUNDS', 5)),
  verifier: benchVerifier,
  drain: async () => [...(await benchDrain()), ...(await benchMarks())],
  exposition: benchExposition,
  'flow-table': async () =>
    Object.entries(await benchFlowTable()).map(([load, figures]) => ({ load, ...figures })),
  api: benchApi,
  networks: benchNetworks,
  'rdma-owners': benchRdmaOwners,
  state: () => benchState(),
  push: benchPush,
  memory: benchMemory,
  start: () => benchStart(readNumber('START_RUNS', 7)),
  nic: benchNic,
  scan: benchScan,
  scrape: () => benchScrape(readNumber('SCRAPE_FLOWS', 100_000)),
  'push-soak': benchPushSoak,
  'short-flows': benchShortFlows,
  soak: () => benchSoak(readNumber('SOAK_MINUTES', 30)),
  flood: () => benchFlood(readNumber('FLOOD_FLOWS', 1_000_000), readNumber('FLOOD_SECONDS', 60)),
  browsers: () => benchBrowsers(readNumber('BROWSERS_SECONDS', 600)),
  churn: () => benchChurn(readNumber('CHURN_MINUTES', 10)),
  user: () => benchUser(readNumber('USER_INTERVALS', 6)),
  hour: () => benchHour(readNumber('HOUR_MINUTES', 60)),
};

/** Run only when they are named: minutes each. */
const LONG: readonly string[] = [
  'scrape',
  'push-soak',
  'short-flows',
  'soak',
  'flood',
  'browsers',
  'churn',
  'user',
  'hour',
];

async function runSections(names: readonly string[]): Promise<void> {
  const unknown = names.filter((name) => SECTIONS[name] === undefined);
  if (unknown.length > 0) {
    throw new Error(`no section ${unknown.join(', ')}; there are ${Object.keys(SECTIONS).join(', ')}`);
  }
  const machine = describeMachine();
  process.stdout.write(`${Object.values(machine).join(' · ')}\n`);
  for (const [name, bench] of Object.entries(SECTIONS)) {
    if (names.length > 0 ? !names.includes(name) : LONG.includes(name)) continue;
    const rows = await bench();
    process.stdout.write(`\n${name}\n${renderTable(rows)}\n`);
    mkdirSync(RESULTS, { recursive: true });
    writeFileSync(path.join(RESULTS, `${name}.json`), renderResultFile(name, machine, rows));
    const missed = rows.flatMap((row) =>
      'missed' in row && row.missed === true ? [JSON.stringify(row)] : [],
    );
    if (missed.length > 0) throw new Error(`${name} has missed its goal: ${missed.join(', ')}`);
  }
}

/** What a variable of the environment makes a section take, above 0. */
function readNumber(name: string, otherwise: number): number {
  const text = process.env[name] ?? String(otherwise);
  const number = Number(text);
  if (!(number > 0)) throw new Error(`${name} is "${text}", and must be a number above 0`);
  return number;
}

function describeMachine(): Machine {
  const processors = cpus();
  return {
    kernel: `Linux ${release()}`,
    cpu: `${processors.length} x ${processors[0]?.model.trim() ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    node: `Node ${process.version}`,
    date: new Date().toISOString(),
  };
}

try {
  await runSections(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`bench: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
