// SPDX-License-Identifier: Apache-2.0
// Stale markers: what a receiver holds after each push, checked against the flow table itself.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Payload, PayloadFormat } from '../../../src/exposition/payload.js';
import type { PushEncoder } from '../../../src/exposition/push-encoder.js';
import type { FlowAccounts } from '../../../src/flows/flow-accounts.js';
import type { Family } from '../../../src/metrics/definition.js';
import { flowFamilies } from '../../../src/metrics/flow-families.js';
import type { FlowLabelOptions } from '../../../src/metrics/flow-label-fields.js';
import { createFlowLabelRenderer } from '../../../src/metrics/flow-labels.js';
import {
  collect,
  createEncoder,
  createSnapshot,
  expectedSeries,
  labelsKey,
  receive,
  TIMESTAMP_MS,
} from '../../support/exposition/encoder-fixture.js';
import { FIXED_FLOWS, FIXED_LABELS } from '../../support/exposition/series-fixture.js';
import { create as createAccounts, flow } from '../../support/flows/accounts-fixture.js';
import { drainOf } from '../../support/flows/rows.js';
import { STALE_BITS } from '../../support/receivers/remote-write-protos.js';

const VERSIONS: readonly PayloadFormat[] = ['remote_write_1', 'remote_write_2'];
const INTERVAL_MS = 1000;

/** Keeps the last sample of each series; refuses what Prometheus would, and ends without a beginning. */
class Receiver {
  /** Payloads were thrown away: ends of series may come that never arrived. */
  lacksPayloads = false;
  readonly last = new Map<string, { timestampMs: number; isStale: boolean; value: number }>();

  take(payloads: readonly Payload[]): void {
    for (const { labels, samples } of receive(payloads)) {
      const key = labelsKey(labels);
      for (const { timestampMs, bits, value } of samples) {
        const before = this.last.get(key);
        assert.ok(before === undefined || timestampMs > before.timestampMs, `out of order: ${key}`);
        const isStale = bits === STALE_BITS;
        assert.ok(
          !isStale || before?.isStale === false || this.lacksPayloads,
          `ends without being there: ${key}`,
        );
        this.last.set(key, { timestampMs, isStale, value });
      }
    }
  }

  /** The series that have not ended. */
  live(): Map<string, number> {
    return new Map(
      [...this.last].flatMap(([key, { isStale, value }]) => (isStale ? [] : [[key, value] as const])),
    );
  }
}

function accountsWith(encoder: PushEncoder, flowLabels: FlowLabelOptions = FIXED_LABELS): FlowAccounts {
  const labels = createFlowLabelRenderer(flowLabels);
  const accounts = createAccounts(
    {
      maxSeries: 4,
      idleTimeoutMs: 2 * INTERVAL_MS,
      intervalMs: INTERVAL_MS,
      maxLabelBytes: labels.maxLabelBytes,
    },
    { renderLabels: labels.render },
  );
  accounts.onSeriesEnd((_, row) => encoder.onSeriesEnd(row));
  return accounts;
}

function gauges(names: readonly string[]): Family {
  return {
    name: 'x_ratio',
    help: 'Help',
    type: 'gauge',
    samples: names.map((name) => ({ suffix: '', labels: [['a', name]], value: name.length })),
  };
}

/** What one refresh brings, and whether it is pushed: not at all, in part, or whole. */
const anyRefresh = fc.record({
  drained: fc.array(fc.tuple(fc.nat(9), fc.constantFrom(1, 10, 100, 1000, 10_000)), { maxLength: 6 }),
  gauges: fc.subarray(['', 'b', 'cc', 'ddd']),
  pushed: fc.oneof(
    { weight: 20, arbitrary: fc.constantFrom('whole', 'whole', 'not') },
    { weight: 1, arbitrary: fc.constant('first payload') },
  ),
  clockStepMs: fc.constantFrom(INTERVAL_MS, INTERVAL_MS, INTERVAL_MS, 10, 0, -INTERVAL_MS),
  /** The host's address changes to this one with the refresh. */
  hostIp: fc.constantFrom(undefined, undefined, undefined, undefined, '', '10.0.0.9', '2001:db8::9'),
});

for (const format of VERSIONS) {
  test(`${format}: after each whole push exactly the series of /metrics are live, whatever happened between`, async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRefresh, { minLength: 1, maxLength: 25 }),
        fc.integer({ min: 1, max: 12 }),
        async (refreshes, maxSamplesPerBatch) => {
          const flowLabels: FlowLabelOptions & { hostIp: string } = { ...FIXED_LABELS };
          const encoder = createEncoder({ format, maxSamplesPerBatch, flowLabels });
          const accounts = accountsWith(encoder, flowLabels);
          const receiver = new Receiver();
          let nowMs = TIMESTAMP_MS;
          let tableMs = TIMESTAMP_MS;
          for (const { drained, gauges: names, pushed, clockStepMs, hostIp } of refreshes) {
            nowMs += clockStepMs;
            tableMs += INTERVAL_MS;
            const rows = drained.map(([number, bytes]) => flow(number, bytes));
            if (hostIp !== undefined) {
              flowLabels.hostIp = hostIp;
              await accounts.beginAnew();
            }
            await accounts.apply(drainOf(rows), [], tableMs);
            const snapshot = { families: [gauges(names)], flows: flowFamilies(accounts.series) };
            if (pushed === 'not') continue;
            const payloads = encoder.encode(snapshot, nowMs);
            if (pushed === 'first payload') {
              for await (const payload of payloads) {
                receiver.take([payload]);
                break;
              }
              receiver.lacksPayloads = true;
              continue;
            }
            receiver.take(await collect(payloads));
            const expected = await expectedSeries(snapshot);
            if (!receiver.lacksPayloads) {
              assert.deepEqual(receiver.live(), expected);
              continue;
            }
            // Markers that nobody took are not made again: some may live on, none may be missing.
            const live = receiver.live();
            for (const [key, value] of expected) assert.equal(live.get(key), value);
          }
          const { last } = receiver;
          const wasLive = receiver.lacksPayloads ? [] : [...receiver.live().keys()];
          receiver.take(await collect(encoder.staleAll(nowMs)));
          for (const key of wasLive) assert.equal(last.get(key)?.isStale, true, key);
          assert.deepEqual(await collect(encoder.staleAll(nowMs)), []);
        },
      ),
      { numRuns: 60 },
    );
  });
}

async function pushed(encoder: PushEncoder, accounts: FlowAccounts, timestampMs: number): Promise<Payload[]> {
  return collect(encoder.encode({ families: [], flows: flowFamilies(accounts.series) }, timestampMs));
}

test('a series that ends gets one marker for each of its metrics, at the next push and never again', async () => {
  const encoder = createEncoder();
  const accounts = accountsWith(encoder);
  await accounts.apply(drainOf([flow(1, 100)]), [], TIMESTAMP_MS);
  const live = receive(await pushed(encoder, accounts, TIMESTAMP_MS));
  assert.equal(live.length, 4);
  for (let i = 1; i <= 2; i++) {
    await accounts.apply(drainOf([]), [], TIMESTAMP_MS + i * INTERVAL_MS);
    assert.equal(receive(await pushed(encoder, accounts, TIMESTAMP_MS + i * INTERVAL_MS)).length, 4);
  }
  await accounts.apply(drainOf([]), [], TIMESTAMP_MS + 3 * INTERVAL_MS);
  const ended = receive(await pushed(encoder, accounts, TIMESTAMP_MS + 3 * INTERVAL_MS));
  assert.deepEqual(
    ended.map(({ labels }) => labels),
    live.map(({ labels }) => labels),
  );
  for (const { samples } of ended) {
    assert.deepEqual(
      samples.map(({ bits, timestampMs }) => [bits, timestampMs]),
      [[STALE_BITS, TIMESTAMP_MS + 3 * INTERVAL_MS]],
    );
  }
  assert.deepEqual(await pushed(encoder, accounts, TIMESTAMP_MS + 4 * INTERVAL_MS), []);
});

test('after a change of labels every series ends under the old ones, and begins anew under the new ones', async () => {
  const flowLabels: FlowLabelOptions & { hostIp: string } = { ...FIXED_LABELS, hostIp: '' };
  const encoder = createEncoder({ flowLabels });
  const accounts = accountsWith(encoder, flowLabels);
  await accounts.apply(drainOf([flow(1, 100), flow(2, 50)]), [], TIMESTAMP_MS);
  const before = receive(await pushed(encoder, accounts, TIMESTAMP_MS));
  assert.ok(before.every(({ labels }) => labels.every(([name]) => name !== 'host_ip')));
  flowLabels.hostIp = '10.0.0.9';
  await accounts.beginAnew();
  await accounts.apply(drainOf([flow(1, 10), flow(2, 5)]), [], TIMESTAMP_MS + 1);
  const after = receive(await pushed(encoder, accounts, TIMESTAMP_MS + 1));
  const ended = after.filter(({ samples }) => samples[0]?.bits === STALE_BITS);
  assert.deepEqual(
    new Set(ended.map(({ labels }) => labelsKey(labels))),
    new Set(before.map(({ labels }) => labelsKey(labels))),
  );
  const live = after.filter((one) => !ended.includes(one));
  assert.equal(live.length, before.length);
  assert.ok(
    live.every(({ labels }) => labels.some(([name, value]) => name === 'host_ip' && value === '10.0.0.9')),
  );
  const totals = live.filter(({ labels }) =>
    labels.some(([, value]) => value === 'xtrace_network_bytes_total'),
  );
  assert.deepEqual(totals.map(({ samples }) => samples[0]?.value).sort(), [10, 5]);
  const next = receive(await pushed(encoder, accounts, TIMESTAMP_MS + 2));
  assert.equal(next.length, before.length, 'each end is told once');
});

test('a series that was never pushed ends without a word', async () => {
  const encoder = createEncoder();
  const accounts = accountsWith(encoder);
  await accounts.apply(drainOf([flow(1, 100)]), [], TIMESTAMP_MS);
  for (let i = 1; i <= 3; i++) await accounts.apply(drainOf([]), [], TIMESTAMP_MS + i * INTERVAL_MS);
  assert.deepEqual(await pushed(encoder, accounts, TIMESTAMP_MS + 4 * INTERVAL_MS), []);
});

test('the row of an ended series goes to another flow, under its own name', async () => {
  const encoder = createEncoder();
  const accounts = accountsWith(encoder);
  for (let i = 0; i < 12; i++) {
    await accounts.apply(drainOf([flow(i, 100 * 10 ** (i % 6))]), [], TIMESTAMP_MS + i * INTERVAL_MS);
    const snapshot = { families: [], flows: flowFamilies(accounts.series) };
    const received = receive(await collect(encoder.encode(snapshot, TIMESTAMP_MS + i * INTERVAL_MS)));
    const live = received.filter(({ samples }) => samples[0]?.bits !== STALE_BITS);
    assert.deepEqual(
      new Map(live.map(({ labels, samples }) => [labelsKey(labels), samples[0]?.value])),
      await expectedSeries(snapshot),
    );
  }
});

test('2.0: a marker has the metadata of its series and no start', async () => {
  const encoder = createEncoder({ format: 'remote_write_2' });
  const live = receive(
    await collect(encoder.encode(createSnapshot(FIXED_FLOWS, [gauges(['b'])]), TIMESTAMP_MS)),
  );
  const ended = receive(await collect(encoder.staleAll(TIMESTAMP_MS + 1)));
  const metadata = (series: typeof live) =>
    new Map(series.map((one) => [labelsKey(one.labels), one.metadata]));
  assert.deepEqual(metadata(ended), metadata(live));
  for (const { samples } of ended) assert.deepEqual([samples[0]?.bits, samples[0]?.startMs], [STALE_BITS, 0]);
});

test('timestamps go on where the clock stands still or steps back a little, and follow a large step', async () => {
  const encoder = createEncoder();
  const at = async (timestampMs: number): Promise<number | undefined> =>
    (await collect(encoder.encode(createSnapshot(), timestampMs)))[0]?.timestampMs;
  assert.equal(await at(TIMESTAMP_MS), TIMESTAMP_MS);
  assert.equal(await at(TIMESTAMP_MS), TIMESTAMP_MS + 1);
  assert.equal(await at(TIMESTAMP_MS - 59_000), TIMESTAMP_MS + 2);
  assert.equal(await at(TIMESTAMP_MS + 5000), TIMESTAMP_MS + 5000);
  assert.equal(await at(TIMESTAMP_MS - 3_600_000), TIMESTAMP_MS - 3_600_000);
});
