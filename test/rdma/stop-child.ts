// SPDX-License-Identifier: Apache-2.0
// A process that reads RDMA ports under a root and stops on SIGTERM as the exporter does. With the
// argument `unclosed` it exits without a word to the RDMA line, as after a fault. For tests only.

import { startLine } from '../support/rdma/rounds-fixture.js';

const [sysfsPath = '', manner = ''] = process.argv.slice(2);
const line = startLine({ sysfsPath });
line.refresh();
process.on('SIGTERM', () => {
  if (manner !== 'unclosed') line.close();
  process.exit(0);
});
setInterval(() => undefined, 60_000);
