// SPDX-License-Identifier: Apache-2.0
// The diagnosis as one screen of plain ASCII, at most 100 columns wide: the host, a paragraph for each
// interface that is configured or has an RDMA device, a line for each other one, the verdict. Pure.

import { wrapWords } from '../wrap-words.js';
import type { DoctorFacts, InterfaceFacts } from './facts.js';
import type { Diagnosis, Finding } from './finding.js';
import { hostRows, linkWords, type Row, rdmaDeviceWords, roleWords, xdpWords } from './words.js';

const LABEL_COLUMNS = 16;
/** A host of containers has hundreds of veths: the rest is in --json. */
const MOST_OTHERS = 16;

const LEVEL_WORDS = { problem: 'PROBLEM', warning: 'WARNING', note: 'note' } as const;

/** Ends in a line feed. */
export function renderDiagnosis(facts: DoctorFacts, diagnosis: Diagnosis): string {
  const isDetailed = (one: InterfaceFacts) => one.isConfigured || (one.link?.rdma.length ?? 0) > 0;
  const details = facts.interfaces.filter(isDetailed);
  const others = facts.interfaces.filter((one) => !isDetailed(one));
  const findingsOf = (name: string | undefined): string[] =>
    diagnosis.findings.filter((one) => one.interfaceName === name).flatMap(renderFinding);
  const sections = [
    [`xtrace-catch ${facts.version} doctor`],
    ['host', ...hostRows(facts).flatMap(renderRow), ...findingsOf(undefined)],
    ...details.map((one) => [
      `${one.name}${one.isConfigured ? ' (configured)' : ''}`,
      ...rowsOf(one).flatMap(renderRow),
      ...(one.isConfigured ? findingsOf(one.name) : []),
    ]),
    others.length > 0 ? ['others', ...renderOthers(others)] : [],
    renderVerdict(facts, diagnosis),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function rowsOf({ link }: InterfaceFacts): Row[] {
  if (link === undefined) return [];
  const role = roleWords(link.role);
  return [
    ['link', linkWords(link)],
    ...(role === '' ? [] : [['role', role] as const]),
    ['XDP', xdpWords(link)],
    ...link.rdma.map((rdma) => ['RDMA', rdmaDeviceWords(rdma)] as const),
  ];
}

function renderRow([label, words]: Row): string[] {
  return wrapWords(`  ${label.padEnd(LABEL_COLUMNS - 2)}`, words);
}

function renderFinding({ level, sentence }: Finding): string[] {
  return wrapWords(`  ${LEVEL_WORDS[level]}: `, sentence, 4);
}

function renderOthers(others: readonly InterfaceFacts[]): string[] {
  const lines = others.slice(0, MOST_OTHERS).flatMap(({ name, link }) => {
    if (link === undefined) return [];
    const role = roleWords(link.role);
    const program = link.incumbent === undefined ? '' : `, XDP program id ${link.incumbent.id}`;
    return renderRow([name, `${linkWords(link)}${role === '' ? '' : `, ${role}`}${program}`]);
  });
  const rest = others.length - MOST_OTHERS;
  return rest > 0 ? [...lines, `  and ${rest} more, which --json names`] : lines;
}

function renderVerdict(facts: DoctorFacts, { findings, willWork }: Diagnosis): string[] {
  const configured = facts.interfaces.filter((one) => one.isConfigured);
  const names = configured.map(({ name }) => name).join(', ');
  const count = (level: Finding['level']): number => findings.filter((one) => one.level === level).length;
  const warnings = count('warning');
  const aside = warnings === 0 ? '' : `, with ${warnings} warning${warnings === 1 ? '' : 's'} above`;
  const isProved = configured.every(({ link }) => link?.probe?.isAttached === true);
  return willWork
    ? wrapWords('', `verdict: ${names} will ${isProved ? 'work, as was tried' : 'work'}${aside}`)
    : wrapWords(
        '',
        `verdict: ${names} will NOT work: see ${count('problem')} PROBLEM${count('problem') === 1 ? '' : 'S'} above`,
      );
}
