// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricDefinition } from '../../src/metrics/definition.js';
import { PUSH_METRICS, pushFamilies } from '../../src/metrics/push-families.js';
import { DROP_REASONS, PushCounters, REQUEST_DURATION_BOUNDS } from '../../src/push/push-stats.js';
import { FIXED_PUSH } from '../support/metrics/fixed-metrics.js';

function definitionOf(name: string): MetricDefinition {
  const metric = PUSH_METRICS.find(({ definition }) => definition.name === name);
  assert.ok(metric !== undefined, `no metric ${name}`);
  return metric.definition;
}

test('the order is that of the catalogue', () => {
  assert.deepEqual(
    pushFamilies(FIXED_PUSH).map(({ name }) => name),
    PUSH_METRICS.map(({ definition }) => definition.name),
  );
});

test('the buckets of the catalogue are those the pusher counts in', () => {
  assert.deepEqual(definitionOf('xtrace_push_request_duration_seconds').buckets, [
    ...REQUEST_DURATION_BOUNDS,
  ]);
});

test('every reason for which samples are dropped stands in the help, and is shown from the start on', () => {
  const { samplesDropped } = new PushCounters();
  assert.deepEqual(Object.keys(samplesDropped), [...DROP_REASONS]);
  for (const reason of DROP_REASONS) {
    assert.ok(definitionOf('xtrace_push_samples_dropped_total').help.includes(reason), reason);
  }
});

test('buckets add up, whatever lies above the last bound included', () => {
  const counters = new PushCounters();
  for (const durationMs of [1, 1.1, 400, 31_000]) counters.countRequest('204', durationMs);
  const families = pushFamilies({ ...FIXED_PUSH, requestDuration: counters.requestDuration });
  const samples = families.find(({ type }) => type === 'histogram')?.samples ?? [];
  const bucket = (le: string): number | undefined =>
    samples.find(({ labels }) => labels[0]?.[1] === le)?.value;
  assert.deepEqual(['0.001', '0.0025', '0.5', '1.0', '30.0', '+Inf'].map(bucket), [1, 2, 3, 3, 3, 4]);
  assert.equal(samples.find(({ suffix }) => suffix === '_count')?.value, 4);
  assert.equal(samples.find(({ suffix }) => suffix === '_sum')?.value, 31.4021);
});
