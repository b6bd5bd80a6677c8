// SPDX-License-Identifier: Apache-2.0
// The process that reads NICs, started by start-nic-reader.ts: it does something when it is loaded. Answers one question
// at a time, and ends with its parent.

import type { ReaderRequest } from '../rdma/reader-process.js';
import type { NicQuestion } from './questions.js';

// As rdma/rdma-reader-main.ts: only the end of our parent ends us, and at SIGUSR1 Node would open its debugger.
const IGNORED = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
for (const signal of IGNORED) process.on(signal, () => undefined);

const { createNicAnswers } = await import('./answers.js');
const { rawFilter } = await import('./raw-filter.js');
const { openLibc } = await import('../kernel/ffi.js');
const { openEthtool } = await import('../kernel/ethtool/ethtool-ioctl.js');
const { openEthtoolNetlink } = await import('../kernel/ethtool/ethtool-netlink.js');
const { SYSFS_FILES } = await import('../system/sysfs-files.js');
// Only our parent starts us, with these.
const [sysfsPath = '/sys', ...raw] = process.argv.slice(2);
// A refused read is an answer here.
Error.stackTraceLimit = 0;
const libc = openLibc();
const answer = createNicAnswers(
  { sysfsPath, wantsRaw: rawFilter(raw) },
  {
    ethtool: openEthtool(libc),
    netlink: openEthtoolNetlink(libc),
    files: SYSFS_FILES,
    nowMs: () => Number(process.hrtime.bigint() / 1000n) / 1000,
  },
);
process.on('message', (message) => {
  // Only our parent can send, and it sends nothing else.
  const { id, question } = message as ReaderRequest<NicQuestion>;
  process.send?.({ id, answer: answer(question) });
});
process.send?.({ isReady: true });
