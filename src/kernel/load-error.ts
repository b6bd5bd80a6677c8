// SPDX-License-Identifier: Apache-2.0
// What a refused load means, in a sentence. Pure.

import { KernelError } from '../errors.js';
import type { NeededCapability } from './capabilities.js';
import { ERRNO, errnoName } from './errno.js';
import { MAX_LOAD_TRIES } from './load-tries.js';

/** Lines of the verifier's log that a message carries; all of it is the error's detail. */
const SHOWN_LOG_LINES = 3;

export const NO_PRIVILEGE_SENTENCE =
  'loading XDP programs needs the capabilities CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON: run as root, or with these three (systemd: AmbientCapabilities=CAP_BPF CAP_NET_ADMIN CAP_PERFMON; docker: --cap-add of each, or --privileged)';

const FORBIDDEN_ALL_THE_SAME =
  "this process has them, but something else forbids bpf(): a user namespace, or a seccomp profile such as docker's before version 23 (add --security-opt seccomp=unconfined)";

/**
 * How the verifier ends its log for a process without CAP_PERFMON: packet pointers plus a header's
 * variable length are allowed to the others only (sanitize_ptr_alu() in kernel/bpf/verifier.c).
 */
const ROOT_ONLY = /prohibited for !root/;

/** Says something of the program, or of what this process may do: another try ends likewise. */
const LASTING: ReadonlySet<number> = new Set([
  ERRNO.EACCES,
  ERRNO.EINVAL,
  ERRNO.E2BIG,
  ERRNO.EFAULT,
  ERRNO.EOPNOTSUPP,
  ERRNO.ENOTSUPP,
  ERRNO.EPERM,
]);

/** What there is too little of, and what helps. */
const SHORTAGES: ReadonlyMap<number, string> = new Map([
  [
    ERRNO.EMFILE,
    'this process has as many files open as it may (EMFILE): raise that limit (systemd: LimitNOFILE=, shell: ulimit -n)',
  ],
  [ERRNO.ENFILE, 'this machine has as many files open as it may (ENFILE): raise fs.file-max'],
  [ERRNO.ENOMEM, "the kernel has no memory for it (ENOMEM): free some, or raise the control group's limit"],
]);

/** Whether waiting does not mend a refusal to load. */
export function isLastingRefusal(errno: number): boolean {
  return LASTING.has(errno);
}

/** What lacks where one more program is to be loaded over maps that are there; undefined where that is not why. */
export function shortageError(programName: string, errno: number, log: string): KernelError | undefined {
  const shortage = SHORTAGES.get(errno);
  if (shortage === undefined) return undefined;
  const message = `the program "${programName}" cannot be loaded now: ${shortage}; it is tried again every minute`;
  return new KernelError('bpf_object__load', errno, message, { detail: log });
}

/**
 * @param log the verifier's log, '' where no program was refused
 * @param missing what this process lacks. Without CAP_PERFMON the verifier follows speculative paths,
 *   too, and may give up in other words: Linux 6.1 says EFAULT, "The sequence of 8193 jumps is too complex"
 */
export function loadError(errno: number, log: string, missing: readonly NeededCapability[]): KernelError {
  const call = 'bpf_object__load';
  const detail = log;
  const isVerifierStricter = log !== '' && (missing.length > 0 || ROOT_ONLY.test(log));
  if (errno === ERRNO.EPERM || isVerifierStricter) {
    const hasCapabilities = missing.length === 0 && !isVerifierStricter;
    const message = hasCapabilities
      ? `${NO_PRIVILEGE_SENTENCE}; ${FORBIDDEN_ALL_THE_SAME}`
      : NO_PRIVILEGE_SENTENCE;
    return new KernelError(call, errno, message, { detail, code: 'NO_PRIVILEGE' });
  }
  if (errno === ERRNO.EAGAIN) {
    const message = `the process was interrupted each of the ${MAX_LOAD_TRIES} times that it loaded the BPF object (EAGAIN): it is stopped, traced or frozen again and again; start it once that has ended`;
    return new KernelError(call, errno, message, { detail });
  }
  const lines = log.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('processed '));
  if (lines.length > 0) {
    const shown = lines.slice(-SHOWN_LOG_LINES).join('; ');
    return new KernelError(
      call,
      errno,
      `the kernel's verifier refuses the program (${errnoName(errno)}): ${shown}`,
      {
        detail,
      },
    );
  }
  if (errno === ERRNO.ENOMEM || errno === ERRNO.E2BIG) {
    const message = `the kernel has no room for the BPF maps (${errnoName(errno)}): ask for fewer flow map entries or less slot memory`;
    return new KernelError(call, errno, message, { detail });
  }
  const message = `the kernel refuses the BPF object (${errnoName(errno)}): it needs Linux 5.15 or later with CONFIG_BPF_SYSCALL and BTF`;
  return new KernelError(call, errno, message, { detail });
}
