// SPDX-License-Identifier: Apache-2.0
// The only file that does something when it is loaded: bin/xtrace-catch runs it.

import { ignoreSignals } from './compose/ignored-signals.js';

// First of all: the rest takes some tenths of a second to load.
const signals = ignoreSignals(process, () => performance.now());
const { main } = await import('./main.js');
await main(process, signals);
