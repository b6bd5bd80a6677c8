// SPDX-License-Identifier: Apache-2.0
// The diagnosis as one JSON object for programs. Its shape is a promise (docs/doctor.md): keys are added,
// none is renamed or taken away. null stands for what is not known. Pure.

import { linkTypeName } from '../system/link-type.js';
import type { DoctorFacts, HostFacts, InterfaceFacts, LinkFacts, RdmaFacts } from './facts.js';
import type { Diagnosis } from './finding.js';

/** Ends in a line feed. */
export function renderDiagnosisJson(facts: DoctorFacts, { findings, willWork }: Diagnosis): string {
  const object = {
    version: facts.version,
    will_work: willWork,
    findings: findings.map(({ level, interfaceName, sentence }) => ({
      level,
      interface: interfaceName ?? null,
      sentence,
    })),
    host: hostJson(facts.host),
    interfaces: facts.interfaces.map(interfaceJson),
  };
  return `${JSON.stringify(object, undefined, 2)}\n`;
}

function hostJson(host: HostFacts) {
  const { object } = host;
  return {
    kernel_release: host.kernelRelease,
    btf: host.hasBtf,
    libbpf_version: host.libbpf.version ?? null,
    object: object.isLoaded
      ? { loads: true, file: object.file, flavours: object.flavours }
      : { loads: false, reason: object.sentence },
    missing_capabilities: host.missingCapabilities,
    locked_memory_bytes: limitJson(host.lockedMemoryBytes),
    cgroup_memory_bytes: limitJson(host.cgroupMemoryBytes),
    bpf_jit_enable: host.bpfJitEnable ?? null,
    unprivileged_bpf_disabled: host.unprivilegedBpfDisabled ?? null,
    page_bytes: host.pageBytes,
    sysfs_path: host.sysfsPath,
    sysfs_is_ours: host.isSysfsOurs ?? null,
    rdma_devices: host.rdmaDevices,
    rdma_namespace_mode: host.rdmaNamespaceMode ?? null,
  };
}

function limitJson(limit: HostFacts['lockedMemoryBytes']): number | string | null {
  return limit ?? null;
}

function interfaceJson({ name, isConfigured, link }: InterfaceFacts) {
  return { name, configured: isConfigured, present: link !== undefined, ...(link && linkJson(link)) };
}

function linkJson({ role, native, incumbent, probe, ...link }: LinkFacts) {
  return {
    index: link.index,
    link_type: linkTypeName(link.linkType),
    link_type_number: link.linkType,
    mtu_bytes: link.mtuBytes,
    up: link.isUp,
    driver: link.driver,
    role:
      role === undefined
        ? null
        : {
            type: role.deviceType ?? null,
            master: role.master ?? null,
            master_type: role.masterType ?? null,
            lowers: role.lowers,
            virtual_function: role.isVirtualFunction,
            virtual_functions: role.virtualFunctions,
            represents: role.representorOf ?? null,
            pci_address: role.pciAddress ?? null,
            promiscuous: role.isPromiscuous,
            operstate: role.operState ?? null,
          },
    xdp: {
      native: native.source === 'unknown' ? null : native.isSupported,
      native_source: native.source,
      features: native.source === 'kernel' ? native.features : null,
      program:
        incumbent === undefined
          ? null
          : { id: incumbent.id, name: incumbent.name, mode: incumbent.mode, ours: incumbent.isOurs },
      probe:
        probe === undefined
          ? null
          : probe.isAttached
            ? { attached: true, mode: probe.mode, flavour: probe.flavour, refusals: probe.refusals }
            : { attached: false, reason: probe.sentence },
    },
    rdma: link.rdma.map(rdmaJson),
  };
}

function rdmaJson(rdma: RdmaFacts) {
  return {
    device: rdma.device,
    driver: rdma.driver,
    roce_visibility: rdma.state,
    ports: rdma.ports.map((port) => ({
      port: port.port,
      link_layer: port.linkLayer ?? null,
      state: port.state ?? null,
      rate_bits_per_second: port.rateBitsPerSecond ?? null,
      received_packets: port.receivedPackets ?? null,
      span_ms: Math.round(port.spanMs),
    })),
  };
}
