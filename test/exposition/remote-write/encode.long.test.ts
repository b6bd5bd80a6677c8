// SPDX-License-Identifier: Apache-2.0
// What protobufjs decodes is what went in: both versions, any flows, families and labels.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadFormat } from '../../../src/exposition/payload.js';
import { createPushEncoder } from '../../../src/exposition/push-encoder.js';
import { flowFamilies } from '../../../src/metrics/flow-families.js';
import {
  anyExternal,
  anyFamilies,
  anyFlows,
  assertLabelsInOrder,
  collect,
  createEncoder,
  createSnapshot,
  EXTERNAL,
  expectedSeries,
  gauge,
  labelsKey,
  OPTIONS,
  receive,
  TIMESTAMP_MS,
} from '../../support/exposition/encoder-fixture.js';
import {
  createManySeries,
  FIXED_FLOWS,
  FIXED_LABELS,
  type FlowSpec,
} from '../../support/exposition/series-fixture.js';
import { fixedFamilies } from '../../support/metrics/fixed-metrics.js';
import { STALE_BITS } from '../../support/receivers/remote-write-protos.js';

const VERSIONS: readonly PayloadFormat[] = ['remote_write_1', 'remote_write_2'];

for (const format of VERSIONS) {
  test(`${format}: a receiver gets the series, labels and values of /metrics, each once`, async () => {
    await fc.assert(
      fc.asyncProperty(
        anyFlows,
        anyFamilies,
        anyExternal,
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 4000 }),
        async (flows, families, external, maxSamplesPerBatch, maxBatchBytes) => {
          const snapshot = createSnapshot(flows, families);
          const encoder = createEncoder({
            format,
            externalLabels: external,
            maxSamplesPerBatch,
            maxBatchBytes,
          });
          const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
          for (const { samples, body, timestampMs } of payloads) {
            assert.ok(samples >= 1 && samples <= maxSamplesPerBatch, `${samples} samples`);
            assert.ok(samples === 1 || body.length <= maxBatchBytes, `${body.length} bytes`);
            assert.equal(timestampMs, TIMESTAMP_MS);
          }
          const received = receive(payloads);
          const actual = received.map(({ labels, samples }) => {
            assertLabelsInOrder(labels);
            assert.equal(samples.length, 1);
            assert.equal(samples[0]?.timestampMs, TIMESTAMP_MS);
            return [labelsKey(labels), samples[0]?.value === 0 ? 0 : samples[0]?.value] as const;
          });
          assert.equal(new Set(actual.map(([key]) => key)).size, actual.length, 'a series twice');
          assert.deepEqual(new Map(actual), await expectedSeries(snapshot, external));
        },
      ),
    );
  });

  test(`${format}: the same snapshot again is the same, from kept labels`, async () => {
    const snapshot = createSnapshot(FIXED_FLOWS, await fixedFamilies());
    const encoder = createEncoder({ format });
    const first = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
    const again = await collect(encoder.encode(snapshot, TIMESTAMP_MS + 5000));
    const without = (payloads: typeof first) =>
      receive(payloads).map(({ labels, samples }) => [labels, samples.map(({ bits }) => bits)]);
    assert.deepEqual(without(again), without(first));
    assert.ok(again.every(({ timestampMs }) => timestampMs === TIMESTAMP_MS + 5000));
  });

  test(`${format}: every double arrives with its bits; NaN is never a stale marker`, async () => {
    const values = [
      0,
      -0,
      1.5,
      -1.5,
      Number.POSITIVE_INFINITY,
      Number.NEGATIVE_INFINITY,
      Number.MAX_VALUE,
      2.2e-308,
      5e-324,
      0.1 + 0.2,
      2 ** 53 - 1,
    ];
    const samples = values.map((value, i): [Record<string, string>, number] => [{ i: String(i) }, value]);
    // A NaN that is a stale marker by its bits, for whoever copies them.
    const stale = new DataView(new ArrayBuffer(8));
    stale.setBigUint64(0, 0x7ff0000000000002n);
    const family = gauge(
      'x_ratio',
      ...samples,
      [{ i: 'nan' }, Number.NaN],
      [{ i: 'stale' }, stale.getFloat64(0)],
    );
    const snapshot = createSnapshot([], [family]);
    const received = receive(await collect(createEncoder({ format }).encode(snapshot, TIMESTAMP_MS)));
    const bits = received.map((series) => series.samples[0]?.bits);
    const expected = values.map((value) => {
      const bytes = Buffer.alloc(8);
      bytes.writeDoubleBE(value);
      return bytes.toString('hex');
    });
    assert.deepEqual(bits, [...expected, '7ff8000000000001', '7ff8000000000001']);
    assert.ok(!bits.includes(STALE_BITS));
  });

  test(`${format}: a name in capitals sorts before __name__, one in small letters after it`, async () => {
    const external: [string, string][] = [
      ['zone', 'z'],
      ['Zone', 'Z'],
      ['_a', 'under'],
      ['A', 'a'],
    ];
    const encoder = createEncoder({ format, externalLabels: external });
    const family = gauge('x_ratio', [{ B: 'b', b: 'b', _A: 'x', _b: 'y' }, 1]);
    const [own, flow] = receive(
      await collect(encoder.encode(createSnapshot(FIXED_FLOWS.slice(0, 1), [family]), TIMESTAMP_MS)),
    );
    assert.deepEqual(
      own?.labels.map(([name]) => name),
      ['A', 'B', 'Zone', '_A', '__name__', '_a', '_b', 'b', 'zone'],
    );
    assert.deepEqual(flow?.labels.map(([name]) => name).slice(0, 5), [
      'A',
      'Zone',
      '__name__',
      '_a',
      'collect_agg',
    ]);
  });

  test(`${format}: own labels win over external ones, empty ones too, and nothing invalid goes out`, async () => {
    const external: [string, string][] = [
      ['job', 'first'],
      ['job', 'second'],
      ['zone', 'external'],
      ['src_ip', 'external'],
      ['vlan', 'external'],
      ['__reserved', 'x'],
      ['__name__', 'x'],
      ['9digit', 'x'],
      ['with-dash', 'x'],
      ['', 'x'],
      ['empty', ''],
      ['own_empty', 'external'],
    ];
    const encoder = createEncoder({ format, externalLabels: external });
    const family = gauge('x_ratio', [
      { own_empty: '', zone: 'own', job: 'own', 'not valid': 'x', __name__: 'y' },
      1,
    ]);
    const invalid = gauge('not a name', [{}, 1]);
    const twice = gauge('twice', [{ a: '' }, 1], [{}, 2]);
    const received = receive(
      await collect(
        encoder.encode(createSnapshot(FIXED_FLOWS.slice(0, 1), [family, invalid, twice]), TIMESTAMP_MS),
      ),
    );
    assert.equal(received.length, 2 + 4);
    for (const { labels } of received) assertLabelsInOrder(labels);
    const [one, two, flow] = received.map(({ labels }) => Object.fromEntries(labels));
    assert.deepEqual(one, {
      ...{ __name__: 'x_ratio', zone: 'own', src_ip: 'external', vlan: 'external' },
      ...{ job: 'first', exported_job: 'own' },
    });
    assert.equal(two?.['job'], 'first');
    assert.equal(flow?.['src_ip'], '192.168.1.30');
    assert.equal(flow?.['vlan'], 'external');
    assert.equal(flow?.['job'], 'first');
  });

  test(`${format}: a flow label with an empty value is left out`, async () => {
    const flowLabels = {
      ...FIXED_LABELS,
      hostIp: '',
      interfaceName: () => '',
      vlan: true,
      queuePair: true,
    };
    const snapshot = createSnapshot(FIXED_FLOWS, [], flowLabels);
    const encoder = createEncoder({ format, flowLabels });
    const received = receive(await collect(encoder.encode(snapshot, TIMESTAMP_MS)));
    const series = new Map(received.map(({ labels, samples }) => [labelsKey(labels), samples[0]?.value]));
    assert.deepEqual(series, await expectedSeries(snapshot));
    for (const { labels } of received) assertLabelsInOrder(labels);
    assert.ok(!received[0]?.labels.some(([name]) => name === 'interface' || name === 'host_ip'));
    assert.ok(received[0]?.labels.some(([name, value]) => name === 'vlan' && value === '100'));
    assert.ok(received[0]?.labels.some(([name, value]) => name === 'queue_pair' && value === '0'));
  });

  test(`${format}: label values of 100 KB, names of metrics of 750 characters, a label of any script`, async () => {
    const long = 'x'.repeat(100_000);
    const name = `x_${'y'.repeat(748)}`;
    const family = gauge(name, [{ a: long, b: '日本語 🙂 \u0000 "\\\n', ['l'.repeat(300)]: 'v' }, 7]);
    const flowLabels = { ...FIXED_LABELS, collectAgg: long };
    const encoder = createEncoder({ format, flowLabels, maxBatchBytes: 50_000 });
    const snapshot = createSnapshot(FIXED_FLOWS, [family], flowLabels);
    const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
    assert.ok(
      payloads.every(({ samples }) => samples === 1),
      'what is larger than a batch goes alone',
    );
    const received = receive(payloads);
    const series = new Map(received.map(({ labels, samples }) => [labelsKey(labels), samples[0]?.value]));
    assert.deepEqual(series, await expectedSeries(snapshot));
  });

  test(`${format}: a clock before 1970, and one far ahead, arrive as they are`, async () => {
    const snapshot = createSnapshot(FIXED_FLOWS.slice(0, 1));
    for (const timestampMs of [-1, 0, 1, 2 ** 31, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      const received = receive(await collect(createEncoder({ format }).encode(snapshot, timestampMs)));
      assert.deepEqual([...new Set(received.map(({ samples }) => samples[0]?.timestampMs))], [timestampMs]);
    }
  });

  test(`${format}: nothing to tell is no payload`, async () => {
    assert.deepEqual(await collect(createEncoder({ format }).encode(createSnapshot([]), TIMESTAMP_MS)), []);
    assert.deepEqual(await collect(createEncoder({ format }).staleAll(TIMESTAMP_MS)), []);
  });

  test(`${format}: bodies are memory of their own`, async () => {
    const encoder = createEncoder({ format, maxSamplesPerBatch: 3 });
    const snapshot = createSnapshot(FIXED_FLOWS, await fixedFamilies());
    const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
    const copies = payloads.map(({ body }) => Buffer.from(body));
    await collect(encoder.encode(createSnapshot(), TIMESTAMP_MS + 5000));
    for (const [i, { body }] of payloads.entries()) assert.ok(body.equals(copies[i] ?? Buffer.alloc(0)));
  });

  test(`${format}: thousands of flows, with labels of any length beside each other`, async () => {
    const flows = Array.from(
      { length: 3000 },
      (_, i): FlowSpec => ({
        ...(FIXED_FLOWS[i % FIXED_FLOWS.length] ?? FIXED_FLOWS[0]),
        srcPort: (i * 7919) % 65536,
        dstPort: i,
        counts: [i, i * 1e6, i % 3, (i % 3) * 1e12],
      }),
    );
    const snapshot = createSnapshot(flows);
    const received = receive(await collect(createEncoder({ format }).encode(snapshot, TIMESTAMP_MS)));
    assert.equal(received.length, 12_000);
    const series = new Map(received.map(({ labels, samples }) => [labelsKey(labels), samples[0]?.value]));
    assert.deepEqual(series, await expectedSeries(snapshot));
  });

  test(`${format}: the loop gets its turns`, async () => {
    let turns = 0;
    const encoder = createPushEncoder(
      { ...OPTIONS, format, maxSamplesPerBatch: 1_000_000 },
      {
        yieldToLoop: async () => {
          turns++;
        },
      },
    );
    const snapshot = { families: [], flows: flowFamilies(createManySeries(10_000)) };
    const payloads = await collect(encoder.encode(snapshot, TIMESTAMP_MS));
    assert.equal(
      payloads.reduce((sum, { samples }) => sum + samples, 0),
      40_000,
    );
    assert.ok(turns >= 40 + 40, `${turns} turns`); // 10,000 labels at 1 us, 40,000 samples at 0.3 us, 250 us each
    turns = 0;
    await collect(encoder.staleAll(TIMESTAMP_MS + 1));
    assert.ok(turns >= 40, `${turns} turns`);
  });
}

test('the classic histogram arrives as its series, bounds as on /metrics', async () => {
  const snapshot = createSnapshot([], await fixedFamilies());
  const received = receive(await collect(createEncoder().encode(snapshot, TIMESTAMP_MS)));
  const bounds = received.flatMap(({ labels }) => {
    const all = Object.fromEntries(labels);
    return all['__name__'] === 'xtrace_refresh_duration_seconds_bucket' ? [all['le']] : [];
  });
  assert.deepEqual(bounds.slice(0, 2), ['0.005', '0.01']);
  assert.equal(bounds.at(-1), '+Inf');
});

test('job and instance are on every series', async () => {
  const snapshot = createSnapshot(FIXED_FLOWS, await fixedFamilies());
  for (const { labels } of receive(await collect(createEncoder().encode(snapshot, TIMESTAMP_MS)))) {
    const all = Object.fromEntries(labels);
    for (const [name, value] of EXTERNAL) assert.equal(all[name], value);
  }
});

test('a call while the former one is not over is refused, and leaves it alone', async () => {
  const encoder = createEncoder({ maxSamplesPerBatch: 2 });
  const payloads = encoder.encode(createSnapshot(), TIMESTAMP_MS);
  await payloads.next();
  await assert.rejects(collect(encoder.staleAll(TIMESTAMP_MS + 1)), /not over/);
  assert.equal((await collect(payloads)).length, 7);
  assert.equal((await collect(encoder.staleAll(TIMESTAMP_MS + 2))).length, 8);
});
