// SPDX-License-Identifier: Apache-2.0
// Facts -> findings. Pure: the host first, then the configured interfaces in their order, then what
// stands out of the others.

import type { DoctorFacts, InterfaceFacts } from './facts.js';
import { type Diagnosis, diagnosisOf, type Finding } from './finding.js';
import { judgeHost } from './judge-host.js';
import { judgeLink } from './judge-link.js';
import { judgeRoce } from './judge-roce.js';

export function judgeFacts(facts: DoctorFacts): Diagnosis {
  const configured = facts.interfaces.filter((one) => one.isConfigured);
  return diagnosisOf([
    ...judgeHost(facts),
    ...configured.flatMap((one) => judgeInterface(facts, one)),
    ...judgeOverlaps(configured),
  ]);
}

function judgeInterface(facts: DoctorFacts, one: InterfaceFacts): Finding[] {
  const { name, link } = one;
  if (link === undefined) {
    const sentence = `there is no interface ${name} here: --list names those there are; the exporter waits for it`;
    return [{ level: 'problem', interfaceName: name, sentence }];
  }
  return [...judgeLink(facts, name, link), ...judgeRoce(facts, name, link)];
}

/** A packet that passes two attached interfaces counts on each. */
function judgeOverlaps(configured: readonly InterfaceFacts[]): Finding[] {
  const names = new Set(configured.map(({ name }) => name));
  return configured.flatMap(({ name, link }) => {
    const below = [...(link?.role?.lowers ?? [])].filter((lower) => names.has(lower));
    if (below.length === 0) return [];
    const sentence = `${name} stands on ${below.join(', ')}, which ${below.length === 1 ? 'is' : 'are'} configured too: the same packets count on each of them; choose one or the other`;
    return [{ level: 'warning' as const, interfaceName: name, sentence }];
  });
}
