// SPDX-License-Identifier: Apache-2.0
// The only file that does something when it is loaded: bin/xtrace-catch runs it.

import { main } from './main.js';

await main(process);
