// SPDX-License-Identifier: Apache-2.0
// What the host allows: privilege, the kernel's word on our object, memory, and what /sys shows. Pure.

import { NO_PRIVILEGE_SENTENCE } from '../kernel/load-error.js';
import { isKernelAtLeast, OLDEST_KERNEL, parseKernelVersion } from '../system/kernel-version.js';
import type { DoctorFacts, HostFacts } from './facts.js';
import type { Finding, FindingLevel } from './finding.js';

const MEBI = 1024 * 1024;
/** An idle exporter and the kernel maps of the defaults; see docs/performance.md. */
const LEAST_MEMORY_BYTES = 160 * MEBI;
/** Kernel maps of the defaults, where they still count as locked memory. */
const LEAST_LOCKED_BYTES = 64 * MEBI;
/** BPF memory counts for the control group instead (merge 07cbce2e466c). */
const KERNEL_WITHOUT_MEMLOCK = { major: 5, minor: 11 } as const;

export function judgeHost({ host }: DoctorFacts): Finding[] {
  return [...judgeLoading(host), ...judgeKernel(host), ...judgeMemory(host), ...judgeSysfs(host)];
}

function judgeLoading(host: HostFacts): Finding[] {
  const { libbpf, missingCapabilities, object } = host;
  if (missingCapabilities.length > 0) {
    const lacking = `this process lacks ${missingCapabilities.join(', ')}, so doctor could not test whether the BPF object loads`;
    return [finding('problem', `${NO_PRIVILEGE_SENTENCE}; ${lacking}`)];
  }
  if (libbpf.sentence !== undefined) return [finding('problem', libbpf.sentence)];
  return object.isLoaded ? [] : [finding('problem', object.sentence)];
}

function judgeKernel(host: HostFacts): Finding[] {
  const findings: Finding[] = [];
  const version = parseKernelVersion(host.kernelRelease);
  const oldest = `${OLDEST_KERNEL.major}.${OLDEST_KERNEL.minor}`;
  if (version === undefined || !isKernelAtLeast(version, OLDEST_KERNEL)) {
    findings.push(
      finding('warning', `Linux ${host.kernelRelease} is older than ${oldest}, the oldest this is tried on`),
    );
  }
  if (!host.hasBtf) {
    const sentence =
      'the kernel has no BTF (no /sys/kernel/btf/vmlinux): with CONFIG_DEBUG_INFO_BTF counting is faster, and multi-buffer frames are recognised';
    findings.push(finding('warning', sentence));
  }
  if (host.bpfJitEnable === 0) {
    const sentence =
      'the kernel interprets BPF programs, which takes many times as long: sysctl -w net.core.bpf_jit_enable=1';
    findings.push(finding('warning', sentence));
  }
  return findings;
}

function judgeMemory(host: HostFacts): Finding[] {
  const version = parseKernelVersion(host.kernelRelease);
  const findings: Finding[] = [];
  const { lockedMemoryBytes: locked, cgroupMemoryBytes: group } = host;
  const isMemlockUsed = version !== undefined && !isKernelAtLeast(version, KERNEL_WITHOUT_MEMLOCK);
  if (isMemlockUsed && typeof locked === 'number' && locked < LEAST_LOCKED_BYTES) {
    const sentence = `this kernel counts BPF maps as locked memory, of which ${toMebi(locked)} is allowed: ulimit -l unlimited (systemd: LimitMEMLOCK=infinity)`;
    findings.push(finding('warning', sentence));
  }
  if (typeof group === 'number' && group < LEAST_MEMORY_BYTES) {
    const sentence = `the control group allows ${toMebi(group)} of memory, in which BPF maps count too: allow ${toMebi(LEAST_MEMORY_BYTES)} at least (docker: --memory; systemd: MemoryMax=)`;
    findings.push(finding('warning', sentence));
  }
  return findings;
}

function judgeSysfs(host: HostFacts): Finding[] {
  if (host.isSysfsOurs === true) return [];
  const path = `${host.sysfsPath}/class/net`.replace('//', '/');
  const sentence =
    host.isSysfsOurs === undefined
      ? `there is no ${path}: the roles of interfaces and their RDMA devices are unknown; mount sysfs there`
      : `${path} shows another network namespace (nsenter --net keeps the old /sys; ip netns exec mounts its own): roles of interfaces are unknown, and RDMA devices may be told of the wrong interface`;
  return [finding('warning', sentence)];
}

function toMebi(bytes: number): string {
  return `${Math.round(bytes / MEBI)} MiB`;
}

function finding(level: FindingLevel, sentence: string): Finding {
  return { level, interfaceName: undefined, sentence };
}
