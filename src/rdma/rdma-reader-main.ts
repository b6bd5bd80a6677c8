// SPDX-License-Identifier: Apache-2.0
// The process that reads RDMA files and netlink, started by start-reader.ts: beside cli.ts the only file
// that does something when it is loaded. Answers one question at a time, and ends with its parent.

import type { RdmaQuestion } from './answers.js';
import type { ReaderRequest } from './reader-process.js';

// A service manager signals us too; but we end when our parent does, and not before: the channel to it is
// all that keeps us. At SIGUSR1 Node would open its debugger. First of all: the rest takes time to load.
const IGNORED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
for (const signal of IGNORED) process.on(signal, () => undefined);

const { answerRdmaQuestion } = await import('./answers.js');
const { openRdmaNetlink } = await import('./open-netlink.js');
const sysfsPath = process.argv[2] ?? '/sys';
// A refused read is an answer here, and a port may have hundreds: nobody sees their stacks.
Error.stackTraceLimit = 0;
const nldev = openRdmaNetlink();
process.on('message', (message) => {
  // Only our parent can send, and it sends nothing else.
  const { id, question } = message as ReaderRequest<RdmaQuestion>;
  process.send?.({ id, answer: answerRdmaQuestion({ sysfsPath }, question, { nldev }) });
});
process.send?.({ isReady: true });
