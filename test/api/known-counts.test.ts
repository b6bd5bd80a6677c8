// SPDX-License-Identifier: Apache-2.0
// What is known of a refresh: after drains and parts that failed, after a start, a change of address, and while the
// API was off, no number is of another time than it says.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { ROCE_CELL } from '../../src/abi/roce-records.js';
import { createLiveFixture, FIXTURE_FACTS, type LiveFixture } from '../support/api/live-fixture.js';
import { flow } from '../support/flows/accounts-fixture.js';

interface Rates {
  readonly bits_per_second: number | null;
  readonly bytes: number | null;
  readonly total_bytes: number;
}

/** seconds, and what the only interface and its only flow say. */
async function shownOf(fixture: LiveFixture) {
  const { seconds, interfaces, empty } = (await fixture.ask('overview')) as unknown as {
    seconds: number;
    interfaces: (Rates & { name: string })[];
    empty: string | null;
  };
  const flows = (await fixture.ask('flows')) as unknown as {
    flows: Rates[];
    all: { bytes: number | null };
    shown: { bytes: number | null };
    without_series: { bytes: number | null };
  };
  const [flowBits, bits] = [flows.flows[0]?.bits_per_second, interfaces[0]?.bits_per_second];
  return { seconds, bits, bytes: interfaces[0]?.bytes, flowBits, empty, flows };
}

async function historyOf(fixture: LiveFixture, path = 'history') {
  const { seconds_each, series } = (await fixture.ask(path)) as unknown as {
    seconds_each: number[];
    series: { bits_per_second: number[] }[];
  };
  const bits = series[0]?.bits_per_second.map((rate, i) => rate * (seconds_each[i] ?? 0));
  return { seconds_each, bits };
}

const UNKNOWN = { seconds: 0, bits: null, bytes: null, flowBits: null, empty: null };

async function assertUnknown(fixture: LiveFixture): Promise<void> {
  const { flows, ...shown } = await shownOf(fixture);
  assert.deepEqual(shown, UNKNOWN);
  assert.deepEqual([flows.all.bytes, flows.shown.bytes, flows.without_series.bytes], [null, null, null]);
}

test('while it is off the totals go on, so that what comes after is of its own time', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([flow(1, 1000)]);
  fixture.isOn = false;
  await fixture.refresh([flow(1, 50_000)]);
  await fixture.refresh([flow(1, 50_000)]);
  assert.equal(fixture.view.counts.flows.followed.rows.length, 0);
  fixture.isOn = true;
  await fixture.refresh([flow(1, 500)]);
  const { seconds, bits, flowBits, flows } = await shownOf(fixture);
  assert.deepEqual([seconds, bits, flowBits, flows.without_series.bytes], [1, 4000, 4000, 0]);
});

test('a refresh of an unknown time has no rates and no point, and the next one is of its own', async () => {
  const fixture = createLiveFixture();
  fixture.eventReaders = 1;
  await fixture.refresh([flow(1, 1e12)], 8, [], { isOfUnknownTime: true });
  await assertUnknown(fixture);
  assert.deepEqual(JSON.parse(fixture.view.event(1)).interfaces[0].bits_per_second, null);
  await fixture.refresh([flow(1, 500)]);
  const { seconds, bits, flowBits } = await shownOf(fixture);
  assert.deepEqual([seconds, bits, flowBits], [1, 4000, 4000]);
  assert.deepEqual(await historyOf(fixture), { seconds_each: [1], bits: [4000] });
});

test('one of an unknown time that failed leaves the rest of it to the next', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([], 8, [], { isOfUnknownTime: true, isWhole: false });
  await fixture.refresh([flow(1, 1e12)]);
  await assertUnknown(fixture);
  await fixture.refresh([flow(1, 500)]);
  assert.equal((await shownOf(fixture)).bits, 4000);
});

test('a drain that brought nothing: the next one is of the time of both, and so is its point', async () => {
  const fixture = createLiveFixture();
  fixture.eventReaders = 1;
  const stream = [{ packets: 1, bytes: 1000, cells: { [ROCE_CELL.payloadBytes]: 900 } }];
  await fixture.refresh([flow(1, 500)], 1000, stream);
  await fixture.refresh([flow(1, 500)], 1000, stream);
  await fixture.refresh([], 1000, [], { isWhole: false });
  await assertUnknown(fixture);
  assert.deepEqual((await historyOf(fixture)).seconds_each, [1, 1], 'no point');
  const { pairs } = (await fixture.ask('pairs')) as unknown as { pairs: Rates[] };
  assert.deepEqual([pairs[0]?.bytes, pairs[0]?.bits_per_second], [null, null]);
  await fixture.refresh([flow(1, 1000)], 1000, [{ ...stream[0], bytes: 2000 }]);
  const { seconds, bits, flowBits } = await shownOf(fixture);
  assert.deepEqual([seconds, bits, flowBits], [2, 4000, 4000]);
  const after = (await fixture.ask('pairs')) as unknown as { pairs: Rates[] };
  assert.deepEqual([after.pairs[0]?.bytes, after.pairs[0]?.bits_per_second], [2000, 8000]);
  assert.deepEqual(await historyOf(fixture), { seconds_each: [1, 1, 2], bits: [4000, 4000, 8000] });
});

test('a drain that brought a part: it goes with the next into one point, and neither tells a rate', async () => {
  const fixture = createLiveFixture();
  fixture.eventReaders = 1;
  await fixture.refresh([flow(1, 500)]);
  await fixture.refresh([flow(1, 300)], 1000, [], { isWhole: false });
  await assertUnknown(fixture);
  await fixture.refresh([flow(1, 700)]);
  await assertUnknown(fixture);
  const whole = { seconds_each: [1, 2], bits: [4000, 8000] };
  assert.deepEqual(await historyOf(fixture), whole);
  const { flows } = (await fixture.ask('flows')) as unknown as { flows: { id: string }[] };
  assert.deepEqual(await historyOf(fixture, `history?flow=${flows[0]?.id}`), whole);
  await fixture.refresh([flow(1, 500)]);
  const { seconds, bits, flowBits } = await shownOf(fixture);
  assert.deepEqual([seconds, bits, flowBits], [1, 4000, 4000]);
});

test('what fails before it is shown makes that refresh unknown, and the one after', async () => {
  const fixture = createLiveFixture();
  fixture.eventReaders = 1;
  await fixture.refresh([flow(1, 500)]);
  await fixture.fail([flow(1, 90_000)], 1000);
  await assertUnknown(fixture);
  await fixture.refresh([flow(1, 500)]);
  await assertUnknown(fixture);
  await fixture.refresh([flow(1, 500)]);
  const { seconds, bits, flowBits } = await shownOf(fixture);
  assert.deepEqual([seconds, bits, flowBits], [1, 4000, 4000]);
  const { seconds_each, bits: all } = await historyOf(fixture);
  assert.deepEqual(
    [seconds_each, all],
    [
      [1, 2, 1],
      [4000, 8 * 90_500, 4000],
    ],
  );
});

test('where all begins anew, what comes is counted from 0, however much it is', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([flow(1, 5000)]);
  await fixture.beginAnew();
  await fixture.refresh([flow(1, 7000)]);
  assert.equal((await shownOf(fixture)).bits, 56_000);
});

test('who asks once in a long interval still looks', async () => {
  const fixture = createLiveFixture();
  fixture.facts = { ...FIXTURE_FACTS, intervalMs: 120_000 };
  await fixture.ask('flows');
  await fixture.refresh([flow(1, 1000)], 120_000);
  await fixture.refresh([flow(1, 1000)], 120_000);
  assert.equal(fixture.view.counts.flows.followed.rows.length, 1);
  await fixture.refresh([flow(1, 1000)], 120_000);
  assert.equal(fixture.view.counts.flows.followed.rows.length, 0);
});

test('before the first refresh nothing is said to be idle', async () => {
  const fixture = createLiveFixture();
  const { empty } = await shownOf(fixture);
  assert.equal(empty, 'nothing has been counted yet: ask again after the next refresh');
  assert.equal(Reflect.get(await fixture.ask('flows'), 'empty'), empty);
});

test('an interface that is not watched is shown if it has carried something', async () => {
  const fixture = createLiveFixture();
  fixture.accounts.openInterface(2, FRAMING.ethernet);
  fixture.accounts.openInterface(3, FRAMING.ethernet);
  await fixture.refresh([{ ...flow(1, 1000), interfaceId: 3 }]);
  const { interfaces } = (await fixture.ask('overview')) as unknown as { interfaces: { name: string }[] };
  assert.deepEqual(
    interfaces.map(({ name }) => name),
    ['eth1', 'eth3'],
  );
});

test('the query is read within the guard, as labels are then', async () => {
  const fixture = createLiveFixture();
  await fixture.refresh([flow(1, 1000)]);
  let open = (): void => undefined;
  fixture.guard = new Promise((resolve) => {
    open = resolve;
  });
  const answer = fixture.refusal('flows?src=10.0.0.0/8');
  fixture.labels = ['interface'];
  open();
  assert.match(await answer, /flows\.labels leaves out src_ip/);
});
