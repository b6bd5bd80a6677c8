// SPDX-License-Identifier: Apache-2.0
// Which of the capabilities we need this process lacks. Asks the kernel for nothing else.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

// include/uapi/linux/capability.h
const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;
const CAP_PERFMON = 38n;
const CAP_BPF = 39n;

export type NeededCapability = 'CAP_BPF' | 'CAP_NET_ADMIN' | 'CAP_PERFMON';

/** Of /proc/self/status under `root`. */
export function readMissingCapabilities(options: { root: string }): NeededCapability[] {
  return missingCapabilities(readFileSync(join(options.root, 'proc/self/status'), 'utf8'));
}

/**
 * @param status text of /proc/PID/status. Those missing from the effective set; all where the text
 * has no such line. CAP_SYS_ADMIN stands for each: bpf_capable(), bpf_net_capable() and
 * perfmon_capable() in the kernel accept it. CAP_PERFMON is for the verifier, which otherwise
 * forbids adding a header's length to a packet pointer.
 */
export function missingCapabilities(status: string): NeededCapability[] {
  const hex = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  const effective = BigInt(`0x${hex}`);
  const has = (capability: bigint) => ((effective >> capability) & 1n) === 1n;
  if (has(CAP_SYS_ADMIN)) return [];
  const missing: NeededCapability[] = [];
  if (!has(CAP_BPF)) missing.push('CAP_BPF');
  if (!has(CAP_NET_ADMIN)) missing.push('CAP_NET_ADMIN');
  if (!has(CAP_PERFMON)) missing.push('CAP_PERFMON');
  return missing;
}
