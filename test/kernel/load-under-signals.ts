// SPDX-License-Identifier: Apache-2.0
// A child process of load.test.ts: loads an object while a timer of the kernel sends it a signal every
// millisecond, as a profiler does, and says what it loaded.

import { createRequire } from 'node:module';
import process from 'node:process';
import { ExporterError } from '../../src/errors.js';
import { loadKernelObject } from '../../src/kernel/load.js';

const ITIMER_REAL = 0;
const INTERVAL_US = 1000;

const ffi = createRequire(import.meta.url)('ffi-napi') as typeof import('ffi-napi');
// int setitimer(int which, const struct itimerval *new_value, struct itimerval *old_value)
const libc = ffi.Library(null, { setitimer: ['int', ['int', 'pointer', 'pointer']] });

let signals = 0;
process.on('SIGALRM', () => {
  signals++;
});
const interval = Buffer.alloc(32); // two of { seconds, microseconds }
interval.writeBigInt64LE(BigInt(INTERVAL_US), 8);
interval.writeBigInt64LE(BigInt(INTERVAL_US), 24);
if (libc.setitimer(ITIMER_REAL, interval, Buffer.alloc(32)) !== 0) throw new Error('setitimer failed');

try {
  const [, , objectPath = '', portableObjectPath = objectPath] = process.argv;
  const object = loadKernelObject({ objectPath, portableObjectPath, flowCapacity: 64 });
  object.close();
  process.stdout.write(`loaded ${object.objectPath} ${object.flavours}\n`);
} catch (error) {
  if (!(error instanceof ExporterError)) throw error;
  process.stdout.write(`${error.code} ${error.message}\n`);
  process.exitCode = error.exitCode;
}
// The timer went on all the while.
const seen = setInterval(() => {
  if (signals === 0) return;
  clearInterval(seen);
  libc.setitimer(ITIMER_REAL, Buffer.alloc(32), Buffer.alloc(32));
}, 1);
