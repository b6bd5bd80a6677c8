// SPDX-License-Identifier: Apache-2.0
// Whose queue pairs are: 4,096 of 256 processes on 16 devices. What a reading costs the reading process (the kernel's
// own part left out: its messages are ready), what it sends us, what that costs us, and what it takes in memory.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import type { Libc } from '../src/kernel/ffi.js';
import { createNldev } from '../src/kernel/rdma/nldev.js';
import { ownerFamilies } from '../src/metrics/owner-families.js';
import { OwnerRegister } from '../src/rdma/owner-register.js';
import { createProcessOwners } from '../src/rdma/process-owners.js';
import { DeviceQueuePairs } from '../src/rdma/queue-pair-lookup.js';
import { type QueuePairTable, readQueuePairTable } from '../src/rdma/queue-pair-table.js';
import { deviceMessage, doneMessage, queuePairMessage } from '../test/support/rdma/nldev-builder.js';

const DEVICES = 16;
const QUEUE_PAIRS = 256;
const PROCESSES = 16;
/** In a datagram of 16 KiB. */
const QUEUE_PAIRS_A_MESSAGE = 128;
/** The least of them is shown: other processes on the machine only add. */
const ROUNDS = 9;

export interface RdmaOwnersRow {
  readonly what: string;
  /** All devices: netlink's messages decoded, and /proc read. */
  readonly readMs: number;
  /** Of all answers. */
  readonly answerBytes: number;
  /** All answers made tables in the exporter, and the longest of them, which holds the event loop. */
  readonly takeMs: number;
  readonly longestTakeMs: number;
  /** The families of a scrape, with a series for each queue pair. */
  readonly familiesMs: number;
  /** Of the tables that stay. */
  readonly heapBytesPerQueuePair: number;
}

export async function benchRdmaOwners(): Promise<RdmaOwnersRow[]> {
  const procPath = mkdtempSync(path.join(tmpdir(), 'bench-rdma-owners-'));
  try {
    for (let pid = 1; pid <= DEVICES * PROCESSES; pid++) writeProcess(procPath, pid);
    return [measure(procPath)];
  } finally {
    rmSync(procPath, { recursive: true });
  }
}

function measure(procPath: string): RdmaOwnersRow {
  const nldev = createNldev(kernel());
  const best = { readMs: Infinity, takeMs: Infinity, longestTakeMs: Infinity, familiesMs: Infinity };
  const register = new OwnerRegister({ maxOwners: 256, idleTimeoutMs: 300_000 });
  let answers: string[] = [];
  let devices: DeviceQueuePairs[] = [];
  let heapBytes = 0;
  for (let round = 0; round < ROUNDS; round++) {
    let startedMs = performance.now();
    answers = Array.from({ length: DEVICES }, (_, index) => {
      const processes = createProcessOwners({ procPath });
      const nowMs = () => performance.now();
      return JSON.stringify(readQueuePairTable(`mlx5_${index}`, { nldev, processes, nowMs }));
    });
    best.readMs = Math.min(best.readMs, performance.now() - startedMs);
    devices = [];
    const heapBefore = process.memoryUsage().heapUsed;
    startedMs = performance.now();
    let longestMs = 0;
    for (const answer of answers) {
      const takenFromMs = performance.now();
      const table = JSON.parse(answer) as QueuePairTable; // as written just above
      devices.push(new DeviceQueuePairs(table, (owner) => register.claim(owner, 0)));
      longestMs = Math.max(longestMs, performance.now() - takenFromMs);
    }
    best.takeMs = Math.min(best.takeMs, performance.now() - startedMs);
    best.longestTakeMs = Math.min(best.longestTakeMs, longestMs);
    heapBytes = process.memoryUsage().heapUsed - heapBefore;
    startedMs = performance.now();
    ownerFamilies(
      {
        devices: devices.map((queuePairs, index) => ({
          ...{ device: `mlx5_${index}`, queuePairs, isRead: true },
          ...{ timeouts: 0, errors: 0, refusedMessages: 0 },
        })),
        sums: { rows: [], waitingBytes: new Map() },
      },
      [],
      { hostIp: '192.0.2.1', collectAgg: 'default', perQueuePair: true },
    );
    best.familiesMs = Math.min(best.familiesMs, performance.now() - startedMs);
  }
  return {
    what: `${DEVICES * QUEUE_PAIRS} queue pairs of ${DEVICES * PROCESSES} processes on ${DEVICES} devices`,
    ...best,
    answerBytes: answers.reduce((sum, answer) => sum + answer.length, 0),
    heapBytesPerQueuePair: Math.max(0, heapBytes) / (DEVICES * QUEUE_PAIRS),
  };
}

/** Answers each dump with messages that were made beforehand, as large as the kernel's. */
function kernel(): Libc {
  const names = Array.from({ length: DEVICES }, (_, index) => `mlx5_${index}`);
  const listed = Buffer.concat(names.map((name, index) => deviceMessage(0, index, name)));
  const tables = names.map((name, index) =>
    Array.from({ length: QUEUE_PAIRS / QUEUE_PAIRS_A_MESSAGE }, (_, part) =>
      queuePairMessage(
        0,
        index,
        name,
        Array.from({ length: QUEUE_PAIRS_A_MESSAGE }, (_one, i) => {
          const number = 256 + part * QUEUE_PAIRS_A_MESSAGE + i;
          return { number, remoteNumber: number + 1000, pid: 1 + index * PROCESSES + (i % PROCESSES) };
        }),
      ),
    ),
  );
  const done = doneMessage(0);
  let waiting: Buffer[] = [];
  let sequence = 0;
  const calls = {
    socket: () => 3,
    send(_fd: number, request: Buffer, length: number) {
      sequence = request.readUInt32LE(8);
      waiting = length === 16 ? [listed, done] : [...(tables[request.readUInt32LE(20)] ?? []), done];
      return length;
    },
    recv(_fd: number, buffer: Buffer) {
      const next = waiting.shift() ?? done;
      next.copy(buffer);
      for (let at = 0; at < next.length; at += (next.readUInt32LE(at) + 3) & ~3) {
        buffer.writeUInt32LE(sequence, at + 8);
      }
      return next.length;
    },
    close: () => 0,
    memory: { errno: () => 0 },
  };
  return calls as unknown as Libc; // only these are called
}

function writeProcess(procPath: string, pid: number): void {
  const folder = path.join(procPath, String(pid));
  mkdirSync(folder);
  writeFileSync(path.join(folder, 'stat'), `${pid} (python3) S ${'1 '.repeat(18)}${1000 + pid} 0\n`);
  writeFileSync(
    path.join(folder, 'cgroup'),
    `0::/system.slice/slurmstepd.scope/job_${4000 + (pid >> 3)}/step_0/user/task_${pid & 7}\n`,
  );
}
