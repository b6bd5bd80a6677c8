// SPDX-License-Identifier: Apache-2.0
// A thread that does nothing but wake, and notes how late it is: what the machine adds to the stalls
// of a process that is measured beside it. This file is also what that thread runs.

import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const WAKE_EVERY_MS = 20;

export interface IdleWatch {
  /** Since it began. */
  longestStallMs(): Promise<number>;
  stop(): Promise<number>;
}

export function startIdleWatch(): IdleWatch {
  const worker = new Worker(new URL(import.meta.url));
  return {
    longestStallMs: () =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve).once('error', reject);
        worker.postMessage('how late?');
      }),
    stop: () => worker.terminate(),
  };
}

function watch(): void {
  let wokeMs = performance.now();
  let longestMs = 0;
  setInterval(() => {
    const nowMs = performance.now();
    longestMs = Math.max(longestMs, nowMs - wokeMs - WAKE_EVERY_MS);
    wokeMs = nowMs;
  }, WAKE_EVERY_MS);
  parentPort?.on('message', () => parentPort?.postMessage(longestMs));
}

if (!isMainThread) watch();
