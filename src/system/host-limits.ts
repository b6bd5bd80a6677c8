// SPDX-License-Identifier: Apache-2.0
// What this host and the bounds of this process mean for BPF, from /proc and /sys under a root. What
// cannot be read is undefined: nothing throws, and nothing needs privilege.

import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { SYSFS_FILES, type SysfsFiles } from './sysfs-files.js';

export type Limit = number | 'unlimited' | undefined;

export interface HostLimits {
  /** RLIMIT_MEMLOCK, the soft one. Bounds BPF maps before Linux 5.11 alone. */
  readonly lockedMemoryBytes: Limit;
  /** The least of what our control groups may use; BPF maps count from Linux 5.11 on. */
  readonly cgroupMemoryBytes: Limit;
  /** The kernel tells of its own types: /sys/kernel/btf/vmlinux. */
  readonly hasBtf: boolean;
  /** net.core.bpf_jit_enable: 0 off, 1 on, 2 with traces. */
  readonly bpfJitEnable: number | undefined;
  /** kernel.unprivileged_bpf_disabled: 0 allowed, 1 and 2 not. */
  readonly unprivilegedBpfDisabled: number | undefined;
  /** Whether an RDMA device is seen in every network namespace, or in its own alone. */
  readonly rdmaNamespaceMode: 'shared' | 'exclusive' | undefined;
  readonly pageBytes: number;
}

export function readHostLimits(
  { root }: { readonly root: string },
  { files = SYSFS_FILES }: { readonly files?: SysfsFiles } = {},
): HostLimits {
  const text = (path: string): string | undefined => files.read(join(root, path)).text;
  const number = (path: string): number | undefined => {
    const value = text(path);
    return value !== undefined && /^\d{1,10}$/.test(value) ? Number(value) : undefined;
  };
  // ib_devices_shared_netns of drivers/infiniband/core/device.c, which `rdma system set netns` changes.
  const isShared = text('sys/module/ib_core/parameters/netns_mode');
  return {
    lockedMemoryBytes: parseLockedMemory(text('proc/self/limits')),
    cgroupMemoryBytes: readCgroupMemory(text),
    hasBtf: files.exists(join(root, 'sys/kernel/btf/vmlinux')),
    bpfJitEnable: number('proc/sys/net/core/bpf_jit_enable'),
    unprivilegedBpfDisabled: number('proc/sys/kernel/unprivileged_bpf_disabled'),
    rdmaNamespaceMode: isShared === 'Y' ? 'shared' : isShared === 'N' ? 'exclusive' : undefined,
    pageBytes: readPageBytes(root),
  };
}

/** Of /proc/PID/limits: the name in 26 columns, then soft limit, hard limit, unit. */
export function parseLockedMemory(limits: string | undefined): Limit {
  const word = /^Max locked memory\s+(\S+)/m.exec(limits ?? '')?.[1];
  if (word === 'unlimited') return word;
  return word !== undefined && /^\d+$/.test(word) ? Number(word) : undefined;
}

/** A cgroup v1 without a limit has the largest multiple of a page that fits 63 bits. */
const UNLIMITED_V1_BYTES = 2 ** 60;

/** Our group and those above it, of version 2 or of the memory controller of version 1. */
function readCgroupMemory(text: (path: string) => string | undefined): Limit {
  for (const line of (text('proc/self/cgroup') ?? '').split('\n')) {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(\/.*)$/.exec(line) ?? [];
    const isV1 = controllers.split(',').includes('memory');
    if (!isV1 && !line.startsWith('0::')) continue;
    const mount = isV1 ? 'sys/fs/cgroup/memory' : 'sys/fs/cgroup';
    const file = isV1 ? 'memory.limit_in_bytes' : 'memory.max';
    const limits = withParents(path).flatMap((group) => {
      const value = text(join(mount, group, file));
      if (value === undefined) return [];
      const bytes = value === 'max' ? Number.POSITIVE_INFINITY : Number(value);
      return Number.isNaN(bytes) ? [] : [bytes];
    });
    if (limits.length === 0) continue; // the other version may have the memory controller
    const least = Math.min(...limits);
    return least < UNLIMITED_V1_BYTES ? least : 'unlimited';
  }
  return undefined;
}

/** `/a/b` -> `/a/b`, `/a`, `/`. What is above our cgroup namespace (`/../x`) is not to be seen. */
function withParents(path: string): string[] {
  const groups = [path.startsWith('/..') ? '/' : path];
  for (let group = groups[0] ?? '/'; group !== '/'; ) {
    group = posix.dirname(group);
    groups.push(group);
  }
  return groups;
}

const AT_PAGESZ = 6n;
const USUAL_PAGE_BYTES = 4096;

/** The auxiliary vector: pairs of u64, type and value. */
function readPageBytes(root: string): number {
  try {
    const vector = readFileSync(join(root, 'proc/self/auxv'));
    for (let at = 0; at + 16 <= vector.length; at += 16) {
      if (vector.readBigUInt64LE(at) === AT_PAGESZ) return Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    return USUAL_PAGE_BYTES; // refused to a process that changed its user
  }
  return USUAL_PAGE_BYTES;
}
