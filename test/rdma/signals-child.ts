// SPDX-License-Identifier: Apache-2.0
// A process that reads RDMA ports under a root and ignores what the exporter ignores; prints, after each
// round, whether the ports could be read. For tests only.

import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { ignoreSignals } from '../../src/compose/ignored-signals.js';
import { startLine } from '../support/rdma/rounds-fixture.js';

const [sysfsPath = ''] = process.argv.slice(2);
ignoreSignals(process, () => performance.now());
const line = startLine({ sysfsPath });
for (;;) {
  await line.round();
  process.stdout.write(`${line.lines(/read_success/).join(' ')}\n`);
  await delay(100);
}
