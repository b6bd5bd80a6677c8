// SPDX-License-Identifier: Apache-2.0
// A child process of stderr.long.test.ts: writes numbered lines to stderr, says on stdout that it has, and how
// many were dropped; waits for SIGUSR2, writes the last line, and exits.

import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { openStderr } from '../../src/compose/open-stderr.js';

const LINES_PER_TURN = 100;
const EXIT_CODE = 7;

const total = Number(process.argv[2]);
const { lines } = openStderr(process);
process.on('exit', () => lines.flush(10_000));
process.on('SIGUSR2', () => {
  lines.write('the last line\n');
  process.exit(EXIT_CODE);
});
const staysAlive = setInterval(() => undefined, 60_000);
staysAlive.ref();
for (let number = 0; number < total; number++) {
  lines.write(`${String(number).padStart(6, '0')} ${'x'.repeat(92)}\n`);
  if (number % LINES_PER_TURN === 0) await setImmediate();
}
process.stdout.write(`dropped ${lines.droppedLines}\n`);
