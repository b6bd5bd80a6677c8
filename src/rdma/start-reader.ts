// SPDX-License-Identifier: Apache-2.0
// Starts the process that reads RDMA files: this program's own, with nothing but the path of sysfs.

import { fileURLToPath } from 'node:url';
import type { RdmaAnswer, RdmaQuestion } from './answers.js';
import { type ReaderProcess, startReaderProcess } from './reader-process.js';

const SCRIPT = fileURLToPath(new URL('./rdma-reader-main.js', import.meta.url));

export function startRdmaReader(sysfsPath: string): ReaderProcess<RdmaQuestion, RdmaAnswer> {
  return startReaderProcess(SCRIPT, [sysfsPath]);
}
