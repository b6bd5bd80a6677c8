// SPDX-License-Identifier: Apache-2.0
// Whether the exporter will count a configured interface, and in which mode. Pure.

import { incumbentSentence } from '../kernel/attach-advice.js';
import { framingOf } from '../system/framing.js';
import { downSentence } from '../system/link-sentence.js';
import type { DoctorFacts, LinkFacts } from './facts.js';
import type { Finding, FindingLevel } from './finding.js';

/**
 * A native program without frags wants a frame in one page, behind XDP_PACKET_HEADROOM (256) and before
 * struct skb_shared_info (320 on 64 bits), with its 14 bytes of Ethernet and often a VLAN tag
 * (veth_xdp_set() in drivers/net/veth.c, virtnet_xdp_set() in virtio_net.c; mlx5 and ena say 3,498).
 */
const PAGE_OVERHEAD_BYTES = 256 + 320 + 14 + 8;

export function judgeLink(facts: DoctorFacts, name: string, link: LinkFacts): Finding[] {
  const say = (level: FindingLevel, sentence: string): Finding => ({ level, interfaceName: name, sentence });
  const { sentence } = framingOf(link.linkType, name);
  if (sentence !== undefined) return [say('problem', sentence)];
  const incumbent = judgeIncumbent(name, link);
  return [
    ...incumbent,
    // Nobody asked the driver where something was in the way before.
    ...(incumbent.length > 0 ? [] : judgeMode(facts, name, link)),
    ...judgeMtu(facts, name, link),
    ...judgeState(name, link),
    ...judgeFunctions(name, link),
  ].map((one) => say(one.level, one.sentence));
}

type Said = Omit<Finding, 'interfaceName'>;

function judgeIncumbent(name: string, link: LinkFacts): Said[] {
  const { incumbent } = link;
  if (incumbent === undefined) return [];
  if (incumbent.isOurs) {
    const sentence = `an xtrace-catch counts ${name} already ("${incumbent.name}", id ${incumbent.id}, ${incumbent.mode} mode): a second one would wait until that one ends`;
    return [{ level: 'warning', sentence }];
  }
  const hint =
    incumbent.name === ''
      ? '; its name is shown to CAP_SYS_ADMIN alone, and it may be another xtrace-catch'
      : '';
  return [{ level: 'problem', sentence: `${incumbentSentence(incumbent, name)}${hint}` }];
}

function judgeMode(facts: DoctorFacts, name: string, link: LinkFacts): Said[] {
  const { probe, native } = link;
  const { attachMode } = facts.wanted;
  if (probe !== undefined) {
    if (!probe.isAttached) return [{ level: 'problem', sentence: probe.sentence }];
    const why = probe.refusals.length > 0 ? `, as native was refused: ${probe.refusals.join('; ')}` : '';
    const sentence = `tried: XDP attaches to ${name} in ${probe.mode} mode (${probe.flavour})${why}`;
    return [{ level: 'note', sentence }];
  }
  if (attachMode !== 'native' || native.source === 'table') return [];
  if (native.source === 'unknown') {
    const sentence = `whether ${name} has native XDP, which attach_mode: native asks for, is unknown: --probe tries it`;
    return [{ level: 'warning', sentence }];
  }
  if (native.isSupported) return [];
  const sentence = `${name} has no native XDP as it is set up, the kernel says, but attach_mode is native: set it to auto or generic`;
  return [{ level: 'problem', sentence }];
}

function judgeMtu(facts: DoctorFacts, name: string, link: LinkFacts): Said[] {
  const { native, mtuBytes, probe } = link;
  const { attachMode } = facts.wanted;
  const mostBytes = facts.host.pageBytes - PAGE_OVERHEAD_BYTES;
  if (probe !== undefined || attachMode === 'generic' || mtuBytes <= mostBytes) return [];
  if (native.source === 'unknown' || !native.isSupported) return [];
  const { object } = facts.host;
  const takesFrags = object.isLoaded && object.flavours.includes('frags');
  // A driver known from the table is on a kernel that does not tell of rx-sg.
  const givesFrags = native.source === 'kernel' && native.features.includes('rx-sg');
  if (takesFrags && givesFrags) return [];
  const who = takesFrags
    ? `the driver of ${name} passes no multi-buffer frames`
    : 'the BPF program is loaded without frags';
  const then =
    attachMode === 'native'
      ? `attach_mode: native will fail: ip link set dev ${name} mtu ${mostBytes}, or attach_mode: auto`
      : 'so it attaches in generic mode';
  const sentence = `the MTU of ${name}, ${mtuBytes}, is more than native XDP takes in one buffer (about ${mostBytes}), and ${who}; ${then}`;
  return [{ level: attachMode === 'native' ? 'warning' : 'note', sentence }];
}

function judgeState(name: string, link: LinkFacts): Said[] {
  if (!link.isUp) return [{ level: 'warning', sentence: downSentence(name) }];
  const operState = link.role?.operState;
  if (operState === 'down' || operState === 'lowerlayerdown') {
    return [
      { level: 'warning', sentence: `${name} is up but has no carrier (${operState}): nothing arrives` },
    ];
  }
  return [];
}

function judgeFunctions(name: string, link: LinkFacts): Said[] {
  const count = link.role?.virtualFunctions ?? 0;
  if (count === 0) return [];
  const sentence = `${name} has handed out ${count} virtual function${count === 1 ? '' : 's'}, whose traffic does not pass it: look at it where they are used`;
  return [{ level: 'note', sentence }];
}
