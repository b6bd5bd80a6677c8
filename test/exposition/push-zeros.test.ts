// SPDX-License-Identifier: Apache-2.0
// A counter that is pushed for the first time has a 0 before its first value, at a time of its own.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Payload, PayloadFormat } from '../../src/exposition/payload.js';
import { zeroTimestamp } from '../../src/exposition/push-zeros.js';
import type { Family } from '../../src/metrics/definition.js';
import {
  collect,
  createEncoder,
  createSnapshot,
  gauge,
  labelsKey,
  receive,
  STARTED_MS,
  TIMESTAMP_MS,
} from '../support/exposition/encoder-fixture.js';
import { parseSampleLine } from '../support/exposition/sample-line.js';
import { FIXED_FLOWS } from '../support/exposition/series-fixture.js';

const FORMATS: readonly PayloadFormat[] = ['text', 'remote_write_1', 'remote_write_2'];

interface Pushed {
  readonly name: string;
  readonly key: string;
  readonly value: number;
  readonly timestampMs: number;
}

/** Every sample in the order in which it goes out. */
function samplesIn(payloads: readonly Payload[]): Pushed[] {
  return payloads.flatMap((payload): Pushed[] => {
    if (payload.format !== 'text') {
      return receive([payload]).flatMap(({ labels, samples }) =>
        samples.map(({ value, timestampMs }) => ({
          name: new Map(labels).get('__name__') ?? '',
          key: labelsKey(labels),
          value,
          timestampMs,
        })),
      );
    }
    const lines = payload.body.toString().trimEnd().split('\n');
    return lines.map((line) => {
      const [, text = '', timestampMs] = /^(.*) (-?\d+)$/s.exec(line) ?? [];
      const { name, labels, value } = parseSampleLine(text);
      return {
        name,
        key: labelsKey([...labels, ['__name__', name]]),
        value,
        timestampMs: Number(timestampMs),
      };
    });
  });
}

function counter(name: string, samples: number, isForeign = false): Family {
  return {
    name,
    help: 'h',
    type: 'counter',
    isForeign,
    samples: Array.from({ length: samples }, (_, i) => ({
      suffix: '',
      labels: [['i', String(i)]],
      value: 5 + i,
    })),
  };
}

for (const format of FORMATS) {
  test(`${format}: counters begin at 0 when the process began, all else at its value`, async () => {
    const encoder = createEncoder({ format, zeroFirst: true });
    const families = [counter('a_total', 2), counter('device_total', 1, true), gauge('g', [{}, 3])];
    const pushed = samplesIn(
      await collect(encoder.encode(createSnapshot(FIXED_FLOWS, families), TIMESTAMP_MS)),
    );
    const zeros = pushed.filter(({ timestampMs }) => timestampMs !== TIMESTAMP_MS);
    for (const { timestampMs, value, name } of zeros) {
      assert.deepEqual([timestampMs, value], [STARTED_MS, 0]);
      assert.ok(name.endsWith('_total') && name !== 'device_total', name);
    }
    assert.equal(zeros.length, 2 + 2 * FIXED_FLOWS.length);
    assert.deepEqual(pushed.slice(0, zeros.length), zeros, 'zeros go first');
    const keys = new Set(pushed.slice(zeros.length).map(({ key }) => key));
    for (const { key } of zeros) assert.ok(keys.has(key), 'a value follows');
  });

  test(`${format}: what is pushed again has no other 0, what is new has one just after the former push`, async () => {
    const encoder = createEncoder({ format, zeroFirst: true });
    await collect(encoder.encode(createSnapshot([], [counter('a_total', 1)]), TIMESTAMP_MS));
    const again = createSnapshot([], [counter('a_total', 2)]);
    const pushed = samplesIn(await collect(encoder.encode(again, TIMESTAMP_MS + 5000)));
    assert.deepEqual(
      pushed.map(({ value, timestampMs }) => [value, timestampMs - TIMESTAMP_MS]),
      [
        [0, 1],
        [5, 5000],
        [6, 5000],
      ],
    );
    const third = samplesIn(await collect(encoder.encode(again, TIMESTAMP_MS + 10_000)));
    assert.deepEqual(
      third.map(({ value }) => value),
      [5, 6],
    );
  });

  test(`${format}: a flow that ended and began anew begins at 0 again`, async () => {
    const encoder = createEncoder({ format, zeroFirst: true });
    const snapshot = createSnapshot(FIXED_FLOWS.slice(0, 1));
    await collect(encoder.encode(snapshot, TIMESTAMP_MS));
    encoder.onSeriesEnd(snapshot.flows.rows.inUse[0] ?? -1);
    const pushed = samplesIn(await collect(encoder.encode(snapshot, TIMESTAMP_MS + 5000)));
    const zeros = pushed.filter(({ timestampMs }) => timestampMs === TIMESTAMP_MS + 1);
    assert.deepEqual(
      zeros.map(({ value }) => value),
      [0, 0],
    );
  });

  test(`${format}: no zeros where none are wanted`, async () => {
    const encoder = createEncoder({ format, zeroFirst: false });
    const snapshot = createSnapshot(FIXED_FLOWS, [counter('a_total', 3)]);
    const pushed = samplesIn(await collect(encoder.encode(snapshot, TIMESTAMP_MS)));
    assert.ok(pushed.every(({ timestampMs }) => timestampMs === TIMESTAMP_MS));
  });

  test(`${format}: whatever the clock does, no counter has two samples of one time or goes back`, async () => {
    const pushes = fc.array(
      fc.record({ stepMs: fc.integer({ min: -50_000, max: 50_000 }), series: fc.nat(5) }),
      { minLength: 1, maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(pushes, async (list) => {
        const encoder = createEncoder({ format, zeroFirst: true, maxSamplesPerBatch: 3 });
        const lastMs = new Map<string, number>();
        let nowMs = TIMESTAMP_MS;
        let highestMs = nowMs;
        for (const { stepMs, series } of list) {
          highestMs = Math.max(highestMs, nowMs);
          nowMs = Math.max(nowMs + stepMs, highestMs - 50_000); // a greater step back is followed
          const payloads = await collect(
            encoder.encode(createSnapshot([], [counter('a_total', series)]), nowMs),
          );
          for (const { key, timestampMs } of samplesIn(payloads)) {
            const before = lastMs.get(key) ?? Number.NEGATIVE_INFINITY;
            assert.ok(timestampMs > before, `${timestampMs} after ${before}`);
            lastMs.set(key, timestampMs);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
}

test('there is no 0 where there is no time for it', () => {
  const options = { zeroFirst: true, startedMs: 1000 };
  assert.equal(zeroTimestamp(options, Number.NEGATIVE_INFINITY, 1001), 1000);
  assert.equal(zeroTimestamp(options, Number.NEGATIVE_INFINITY, 1000), undefined);
  assert.equal(zeroTimestamp(options, 5000, 5001), undefined);
  assert.equal(zeroTimestamp(options, 5000, 5002), 5001);
});

for (const format of FORMATS) {
  test(`${format}: counters that go on from a former process get no 0, new ones do`, async () => {
    const encoder = createEncoder({ format, zeroFirst: true });
    await encoder.goOn(createSnapshot(FIXED_FLOWS.slice(0, 1), [counter('a_total', 1)]));
    const now = createSnapshot(FIXED_FLOWS.slice(0, 2), [counter('a_total', 2)]);
    const pushed = samplesIn(await collect(encoder.encode(now, TIMESTAMP_MS)));
    const zeros = pushed.filter(({ timestampMs }) => timestampMs !== TIMESTAMP_MS);
    const names = zeros.map(({ name }) => name).sort();
    assert.deepEqual(names, ['a_total', 'xtrace_network_bytes_total', 'xtrace_network_packets_total']);
    assert.ok(zeros.every(({ value }) => value === 0));
  });
}
