// SPDX-License-Identifier: Apache-2.0
// Snapshots to push, any and fixed, and what a receiver must make of them: read from the text of
// /metrics, which has an encoder of its own.

import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { Payload } from '../../../src/exposition/payload.js';
import {
  createPushEncoder,
  type PushEncoder,
  type PushEncoderOptions,
} from '../../../src/exposition/push-encoder.js';
import { type ExpositionInput, renderExposition } from '../../../src/exposition/render-exposition.js';
import type { Family } from '../../../src/metrics/definition.js';
import { flowFamilies } from '../../../src/metrics/flow-families.js';
import type { FlowLabelOptions } from '../../../src/metrics/flow-label-fields.js';
import { createFlowLabelRenderer } from '../../../src/metrics/flow-labels.js';
import {
  decodeRequestV2,
  decodeWriteRequest,
  type ReceivedSeries,
} from '../receivers/remote-write-protos.js';
import { createSeries, FIXED_FLOWS, FIXED_LABELS, type FlowSpec } from './series-fixture.js';
import { parseText } from './text-grammar.js';

export const TIMESTAMP_MS = 1_700_000_005_123;
export const STARTED_MS = 1_700_000_000_000;

export const EXTERNAL: PushEncoderOptions['externalLabels'] = [
  ['job', 'xtrace-catch'],
  ['instance', 'node:10060'],
];

export const OPTIONS: PushEncoderOptions = {
  format: 'remote_write_1',
  maxSamplesPerBatch: 2000,
  maxBatchBytes: 8 * 1024 * 1024,
  externalLabels: EXTERNAL,
  flowLabels: FIXED_LABELS,
  startedMs: STARTED_MS,
  zeroFirst: false,
};

export function createEncoder(options: Partial<PushEncoderOptions> = {}): PushEncoder {
  return createPushEncoder({ ...OPTIONS, ...options }, { yieldToLoop: async () => undefined });
}

export function createSnapshot(
  specs: readonly FlowSpec[] = FIXED_FLOWS,
  families: readonly Family[] = [],
  labels: FlowLabelOptions = FIXED_LABELS,
): ExpositionInput {
  const series = createSeries(specs, createFlowLabelRenderer(labels));
  series.startedMs.fill(STARTED_MS + 1000);
  return { families, flows: flowFamilies(series) };
}

export function gauge(name: string, ...samples: [labels: Record<string, string>, value: number][]): Family {
  return {
    name,
    help: '',
    type: 'gauge',
    samples: samples.map(([labels, value]) => ({ suffix: '', labels: Object.entries(labels), value })),
  };
}

export async function collect(payloads: AsyncIterable<Payload>): Promise<Payload[]> {
  const all: Payload[] = [];
  // A body's memory is used again for the next payload.
  for await (const payload of payloads) all.push({ ...payload, body: Buffer.from(payload.body) });
  return all;
}

/** The series of all payloads, in their order. */
export function receive(payloads: readonly Payload[]): ReceivedSeries[] {
  return payloads.flatMap(({ format, body, samples }) => {
    assert.notEqual(format, 'text');
    const series = format === 'remote_write_1' ? decodeWriteRequest(body) : decodeRequestV2(body).series;
    assert.equal(
      series.reduce((sum, one) => sum + one.samples.length, 0),
      samples,
    );
    return series;
  });
}

/** A text for a set of labels; different for different ones. */
export function labelsKey(labels: Iterable<readonly [string, string]>): string {
  return JSON.stringify([...labels].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
}

/**
 * What the text of /metrics says of a snapshot, as series of remote write: labelsKey() -> value. Own labels
 * win, but for job and instance, which make them exported_job and so on; empty values are left out.
 */
export async function expectedSeries(
  snapshot: ExpositionInput,
  external: PushEncoderOptions['externalLabels'] = EXTERNAL,
): Promise<Map<string, number>> {
  const { chunks } = await renderExposition('text', snapshot, { yieldToLoop: async () => undefined });
  const series = new Map<string, number>();
  for (const { samples } of parseText(Buffer.concat(chunks).toString())) {
    for (const { name, labels, value } of samples) {
      const own = exportedLabels(labels, external);
      const all = new Map([...external, ...own, ['__name__', name]]);
      const filled = [...all].filter(([, text]) => text !== '');
      series.set(labelsKey(filled), value);
    }
  }
  return series;
}

/** As scrape/scrape.go of Prometheus does it where honor_labels is false. */
function exportedLabels(
  labels: ReadonlyMap<string, string>,
  external: PushEncoderOptions['externalLabels'],
): Map<string, string> {
  const own = new Map(labels);
  const conflicts = ['job', 'instance'].filter((name) =>
    external.some(([one, text]) => one === name && text !== ''),
  );
  const moved = conflicts.map((name) => [name, own.get(name) ?? ''] as const);
  for (const name of conflicts) own.delete(name);
  for (const [name, text] of moved) {
    let free = `exported_${name}`;
    while ((own.get(free) ?? '') !== '') free = `exported_${free}`;
    if (text !== '') own.set(free, text);
  }
  return own;
}

/** Fails unless labels are as remote write wants them, whatever they say. */
export function assertLabelsInOrder(labels: ReceivedSeries['labels']): void {
  const names = labels.map(([name]) => name);
  const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  assert.deepEqual(names, sorted);
  assert.equal(new Set(names).size, names.length, `a label twice: ${names.join()}`);
  for (const [name, value] of labels) {
    assert.notEqual(value, '', `${name} is empty`);
    const pattern = name === '__name__' ? /^[a-zA-Z_:][a-zA-Z0-9_:]*$/ : /^[a-zA-Z_][a-zA-Z0-9_]*$/;
    assert.match(name === '__name__' ? value : name, pattern);
  }
  assert.ok(names.includes('__name__'));
}

const byte = fc.integer({ min: 0, max: 255 });
const count = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(0, 2 ** 53 - 1, 2 ** 31, 2 ** 32));

export const anyFlow: fc.Arbitrary<FlowSpec> = fc
  .record({
    isIpv4: fc.boolean(),
    src: fc.array(byte, { minLength: 16, maxLength: 16 }),
    dst: fc.array(fc.constantFrom(0, 1, 255), { minLength: 16, maxLength: 16 }),
    srcPort: fc.integer({ min: 0, max: 65535 }),
    dstPort: fc.constantFrom(0, 443, 4791, 65535),
    kind: fc.integer({ min: 1, max: 7 }),
    protocol: byte,
    interfaceId: fc.nat(2),
    vlan: fc.constantFrom(0, 4094),
    counts: fc.tuple(count, count, count, count),
  })
  .map(({ isIpv4, src, dst, ...rest }) => ({
    ipVersion: isIpv4 ? 4 : 6,
    src: isIpv4 ? src.slice(0, 4) : src,
    dst: isIpv4 ? dst.slice(0, 4) : dst,
    ...rest,
  }));

/** Well-formed text of any script; long ones now and then. */
export const anyText = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'grapheme', maxLength: 12 }) },
  {
    weight: 2,
    arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => Buffer.from(text).toString()),
  },
  { weight: 1, arbitrary: fc.integer({ min: 100, max: 20_000 }).map((length) => 'é'.repeat(length)) },
);

export const anyLabelName = fc
  .stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,6}$/)
  .filter((name) => !name.startsWith('__'));

/** With those that the target has, too. */
const anyOwnLabelName = fc.oneof(
  { weight: 4, arbitrary: anyLabelName },
  { weight: 1, arbitrary: fc.constantFrom('job', 'instance') },
);

/** Families of gauges with any labels and values; no two samples of one name and labels. */
export const anyFamilies: fc.Arbitrary<Family[]> = fc
  .array(
    fc.record({
      type: fc.constantFrom('gauge', 'counter', 'info') as fc.Arbitrary<Family['type']>,
      help: anyText,
      samples: fc.uniqueArray(
        fc.record({ labels: fc.dictionary(anyOwnLabelName, anyText, { maxKeys: 4 }), value: fc.double() }),
        {
          selector: ({ labels }) => labelsKey(Object.entries(labels).filter(([, value]) => value !== '')),
          maxLength: 4,
        },
      ),
    }),
    { maxLength: 4 },
  )
  .map((families) =>
    families.map(({ type, help, samples }, index) => ({
      name: `x${index}_${{ gauge: 'ratio', counter: 'total', info: 'info', histogram: '' }[type]}`,
      help,
      type,
      samples: samples.map(({ labels, value }) => ({ suffix: '', labels: Object.entries(labels), value })),
    })),
  );

/** No two with the same labels. */
export const anyFlows: fc.Arbitrary<FlowSpec[]> = fc.uniqueArray(anyFlow, {
  selector: ({ counts: _, vlan: __, ...key }) => JSON.stringify(key),
  maxLength: 12,
});

/** job, instance and others; in capitals too, which sort before __name__. */
export const anyExternal: fc.Arbitrary<[string, string][]> = fc
  .dictionary(anyLabelName, anyText, { maxKeys: 4 })
  .map((extra) => [
    ...EXTERNAL.map(([name, value]): [string, string] => [name, value]),
    ...Object.entries(extra),
  ]);
