// SPDX-License-Identifier: Apache-2.0
// Processor time for what is measured before what only disturbs it: clients of a server have machines
// of their own, in life, and so has what else runs beside a test. For tests only. Needs root.

import { readFileSync, writeFileSync } from 'node:fs';
import { getPriority, setPriority } from 'node:os';
import process from 'node:process';
import { atEnd } from './cleanup.js';

const FIRST = -15;

/** A process of a session of its own, such as a Child. */
export function putFirst(pid: number): void {
  setPriority(pid, FIRST);
  setSessionPriority(pid, FIRST);
}

/** The test process, until the returned function is called. */
export function putTestFirst(): () => void {
  const before = getPriority();
  const sessionBefore = sessionPriority();
  setPriority(FIRST);
  setSessionPriority(process.pid, FIRST);
  return atEnd(() => {
    setPriority(before);
    setSessionPriority(process.pid, sessionBefore);
  });
}

/** sched(7): with autogroups nice values count within a session, which has one of its own. */
function setSessionPriority(pid: number, priority: number): void {
  try {
    writeFileSync(`/proc/${pid}/autogroup`, String(priority));
  } catch {
    return; // a kernel without autogroups
  }
}

function sessionPriority(): number {
  try {
    return Number(/nice (-?\d+)/.exec(readFileSync('/proc/self/autogroup', 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}
