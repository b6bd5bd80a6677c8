// SPDX-License-Identifier: Apache-2.0
// What is kept only while somebody looks, what pairs say of themselves, and why nothing is seen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KIND } from '../../src/abi/kinds.js';
import { ROCE_CELL } from '../../src/abi/roce-records.js';
import { FOLLOWED_MAX } from '../../src/api/followed-rows.js';
import { HISTORY_ROWS_MAX } from '../../src/api/interface-rates.js';
import { LOOK_MS } from '../../src/api/live-counts.js';
import { MOST_POINTS } from '../../src/api/rate-history.js';
import { createLiveFixture, FIXTURE_FACTS, type LiveFixture } from '../support/api/live-fixture.js';
import { flow } from '../support/flows/accounts-fixture.js';
import type { StreamSpec } from '../support/roce/roce-rows.js';

const at = (value: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((part, key) => Reflect.get(Object(part), key), value);

test('flows are followed from the first look until a minute after the last, and then the memory is given back', async () => {
  const fixture = createLiveFixture();
  const { followed } = fixture.view.counts.flows;
  await fixture.refresh([flow(1, 500)]);
  assert.equal(followed.history.valueCount, 0, 'nobody looks');
  assert.equal(at(await fixture.ask('flows'), 'history_since_ms'), null);
  assert.equal(at(await fixture.ask('flows'), 'flows', 0, 'bits_per_second'), 4000, 'known at once');
  await fixture.refresh([flow(1, 500)]);
  assert.ok(followed.history.valueCount > 0);
  assert.notEqual(at(await fixture.ask('flows'), 'history_since_ms'), null);
  assert.deepEqual(at(await fixture.ask('flows'), 'flows', 0, 'windows', 0), {
    asked_seconds: 2,
    seconds: 1,
    bits_per_second: 4000,
    packets_per_second: 1,
  });
  await fixture.refresh([flow(1, 500)], LOOK_MS - 1);
  assert.ok(followed.history.valueCount > 0);
  await fixture.refresh([flow(1, 500)], 1);
  assert.equal(followed.history.valueCount, 0);
  assert.equal(followed.rows.length, 0);
  assert.equal(fixture.view.counts.pairs.size, 0);
  fixture.eventReaders = 1;
  await fixture.refresh([flow(1, 500)], 2 * LOOK_MS);
  assert.ok(followed.history.valueCount > 0, 'who reads events looks');
});

test('a flow whose series ends leaves its place, also to another one of the same number', async () => {
  const fixture = createLiveFixture({ maxSeries: 1 });
  fixture.eventReaders = 1;
  await fixture.refresh([flow(1, 500)]);
  const before = at(await fixture.ask('flows'), 'flows', 0, 'id');
  await fixture.refresh([flow(2, 500_000)]);
  const after = await fixture.ask('flows');
  assert.notEqual(at(after, 'flows', 0, 'id'), before);
  assert.equal(at(after, 'flows', 0, 'windows', 2, 'seconds'), 1, 'it has none of the other');
  const gone = await fixture.ask(`history?flow=${String(before)}`);
  assert.deepEqual(at(gone, 'series'), []);
  assert.match(String(at(gone, 'empty')), /^this flow is not followed/);
});

function congested(packets: number): StreamSpec[] {
  const marked = { [ROCE_CELL.ecn + 3]: 31, [ROCE_CELL.ecn + 2]: 969, [ROCE_CELL.payloadBytes]: 900_000 };
  return [
    { packets, bytes: 1_000_000, cells: marked },
    { src: [10, 0, 0, 2], dst: [10, 0, 0, 1], transport: 'cnp', packets: 412, bytes: 412 * 60 },
    {
      src: [10, 0, 0, 2],
      dst: [10, 0, 0, 1],
      packets: 5,
      cells: { [ROCE_CELL.rnrNaks]: 2, [ROCE_CELL.naks]: 3 },
    },
    {
      src: [10, 0, 0, 3],
      packets: 9,
      cells: { [ROCE_CELL.psnGaps]: 1, [ROCE_CELL.psnGapPackets]: 4, [ROCE_CELL.psnRetransmitted]: 7 },
    },
  ];
}

test('pairs have rates from the second refresh on, and say in words what is not well', async () => {
  const fixture = createLiveFixture();
  fixture.eventReaders = 1;
  await fixture.refresh([], 1000, congested(1000));
  const first = await fixture.ask('pairs');
  assert.equal(at(first, 'pairs', 0, 'bits_per_second'), null, 'nobody knows since when it has what it has');
  assert.deepEqual(at(first, 'pairs', 0, 'trouble'), []);
  assert.equal(at(first, 'pairs', 0, 'total_packets'), 1000);
  await fixture.refresh([], 1000, congested(1000));
  const { pairs } = (await fixture.ask('pairs')) as unknown as { pairs: Record<string, unknown>[] };
  const [sender, receiver, lossy] = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((ip) =>
    pairs.find(({ src_ip }) => src_ip === ip),
  );
  assert.equal(sender?.['id'], 'eth0 10.0.0.1 10.0.0.2');
  assert.equal(sender['bits_per_second'], 8_000_000);
  assert.equal(sender['payload_bits_per_second'], 7_200_000);
  assert.equal(sender['ce_share'], 0.031);
  assert.equal(sender['queue_pair'], null);
  assert.deepEqual(sender['trouble'], [
    {
      code: 'ce',
      sentence:
        '3.1 % of the packets from 10.0.0.1 to 10.0.0.2 are marked: a switch on their way is congested',
    },
  ]);
  assert.equal(receiver?.['cnp_per_second'], 412);
  assert.deepEqual(receiver['trouble'], [
    { code: 'cnp', sentence: '10.0.0.2 asks 10.0.0.1 to slow down: 412 CNP/s' },
    { code: 'nak', sentence: '10.0.0.2 refuses what 10.0.0.1 sends: 3 NAK/s' },
    { code: 'rnr', sentence: '10.0.0.2 has no receive buffer ready for 10.0.0.1: 2 RNR NAK/s' },
  ]);
  assert.deepEqual([lossy?.['psn_gaps'], lossy?.['psn_gap_packets'], lossy?.['retransmitted']], [1, 4, 7]);
  const answer = await fixture.ask('pairs?top=1&by=cnp_packets');
  assert.equal(at(answer, 'pairs', 0, 'src_ip'), '10.0.0.2');
  assert.equal(
    Number(at(answer, 'shown', 'bytes')) + Number(at(answer, 'rest', 'bytes')),
    at(answer, 'all', 'bytes'),
  );
  assert.equal(at(await fixture.ask('pairs?src=10.0.0.3'), 'all', 'pairs'), 1);
  assert.equal(at(await fixture.ask('pairs?dst=10.0.0.0/31'), 'all', 'pairs'), 1);
  const history = await fixture.ask('history?pair=eth0 10.0.0.2 10.0.0.1');
  assert.deepEqual(at(history, 'series', 0, 'cnp_per_second'), [412]);
  await fixture.refresh([], 1000, []);
  assert.deepEqual(at(await fixture.ask('pairs'), 'pairs', 0, 'trouble'), [], 'it is well again');
});

async function emptyOf(fixture: LiveFixture, path: string): Promise<unknown> {
  return at(await fixture.ask(path), 'empty');
}

test('why nothing is seen', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([]);
  assert.equal(await emptyOf(fixture, 'overview'), 'no packet has arrived at eth1 in the last 1.0 s');
  assert.equal(await emptyOf(fixture, 'flows'), 'no packet has arrived at eth1 in the last 1.0 s');
  assert.equal(await emptyOf(fixture, 'pairs'), 'no RoCE has been seen');
  assert.equal(await emptyOf(fixture, 'history'), 'nothing has arrived yet');
  assert.match(String(await emptyOf(fixture, 'rdma')), /^RDMA devices have not been read yet/);
  await fixture.refresh([{ kind: KIND.nonIp }]);
  assert.match(String(await emptyOf(fixture, 'flows')), /xtrace_other_packets_total says why$/);
  await fixture.refresh([]);
  fixture.facts = { ...FIXTURE_FACTS, filters: ['filter: roce'], readsRdma: false };
  assert.equal(await emptyOf(fixture, 'flows'), 'what arrives is left out by filter: roce');
  assert.match(String(await emptyOf(fixture, 'rdma')), /^rdma\.enabled is false/);
  await fixture.refresh([flow(1, 100)]);
  assert.equal(await emptyOf(fixture, 'flows'), null);
  assert.equal(
    await emptyOf(fixture, 'flows?src=9.9.9.9'),
    'none of the 1 flows that hold a series is what was asked for',
  );
  fixture.hasRoce = false;
  await fixture.refresh([]);
  assert.match(String(await emptyOf(fixture, 'pairs')), /^roce\.enabled is false/);
  fixture.facts = { ...FIXTURE_FACTS, interfaces: [{ name: 'eth1', mode: 'native', note: '', isUp: false }] };
  await fixture.refresh([]);
  assert.match(String(await emptyOf(fixture, 'overview')), /^eth1 is down, so nothing arrives: ip link set/);
});

test('totals of many interfaces stay within their bound, and the sum is whole', async () => {
  const fixture = createLiveFixture({ maxSeries: 10_000 });
  const rows = Array.from({ length: HISTORY_ROWS_MAX + 50 }, (_, id) => ({
    ...flow(id, 1000),
    interfaceId: id + 1,
  }));
  for (let i = 0; i < MOST_POINTS + 10; i++) await fixture.refresh(i % 50 === 0 ? rows : [], 1000);
  const { history } = fixture.view.counts.interfaces;
  assert.ok(history.points.length <= MOST_POINTS);
  assert.ok(8 * history.valueCount <= 1.4e6);
  const answer = (await fixture.ask('history')) as unknown as {
    series: { interface: string; bits_per_second: number[] }[];
    seconds_each: number[];
  };
  assert.equal(answer.series.length, HISTORY_ROWS_MAX + 1);
  assert.equal(answer.series.at(-1)?.interface, 'any');
  assert.equal(
    answer.series.at(-1)?.bits_per_second.find((rate) => rate > 0),
    8 * 50 * 1000,
  );
});

test('a hundred of many flows are followed, the largest', async () => {
  const fixture = createLiveFixture({ maxSeries: 5000 });
  fixture.eventReaders = 1;
  const rows = Array.from({ length: 3000 }, (_, i) => flow(i, 60 + i));
  await fixture.refresh(rows);
  await fixture.refresh(rows);
  const { flows } = (await fixture.ask('flows?top=1000')) as unknown as { flows: { windows: unknown }[] };
  assert.equal(flows.length, 1000);
  const followed = flows.map(({ windows }) => windows !== null);
  assert.deepEqual(followed, [...Array(FOLLOWED_MAX).fill(true), ...Array(1000 - FOLLOWED_MAX).fill(false)]);
});

test('nobody looks: a refresh chooses and copies nothing', async () => {
  const fixture = createLiveFixture({ maxSeries: 20_000 });
  const rows = Array.from({ length: 20_000 }, (_, i) => flow(i, 60 + i));
  await fixture.refresh(rows);
  await fixture.refresh(rows);
  const turnsOf = async (): Promise<number> => {
    const before = fixture.turns;
    await fixture.view.note({
      ...{
        takenMs: fixture.nowMs,
        takenAtMs: 0,
        isWhole: true,
        isOfUnknownTime: false,
        durationMs: 1,
        stallMs: 0,
        flows: 1,
      },
    });
    return fixture.turns - before;
  };
  assert.equal(await turnsOf(), 0);
  assert.equal(fixture.view.counts.flows.followed.history.valueCount, 0);
  fixture.eventReaders = 1;
  assert.ok((await turnsOf()) > 0, 'and in turns of the event loop where somebody does');
});

test('a counter that begins anew is no negative rate', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([flow(1, 5000)]);
  await fixture.beginAnew();
  await fixture.refresh([flow(1, 300)]);
  const answer = await fixture.ask('overview');
  assert.equal(at(answer, 'interfaces', 0, 'bits_per_second'), 2400);
  assert.equal(at(answer, 'interfaces', 0, 'total_bytes'), 300);
});

test('the message of a refresh has what carried something, and the verdict', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([flow(1, 500), { ...flow(2, 500), interfaceId: 2 }]);
  await fixture.refresh([flow(1, 500)]);
  const message = fixture.view.event(fixture.refreshes);
  assert.doesNotMatch(message, /\n/);
  assert.deepEqual(JSON.parse(message), {
    refresh: 2,
    at_ms: 1_700_000_007_000,
    seconds: 1,
    verdict: { level: 'ok', sentence: 'eth1 is watched: every packet that arrives is counted' },
    interfaces: [
      {
        name: 'eth1',
        bits_per_second: 4000,
        packets_per_second: 1,
        types: [{ traffic_type: 'TCP', bits_per_second: 4000, packets_per_second: 1 }],
      },
    ],
    series: { count: 2, limit: 10 },
    push: { enabled: false, up: null },
    refresh_ms: 2,
    stall_ms: 1,
  });
});
