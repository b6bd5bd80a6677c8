// SPDX-License-Identifier: Apache-2.0
// The only file that does something when it is loaded: bin/xtrace-catch runs it.

import { ignoreSignals } from './compose/ignored-signals.js';

// First of all: the rest takes some tenths of a second to load.
const signals = ignoreSignals(process, () => performance.now());
try {
  const { main } = await import('./main.js');
  await main(process, signals);
} catch (error) {
  // main() never rejects: a file of the program, or of a package, is missing or cannot be read.
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`xtrace-catch: the program cannot be loaded: ${message.replace(/\s+/g, ' ')}\n`);
  process.exitCode = 1;
}
