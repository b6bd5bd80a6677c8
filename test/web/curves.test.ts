// SPDX-License-Identifier: Apache-2.0
// Rates over time on the page, its addresses, its books, and how it tells that numbers are old.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Books, HistoryAnswer, RefreshMessage } from '../../web/model/answers.js';
import { equationOf, equationOfRow } from '../../web/model/books-equation.js';
import { judgeFreshness } from '../../web/model/freshness.js';
import { endsOfPair, hashOfPair, routeOf } from '../../web/model/hash-route.js';
import { OwnTimes } from '../../web/model/own-times.js';
import { CURVES_MAX, type Curves, RateCurves, REST_NAME, stack } from '../../web/model/rate-curves.js';

function message(
  refresh: number,
  seconds: number,
  rate: number,
  atMs = refresh * seconds * 1000,
): RefreshMessage {
  const types = [{ traffic_type: 'TCP', bits_per_second: rate, packets_per_second: 1 }];
  return {
    refresh,
    seconds,
    at_ms: atMs,
    verdict: { level: 'ok', sentence: '' },
    interfaces: [{ name: 'eth0', types }],
    refresh_ms: 1,
    stall_ms: 2,
  };
}

const HISTORY = {
  refresh: 2,
  limit_seconds: 600,
  ends_ms: [5000, 10_000],
  seconds_each: [5, 5],
  series: [{ interface: 'eth0', traffic_type: 'TCP', bits_per_second: [100, 200] }],
  empty: null,
};

test('the history is carried on by messages', () => {
  const curves = new RateCurves();
  assert.ok(!curves.append(message(1, 5, 1)), 'nothing to carry on yet');
  curves.begin(HISTORY);
  assert.ok(curves.append(message(3, 5, 300)));
  const { ends, curves: shown } = curves.read();
  assert.deepEqual(ends, [5, 10, 15]);
  assert.deepEqual(shown, [{ name: 'eth0 TCP', values: [100, 200, 300] }]);
});

test('a message twice adds nothing; where one is missing, or the exporter is a new one, the history must tell', () => {
  const curves = new RateCurves();
  curves.begin(HISTORY);
  assert.ok(curves.append(message(2, 5, 999)));
  assert.ok(!curves.append(message(4, 5, 999)));
  assert.ok(!curves.append(message(1, 5, 999)));
  assert.deepEqual(curves.read().curves[0]?.values, [100, 200]);
});

test('short refreshes are put together, and no bit is lost; after ten minutes points leave', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 1e6 }), { minLength: 1, maxLength: 200 }), (rates) => {
      const curves = new RateCurves();
      curves.begin({ ...HISTORY, refresh: 0, ends_ms: [], seconds_each: [], series: [] });
      for (const [i, rate] of rates.entries()) curves.append(message(i + 1, 0.25, rate));
      const { ends, curves: shown } = curves.read();
      assert.equal(ends.length, Math.ceil(rates.length / 4));
      const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0);
      const whole = rates.slice(0, rates.length - (rates.length % 4));
      const values = shown[0]?.values ?? ends.map(() => 0);
      assert.ok(Math.abs(sum(values.slice(0, whole.length / 4)) - sum(whole) / 4) < 1e-3);
    }),
  );
  const curves = new RateCurves();
  curves.begin(HISTORY);
  for (let refresh = 3; refresh < 300; refresh++) curves.append(message(refresh, 5, 1));
  assert.ok(curves.read().ends.length <= 121);
});

function seriesOf(rates: Readonly<Record<string, number>>): HistoryAnswer['series'] {
  return Object.entries(rates).map(([name, rate]) => {
    const [interfaceName = '', type = ''] = name.split(' ');
    return { interface: interfaceName, traffic_type: type, bits_per_second: [rate, rate] };
  });
}

function shownOf(curves: RateCurves, rates: Readonly<Record<string, number>>): Curves {
  curves.begin({ ...HISTORY, series: seriesOf(rates) });
  return curves.read();
}

test('of many curves the small ones are one, and the sum is that of all', () => {
  const rates = Object.fromEntries(
    Array.from({ length: 20 }, (_, i) => [`eth${i} TCP`, i < 7 ? 100 - i : 1]),
  );
  const { grouping, curves } = shownOf(new RateCurves(), rates);
  assert.equal(grouping, 'interface and traffic type');
  assert.equal(curves.length, CURVES_MAX);
  assert.equal(curves.at(-1)?.name, REST_NAME);
  assert.equal(curves[0]?.name, 'eth0 TCP');
  assert.deepEqual(stack(curves).at(-1), [692, 692]);
});

test('the rest is never most of it: curves are put together by the finest that fits', () => {
  const types = ['TCP', 'UDP', 'RoCE_v2'];
  const ofInterfaces = (count: number): Record<string, number> =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => types.map((type, k) => [`eth${i} ${type}`, 10 + k])).flat(),
    );
  const six = shownOf(new RateCurves(), ofInterfaces(6));
  assert.deepEqual([six.grouping, six.curves.length], ['interface', 6]);
  const sixteen = shownOf(new RateCurves(), ofInterfaces(16));
  assert.equal(sixteen.grouping, 'traffic type');
  assert.deepEqual(
    sixteen.curves.map(({ name, values }) => [name, values[0]]),
    [
      ['RoCE_v2', 192],
      ['UDP', 176],
      ['TCP', 160],
    ],
  );
  fc.assert(
    fc.property(fc.array(fc.nat(1000), { minLength: 1, maxLength: 60 }), (rates) => {
      const named = Object.fromEntries(rates.map((rate, i) => [`eth${i} ${types[i % 3]}`, rate]));
      const { curves } = shownOf(new RateCurves(), named);
      const all = rates.reduce((sum, rate) => sum + rate, 0);
      const rest = curves.find(({ name }) => name === REST_NAME)?.values[0] ?? 0;
      assert.ok(curves.length <= CURVES_MAX && rest <= all / 4);
      assert.ok(Math.abs((stack(curves).at(-1)?.[0] ?? 0) - all) < 1e-6);
    }),
  );
});

test('a curve keeps its place, and so its colour, whoever carries more now', () => {
  const curves = new RateCurves();
  const names = (rates: Readonly<Record<string, number>>): string[] =>
    shownOf(curves, rates).curves.map(({ name }) => name);
  assert.deepEqual(names({ 'a TCP': 3, 'b TCP': 2 }), ['a TCP', 'b TCP']);
  assert.deepEqual(names({ 'a TCP': 3, 'b TCP': 9, 'c TCP': 5 }), ['a TCP', 'b TCP', 'c TCP']);
  assert.deepEqual(names({ 'a TCP': 0, 'b TCP': 9, 'c TCP': 5 }), ['b TCP', 'c TCP']);
});

test('pages by what stands after the #, hostile names too', () => {
  assert.deepEqual(routeOf(''), { page: 'live' });
  assert.deepEqual(routeOf('#/rdma'), { page: 'rdma' });
  assert.deepEqual(routeOf('#/pair/%'), { page: 'live' });
  fc.assert(
    fc.property(fc.string({ minLength: 1, unit: 'grapheme' }), (id) => {
      assert.deepEqual(routeOf(hashOfPair(id)), { page: 'pair', pairId: id });
    }),
  );
  assert.deepEqual(endsOfPair('<b>x 10.0.0.1 10.0.0.2 0x11'), {
    interface: '<b>x',
    src: '10.0.0.1',
    dst: '10.0.0.2',
  });
  assert.equal(endsOfPair('eth0'), undefined);
});

test('numbers are old when three intervals have brought none, five seconds at least', () => {
  assert.equal(judgeFreshness(1000, 1000, 5900, '').isOld, false);
  assert.equal(judgeFreshness(1000, 5000, 15_000, '').isOld, false);
  const { isOld, sentence } = judgeFreshness(1000, 5000, 21_000, 'It says 503.');
  assert.ok(isOld);
  assert.match(
    sentence.replaceAll('\u00a0', ' '),
    /for 20 s: these are the numbers of \d\d:\d\d:\d\d, and old\. It says 503\.$/,
  );
  assert.equal(judgeFreshness(undefined, 0, 0, '').isOld, false);
});

test('the equation is added up here, not believed', () => {
  const amount = (bytes: number) => ({ bytes, packets: 1 });
  const sum: Books['sum'] = { seen: amount(10), shown: amount(7), pending: amount(2), other: amount(1) };
  assert.deepEqual(
    [equationOf({ sum }, 'bytes').isEqual, equationOf({ sum }, 'packets').difference],
    [true, -2],
  );
  const row = { interface: 'a', traffic_type: 'TCP', ...sum, other: [{ reason: 'x', ...amount(1) }] };
  assert.ok(equationOfRow(row, 'bytes').isEqual);
});

test('of the times within a second the longest stands', () => {
  const times = new OwnTimes();
  times.note({ ...message(1, 0.5, 1), at_ms: 1000, refresh_ms: 3 });
  times.note({ ...message(2, 0.5, 1), at_ms: 1500, refresh_ms: 2 });
  times.note({ ...message(3, 0.5, 1), at_ms: 2000, refresh_ms: null });
  const { ends, curves } = times.read();
  assert.deepEqual(ends, [1, 2]);
  assert.deepEqual(curves[0]?.values, [3, 0]);
});
