// SPDX-License-Identifier: Apache-2.0
// What the README's questions about flows must be answered when known traffic was on the wire: the
// same figures, reached without PromQL. For tests only.

import assert from 'node:assert/strict';
import type { Part } from '../frames/known-traffic.js';
import type { Sample } from '../receivers/scrapers.js';

/** What one interface received in the window. */
export interface Received {
  readonly interface: string;
  readonly parts: readonly Part[];
}

export interface Truth {
  readonly windowS: number;
  readonly received: readonly Received[];
}

interface Answer {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

type Question = (truth: Truth) => readonly Answer[];

/** By the first words of a question; one that is not here fails the test. */
const QUESTIONS: Readonly<Record<string, Question>> = {
  'bits a second, by interface': byInterface(({ bytes }, windowS) => (8 * bytes) / windowS),
  'packets a second, by interface': byInterface(({ packets }, windowS) => packets / windowS),
  'bytes of the average packet': byInterface(({ packets, bytes }) => bytes / packets),
  'share of each traffic type': shares(({ trafficType }) => ({ traffic_type: trafficType })),
  'top talkers': largest(({ srcIp }) => ({ src_ip: srcIp })),
  'top services': largest(({ dstIp, dstPort, trafficType }) => ({
    dst_ip: dstIp,
    dst_port: String(dstPort),
    traffic_type: trafficType,
  })),
  'bits a second of one flow that lasts': ({ windowS, received }) =>
    received
      .flatMap(({ parts }) => parts)
      .filter(({ srcIp, dstPort }) => srcIp === '192.0.2.9' && dstPort === 443)
      .map(({ srcIp, bytes }) => ({ labels: { src_ip: srcIp }, value: (8 * bytes) / windowS })),
  'share of bytes that no flow series shows': byInterface(
    ({ bytes, withoutSeriesBytes }) => withoutSeriesBytes / bytes,
  ),
  'share of bytes without a series': shares(({ reason }) => (reason === undefined ? undefined : { reason })),
};

/**
 * Asserts that the answer is the true one: the same series, each within the tolerance (0.01 is 1 %). Of what
 * nobody sent an answer may say 0: interfaces show all their traffic types.
 */
export function assertAnswered(
  about: string,
  answered: readonly Sample[],
  truth: Truth,
  tolerance: number,
): void {
  const [name] = Object.keys(QUESTIONS).filter((known) => about.startsWith(known));
  const question = name === undefined ? undefined : QUESTIONS[name];
  assert.ok(question !== undefined, `no test knows the answer to "${about}"`);
  const expected = question(truth);
  assert.ok(expected.length > 0, `"${about}" expects nothing`);
  const seen = answered.map(({ labels, value }) => `${JSON.stringify(labels)} ${value}`).join('\n');
  for (const { labels, value } of expected) {
    const found = answered.filter((sample) =>
      Object.entries(labels).every(([label, text]) => sample.labels[label] === text),
    );
    const what = `${JSON.stringify(labels)} should be ${value} in\n${seen}`;
    assert.equal(found.length, 1, what);
    assert.ok(Math.abs((found[0]?.value ?? Number.NaN) / value - 1) <= tolerance, what);
  }
  const some = answered.filter(({ value }) => value !== 0);
  assert.equal(some.length, expected.length, `series that nobody sent:\n${seen}`);
}

interface Sums {
  readonly packets: number;
  readonly bytes: number;
  readonly withoutSeriesBytes: number;
}

function byInterface(answer: (sums: Sums, windowS: number) => number): Question {
  return ({ received, windowS }) =>
    received.map(({ interface: name, parts }) => ({
      labels: { interface: name },
      value: answer(sum(parts), windowS),
    }));
}

/** Of the bytes of each interface; parts that are told by no labels are left out. */
function shares(labelsOf: (part: Part) => Readonly<Record<string, string>> | undefined): Question {
  return ({ received }) =>
    received.flatMap(({ interface: name, parts }) =>
      group(parts, labelsOf).map(({ labels, parts: some }) => ({
        labels: { interface: name, ...labels },
        value: sum(some).bytes / sum(parts).bytes,
      })),
    );
}

/** Bytes of what has a series. */
function largest(labelsOf: (part: Part) => Readonly<Record<string, string>>): Question {
  return ({ received }) => {
    const parts = received.flatMap((one) => one.parts).filter(({ reason }) => reason === undefined);
    return group(parts, labelsOf).map(({ labels, parts: some }) => ({ labels, value: sum(some).bytes }));
  };
}

function group(
  parts: readonly Part[],
  labelsOf: (part: Part) => Readonly<Record<string, string>> | undefined,
) {
  const groups = new Map<string, { labels: Readonly<Record<string, string>>; parts: Part[] }>();
  for (const part of parts) {
    const labels = labelsOf(part);
    if (labels === undefined) continue;
    const key = JSON.stringify(labels);
    const known = groups.get(key);
    if (known === undefined) groups.set(key, { labels, parts: [part] });
    else known.parts.push(part);
  }
  return [...groups.values()];
}

function sum(parts: readonly Part[]): Sums {
  let [packets, bytes, withoutSeriesBytes] = [0, 0, 0];
  for (const part of parts) {
    packets += part.packets;
    bytes += part.bytes;
    if (part.reason !== undefined) withoutSeriesBytes += part.bytes;
  }
  return { packets, bytes, withoutSeriesBytes };
}
