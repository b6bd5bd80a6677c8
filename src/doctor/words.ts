// SPDX-License-Identifier: Apache-2.0
// Facts in a few words, for the text that people read. Pure.

import type { ProgramFlavour } from '../kernel/load.js';
import type { Limit } from '../system/host-limits.js';
import { OLDEST_KERNEL } from '../system/kernel-version.js';
import { linkTypeName } from '../system/link-type.js';
import type { NetdevRole } from '../system/netdev-role.js';
import type { DoctorFacts, HostFacts, LinkFacts, RdmaFacts, RdmaPortFacts } from './facts.js';

/** Left column and right column; the right one is wrapped. */
export type Row = readonly [label: string, words: string];

export function hostRows({ host, wanted }: DoctorFacts): Row[] {
  const { major, minor } = OLDEST_KERNEL;
  return [
    ['kernel', `${host.kernelRelease} (${major}.${minor} or later is asked for), ${btfWords(host)}`],
    ['libbpf', host.libbpf.version ?? 'cannot be loaded'],
    ['object', objectWords(host)],
    [
      'sysctl',
      `bpf_jit_enable ${orUnknown(host.bpfJitEnable)}, unprivileged_bpf_disabled ${orUnknown(host.unprivilegedBpfDisabled)}`,
    ],
    ['capabilities', capabilityWords(host)],
    [
      'memory',
      `locked ${limitWords(host.lockedMemoryBytes)} (matters before Linux 5.11), control group ${limitWords(host.cgroupMemoryBytes)}`,
    ],
    ['/sys', sysfsWords(host)],
    ['RDMA', wanted.readsRdma ? rdmaWords(host) : 'not looked at (rdma.enabled is false)'],
  ];
}

function btfWords({ hasBtf }: HostFacts): string {
  return hasBtf ? 'with BTF' : 'without BTF';
}

function objectWords({ object }: HostFacts): string {
  return object.isLoaded ? `${object.file} loads (${flavourWords(object.flavours)})` : 'does not load';
}

function flavourWords(flavours: readonly ProgramFlavour[]): string {
  return flavours.join(' and ');
}

function capabilityWords({ missingCapabilities }: HostFacts): string {
  return missingCapabilities.length === 0
    ? 'CAP_BPF, CAP_NET_ADMIN, CAP_PERFMON'
    : `missing: ${missingCapabilities.join(', ')}`;
}

function sysfsWords({ isSysfsOurs, sysfsPath }: HostFacts): string {
  if (isSysfsOurs === undefined) return `${sysfsPath} shows no network interface`;
  return isSysfsOurs
    ? `${sysfsPath} shows this network namespace`
    : `${sysfsPath} shows another network namespace`;
}

function rdmaWords({ rdmaDevices, rdmaNamespaceMode }: HostFacts): string {
  const mode = rdmaNamespaceMode === undefined ? '' : ` (network namespaces: ${rdmaNamespaceMode})`;
  return `${rdmaDevices.length === 0 ? 'no device' : rdmaDevices.join(', ')}${mode}`;
}

const MEBI = 1024 * 1024;

function limitWords(limit: Limit): string {
  if (limit === undefined) return 'unknown';
  return limit === 'unlimited' ? limit : `${Math.round(limit / MEBI)} MiB`;
}

function orUnknown(value: number | undefined): string {
  return value === undefined ? 'unknown' : String(value);
}

export function linkWords(link: LinkFacts): string {
  const state = link.role?.operState;
  const carrier = state === undefined || state === 'unknown' || state === 'up' ? '' : ` (${state})`;
  const up = link.isUp ? `up${carrier}` : 'down';
  return `${linkTypeName(link.linkType)}, MTU ${link.mtuBytes}, ${up}, driver ${link.driver || 'unknown'}`;
}

/** '' of a plain interface. */
export function roleWords(role: NetdevRole | undefined): string {
  if (role === undefined) return '';
  const parts = [
    role.deviceType ?? '',
    role.lowers.length > 0 ? `on ${role.lowers.join(', ')}` : '',
    role.master === undefined ? '' : `port of ${[role.masterType, role.master].filter(Boolean).join(' ')}`,
    role.isVirtualFunction ? 'virtual function' : '',
    role.virtualFunctions > 0 ? `${role.virtualFunctions} virtual functions` : '',
    role.representorOf === undefined ? '' : `represents ${role.representorOf}`,
    role.isPromiscuous ? 'promiscuous' : '',
    role.pciAddress === undefined ? '' : `PCI ${role.pciAddress}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

export function xdpWords({ native, incumbent }: LinkFacts): string {
  const held =
    incumbent === undefined
      ? 'no program on it'
      : `program ${incumbent.name === '' ? '' : `"${incumbent.name}" `}id ${incumbent.id} (${incumbent.mode}${incumbent.isOurs ? ', an xtrace-catch' : ''})`;
  return `native: ${nativeWords(native)}; ${held}`;
}

function nativeWords(native: LinkFacts['native']): string {
  switch (native.source) {
    case 'kernel':
      return native.isSupported
        ? `the driver can, the kernel says (${native.features.join(' ')})`
        : 'not as it is set up, the kernel says';
    case 'table':
      return 'this driver is known to';
    case 'unknown':
      return 'unknown: --probe tries it';
    default:
      return native satisfies never;
  }
}

export function rdmaDeviceWords(rdma: RdmaFacts): string {
  return `${rdma.device} (${rdma.driver || 'driver unknown'}): ${rdma.state}; ${rdma.ports.map(portWords).join('; ')}`;
}

const GIGA = 1e9;

function portWords(port: RdmaPortFacts): string {
  const rate = port.rateBitsPerSecond === undefined ? [] : [`${port.rateBitsPerSecond / GIGA} Gb/s`];
  const received =
    port.receivedPackets === undefined
      ? 'received packets unknown'
      : `received ${port.receivedPackets} packets in ${(port.spanMs / 1000).toFixed(1)} s`;
  const words = [port.linkLayer ?? 'link layer unknown', port.state ?? 'no answer', ...rate, received];
  return `port ${port.port} ${words.join(', ')}`;
}
