// SPDX-License-Identifier: Apache-2.0
// Starts the process that reads NICs: this program's own, with nothing but what it needs to know.

import { fileURLToPath } from 'node:url';
import { type ReaderProcess, startReaderProcess } from '../rdma/reader-process.js';
import type { NicAnswer, NicQuestion } from './questions.js';

const SCRIPT = fileURLToPath(new URL('./nic-reader-main.js', import.meta.url));

export function startNicReader(options: {
  readonly sysfsPath: string;
  readonly raw: readonly string[];
}): ReaderProcess<NicQuestion, NicAnswer> {
  return startReaderProcess(SCRIPT, [options.sysfsPath, ...options.raw]);
}
