// SPDX-License-Identifier: Apache-2.0
// Labels as a receiver gets them.

import assert from 'node:assert/strict';
import { assertLabelsInOrder } from '../../support/exposition/encoder-fixture.js';
import { FIXED_FLOWS } from '../../support/exposition/series-fixture.js';
import { type CaseContext, runCases } from './case-runner.js';
import { family, MIXED } from './families.js';
import { nameOf, type Received } from './sender-under-test.js';

/** Names in capitals sort before __name__, those in small letters after it. */
const EXTRA = { Zone: 'Z', _b: 'under', rack: 'r7', aaa: 'first' };

async function pushAll({ open }: CaseContext): Promise<Received> {
  const sender = await open({ push: { extraLabels: EXTRA } });
  const own = family('valid_metric_name:subsystem_total', [[{ B: '1', bbb: '2', zzz: '3', Job: 'x' }, 42]]);
  return sender.pushOne([...MIXED, own], { flows: FIXED_FLOWS });
}

/** A label value that must arrive as it is. */
function preserved(value: string, name = 'x') {
  return async ({ open }: CaseContext): Promise<void> => {
    const { label } = (await (await open()).pushOne([family('m', [[{ [name]: value }, 42]])])).one('m');
    assert.equal(label[name], value);
  };
}

runCases('labels', {
  async label_lexicographic_ordering(context) {
    const received = await pushAll(context);
    for (const { labels } of received.series) assertLabelsInOrder(labels);
    assert.deepEqual(
      received.named('valid_metric_name:subsystem_total')[0]?.labels.map(([name]) => name),
      ['B', 'Job', 'Zone', '__name__', '_b', 'aaa', 'bbb', 'instance', 'job', 'rack', 'zzz'],
    );
  },
  async metric_name_label_present(context) {
    for (const { labels } of (await pushAll(context)).series) assert.notEqual(nameOf(labels) ?? '', '');
  },
  async metric_name_format_valid({ open }) {
    const received = await (await open()).pushOne([family('a b', 1), family('1a', 1), family('a:b_1', 1)]);
    assert.deepEqual(
      received.series.map(({ labels }) => nameOf(labels)),
      ['a:b_1'],
    );
  },
  async label_name_format_valid({ open }) {
    const { labels } = (
      await (await open()).pushOne([family('m', [[{ ok_1: 'v', '1x': 'v', 'a-b': 'v', ü: 'v' }, 42]])])
    ).one('m');
    assert.deepEqual(
      labels.map(([name]) => name),
      ['__name__', 'instance', 'job', 'ok_1'],
    );
  },
  async no_duplicate_label_names({ open }) {
    const sender = await open({ push: { extraLabels: { foo: 'external', bar: 'external' } } });
    const own = family('m', [[{ foo: 'own', job: 'own' }, 42]]);
    const { labels, label } = (await sender.pushOne([own])).one('m');
    assert.equal(new Set(labels.map(([name]) => name)).size, labels.length);
    const { foo, bar, job, exported_job: ownJob } = label;
    assert.deepEqual([foo, bar, job, ownJob], ['own', 'external', 'xtrace-catch', 'own']);
  },
  async label_names_not_empty({ open }) {
    const { labels } = (await (await open()).pushOne([family('m', [[{ '': 'v', a: 'v' }, 42]])])).one('m');
    assert.ok(labels.every(([name]) => name !== '') && labels.some(([name]) => name === 'a'));
  },
  // The case allows empty values; 1.0 forbids them, and they mean the same as none: none is sent.
  async label_values_may_be_empty({ open }) {
    const { label } = (await (await open()).pushOne([family('m', [[{ empty: '', a: 'v' }, 42]])])).one('m');
    assert.deepEqual(['empty' in label, label['a']], [false, 'v']);
  },
  async reserved_label_prefix({ open }) {
    const own = family('m', [[{ __reserved: 'v', __name__: 'x', _a: 'v' }, 42]]);
    const { labels } = (await (await open()).pushOne([own])).one('m');
    assert.deepEqual(
      labels.map(([name]) => name).filter((name) => name.startsWith('_')),
      ['__name__', '_a'],
    );
  },
  unicode_in_label_values: preserved('🚀 测试 مرحبا tôi'),
  special_chars_in_label_values: preserved('/api?foo=bar&baz="\\n"\n\t\u0000'),
  very_long_label_names: preserved('value', `very_long_${'label_name_'.repeat(100)}`),
  very_long_label_values: preserved('long '.repeat(10_000)),
  async many_labels_per_series({ open }) {
    const given = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`l${i}`, `v${i}`]));
    const { labels, label } = (await (await open()).pushOne([family('m', [[given, 42]])])).one('m');
    assertLabelsInOrder(labels);
    assert.equal(labels.length, 203);
    for (const [name, value] of Object.entries(given)) assert.equal(label[name], value);
  },
});
