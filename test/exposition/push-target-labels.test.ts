// SPDX-License-Identifier: Apache-2.0
// What is pushed has the job and instance of this exporter, as what is scraped; a series' own go by another name.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinLabels, type LabelPair } from '../../src/exposition/remote-write/labels.js';
import {
  assertLabelsInOrder,
  collect,
  createEncoder,
  createSnapshot,
  expectedSeries,
  gauge,
  labelsKey,
  receive,
  TIMESTAMP_MS,
} from '../support/exposition/encoder-fixture.js';
import { parseSampleLine } from '../support/exposition/sample-line.js';
import { fixedOwnerFamilies } from '../support/metrics/fixed-owners.js';

const EXTERNAL: LabelPair[] = [
  ['job', 'xtrace-catch'],
  ['instance', 'node:10060'],
  ['pod', 'xtrace-0'],
];

test('a job of its own becomes exported_job, as a scrape without honor_labels makes it', () => {
  const cases: [own: LabelPair[], joined: LabelPair[]][] = [
    [[['job', '7']], [['exported_job', '7'], ...EXTERNAL]],
    [[['job', '']], EXTERNAL],
    [
      [
        ['job', '7'],
        ['exported_job', '8'],
        ['instance', 'a'],
      ],
      [['exported_exported_job', '7'], ['exported_job', '8'], ['exported_instance', 'a'], ...EXTERNAL],
    ],
    [
      [
        ['exported_job', ''],
        ['job', '7'],
      ],
      [['exported_job', '7'], ...EXTERNAL],
    ],
    [[['pod', 'own']], [['pod', 'own'], ...EXTERNAL.slice(0, 2)]],
  ];
  for (const [own, joined] of cases) assert.equal(labelsKey(joinLabels(own, EXTERNAL)), labelsKey(joined));
  assert.deepEqual(joinLabels([['job', '7']], []), [['job', '7']]);
});

test('owners of queue pairs: every series once, no label twice, in each format', async () => {
  const snapshot = createSnapshot([], fixedOwnerFamilies());
  const expected = await expectedSeries(snapshot, EXTERNAL);
  for (const format of ['remote_write_1', 'remote_write_2', 'text'] as const) {
    const payloads = await collect(
      createEncoder({ format, externalLabels: EXTERNAL }).encode(snapshot, TIMESTAMP_MS),
    );
    const lines = payloads.flatMap(({ body }) =>
      format === 'text' ? body.toString().trimEnd().split('\n') : [],
    );
    const labels: readonly LabelPair[][] =
      format === 'text'
        ? lines.map((line) => {
            // Refuses a label twice.
            const { name, labels: own } = parseSampleLine(line.slice(0, line.lastIndexOf(' ')));
            return [...own, ['__name__', name] as const].filter(([, text]) => text !== '');
          })
        : receive(payloads).map((series) => {
            assertLabelsInOrder(series.labels);
            return [...series.labels];
          });
    assert.deepEqual(labels.map(labelsKey).sort(), [...expected.keys()].sort());
    const jobs = labels.map((own) => new Map(own));
    assert.ok(jobs.every((own) => own.get('job') === 'xtrace-catch'));
    assert.ok(jobs.some((own) => own.get('exported_job') === '1392969'));
  }
});

test('series that differ in their own job alone stay apart', async () => {
  const family = gauge('x', [{ job: '7' }, 1], [{ job: '8' }, 2], [{}, 3]);
  const payloads = await collect(createEncoder().encode(createSnapshot([], [family]), TIMESTAMP_MS));
  assert.deepEqual(
    receive(payloads).map(({ labels, samples }) => [new Map(labels).get('exported_job'), samples[0]?.value]),
    [
      ['7', 1],
      ['8', 2],
      [undefined, 3],
    ],
  );
});
