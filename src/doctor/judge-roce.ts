// SPDX-License-Identifier: Apache-2.0
// Whether RoCE can be seen on an interface, said loudly where it cannot, and what to do about it. Pure.

import {
  enableRoceOff,
  hiddenInfinibandSentence,
  hiddenOffloadSentence,
  mirrorRemedySentence,
  perhapsHiddenSentence,
  untrackedSentence,
} from '../rdma/visibility-sentences.js';
import type { DoctorFacts, LinkFacts, RdmaFacts } from './facts.js';
import type { Finding } from './finding.js';

/** Drivers of cards that do RDMA, by the driver of their network interface. */
const RDMA_CAPABLE: ReadonlySet<string> = new Set([
  'bnxt_en',
  'cxgb4',
  'hns3',
  'i40e',
  'ice',
  'ionic',
  'mana',
  'mlx4_en',
  'mlx5_core',
  'qede',
]);

type Said = Omit<Finding, 'interfaceName'>;

export function judgeRoce(facts: DoctorFacts, name: string, link: LinkFacts): Finding[] {
  if (!facts.wanted.readsRdma) {
    const sentence = `rdma.enabled is false: whether the RoCE of ${name} can be seen was not looked at`;
    return [{ level: 'note', sentence, interfaceName: name }];
  }
  const none = link.rdma.length > 0 ? undefined : judgeNone(facts, name, link);
  const said = [
    ...link.rdma.flatMap((one) => judgeDevice(name, link, one)),
    ...(none === undefined ? [] : [none]),
  ];
  return said.map((one) => ({ ...one, interfaceName: name }));
}

function judgeDevice(name: string, link: LinkFacts, rdma: RdmaFacts): Said[] {
  const { device } = rdma;
  const note = (sentence: string): Said[] => [{ level: 'note', sentence }];
  switch (rdma.state) {
    case 'visible_soft':
      return note(`${device} does RDMA in software: all that it receives passes ${name} and is counted`);
    case 'mirror':
      return note(`${device} leaves RoCE to ${name}: what comes in is counted`);
    case 'none':
      return note(`${device} has no RoCE on ${name}`);
    case 'hidden_infiniband': {
      const sentence = hiddenInfinibandSentence({ interfaceName: name, device }, evidenceOf(rdma));
      return [{ level: 'warning', sentence }];
    }
    case 'hidden_offload':
      return judgeHidden(name, link, rdma);
    default:
      return rdma.state satisfies never;
  }
}

function judgeHidden(name: string, link: LinkFacts, rdma: RdmaFacts): Said[] {
  const { device, driver } = rdma;
  const isMlx5 = driver === 'mlx5_core';
  const hidden = { interfaceName: name, device, driver };
  if (!rdma.hasGidNetdevs) return [{ level: 'warning', sentence: perhapsHiddenSentence(hidden) }];
  const pciAddress = link.role?.pciAddress;
  const own =
    isMlx5 && link.role?.isPromiscuous === true && pciAddress !== undefined
      ? `${name} takes frames for others (promiscuous): if it is where a mirror arrives, switch its own RoCE off: ${enableRoceOff(pciAddress)}`
      : undefined;
  return [
    { level: 'warning', sentence: hiddenOffloadSentence(hidden, evidenceOf(rdma)) },
    { level: 'note', sentence: own ?? mirrorRemedySentence(name) },
    ...(isMlx5 ? [{ level: 'note', sentence: untrackedSentence(hidden) } as const] : []),
  ];
}

/** What the hardware counted while we waited. */
function evidenceOf({ ports }: RdmaFacts): string {
  const grown = ports.filter(({ receivedPackets }) => (receivedPackets ?? 0) > 0);
  if (grown.length === 0) return '';
  const packets = grown.reduce((sum, { receivedPackets }) => sum + (receivedPackets ?? 0), 0);
  const spanMs = Math.max(...grown.map((port) => port.spanMs));
  return ` (its hardware received ${packets} RDMA packets in ${(spanMs / 1000).toFixed(1)} s)`;
}

function judgeNone(facts: DoctorFacts, name: string, link: LinkFacts): Said | undefined {
  const { role } = link;
  if (RDMA_CAPABLE.has(link.driver)) {
    const where =
      facts.host.rdmaDevices.length > 0
        ? `none of the RDMA devices ${facts.host.rdmaDevices.join(', ')} belongs to it`
        : `${facts.host.sysfsPath}/class/infiniband has no device`.replace('//', '/');
    return {
      level: 'warning',
      sentence: `the card of ${name} can do RDMA (${link.driver}), but ${where}: with no RDMA driver loaded, or RoCE switched off, RoCE is counted here; in a container, where devices may be hidden, mount the host's /sys or look from the host`,
    };
  }
  if (role?.representorOf !== undefined) {
    const sentence = `${name} stands for ${role.representorOf} in the card's switch: it sees only what the card does not forward itself, and no offloaded RoCE`;
    return { level: 'warning', sentence };
  }
  const mirrors = facts.wanted.decapMirror
    ? 'as it is, and out of ERSPAN and GRE (roce.decap_mirror)'
    : 'as it is (out of ERSPAN and GRE with roce.decap_mirror: true)';
  // A bridge's port takes frames for others, too, but none of a mirror.
  if (role?.isPromiscuous === true && role.master === undefined) {
    const sentence = `no RDMA device is on ${name}, and it takes frames for others (promiscuous): RoCE that a mirror sends is counted, ${mirrors}`;
    return { level: 'note', sentence };
  }
  return undefined;
}
