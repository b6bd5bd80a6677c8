// SPDX-License-Identifier: Apache-2.0
// What happens when: start, the beat, failures, stop. Every part is a script here; the real ones are
// in test/e2e.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDaemon, type RefreshSteps } from '../src/daemon.js';
import type { FlowAccounts } from '../src/flows/flow-accounts.js';
import type { IntervalSummary } from '../src/flows/views.js';
import type { DrainResult } from '../src/reader/drain.js';

const INTERVAL_MS = 1000;
const WATCH_MS = 100_000;

interface Timer {
  readonly atMs: number;
  task(): void;
}

function createRig(
  attachedNames: string[] = ['va'],
  lacksPrivilege = false,
  watchMs = WATCH_MS,
  steps: Partial<RefreshSteps> = {},
  loadRefused: readonly string[] = [],
) {
  const events: string[] = [];
  /** Drains and refreshes among the holds of requests. */
  const timeline: string[] = [];
  const timers = new Set<Timer>();
  const rig = {
    events,
    timeline,
    timers,
    nowMs: 0,
    /** What the next drains fail with, in turn. */
    drainErrors: [] as unknown[],
    /** Whether each refresh succeeded, as told. */
    outcomes: [] as boolean[],
    applyError: undefined as unknown,
    drainMs: 0,
    isTakingOver: (): boolean => false,
    async runTimers(untilMs: number): Promise<void> {
      for (;;) {
        const due = [...timers].sort((a, b) => a.atMs - b.atMs)[0];
        if (due === undefined || due.atMs > untilMs) break;
        timers.delete(due);
        rig.nowMs = Math.max(rig.nowMs, due.atMs);
        due.task();
        await new Promise((resolve) => setImmediate(resolve));
      }
      rig.nowMs = Math.max(rig.nowMs, untilMs);
    },
  };
  const daemon = createDaemon(
    { intervalMs: INTERVAL_MS, watchMs },
    {
      drain: {
        async drain() {
          events.push(`drain ${rig.nowMs}`);
          timeline.push('drain');
          rig.nowMs += rig.drainMs;
          const error = rig.drainErrors.shift();
          return { ...EMPTY_DRAIN, ...(error === undefined ? {} : { error }) };
        },
      },
      isTakingOver: () => rig.isTakingOver(),
      accounts: {
        async apply() {
          if (rig.applyError !== undefined) throw rig.applyError;
          return EMPTY_SUMMARY;
        },
      } as unknown as FlowAccounts, // the daemon only applies
      attachments: {
        check: () => events.push('check'),
        states: ['va', 'vb'].map((name, id) => ({
          id,
          name,
          get attached() {
            return attachedNames.includes(name);
          },
          get sentence() {
            return attachedNames.includes(name) ? '' : `${name} will not`;
          },
          lacksPrivilege,
          isLoadRefused: loadRefused.includes(name),
        })),
        get sentences() {
          return ['va', 'vb']
            .filter((name) => !attachedNames.includes(name))
            .map((name) => `${name} will not`);
        },
        close: () => events.push('detach'),
      },
      onRefreshed: (succeeded) => void rig.outcomes.push(succeeded),
      requests: {
        hold: () => timeline.push('hold'),
        release: () => timeline.push('release'),
      },
      log: {
        info: (_fields, message) => events.push(`info ${message}`),
        warn: (_fields, message) => events.push(`warn ${message}`),
        error: (_fields, message) => events.push(`error ${message}`),
      },
      clock: {
        nowMs: () => rig.nowMs,
        wallMs: () => 1e12 + rig.nowMs,
        schedule(task, delayMs) {
          const timer = { atMs: rig.nowMs + delayMs, task };
          timers.add(timer);
          return () => timers.delete(timer);
        },
      },
    },
  );
  const start = (): Promise<void> =>
    daemon.start({
      record({ number, result }) {
        timeline.push('refresh');
        events.push(`refresh ${number}${result.error === undefined ? '' : ' failed'}`);
      },
      followHostIp: async () => undefined,
      addRoce: async () => undefined,
      clearDrained: async () => undefined,
      fitExposition: async () => undefined,
      keepState: async () => undefined,
      readRdma: () => undefined,
      show: async () => undefined,
      push: async () => undefined,
      ...steps,
    });
  return Object.assign(rig, { daemon: { ...daemon, start } });
}

const EMPTY_DRAIN: DrainResult = {
  rows: { length: 0, keys: new Uint32Array(), packets: new Float64Array(), bytes: new Float64Array() },
  overflow: [],
  roceRows: { length: 0, keys: new Uint32Array(), cellsOf: () => new Float64Array(), spreads: [] },
  roceOverflow: [],
  unattributedPackets: 0,
  unseenFlows: 0,
  entries: { flows4: 0, flows6: 0, slots4: 0, slots6: 0, roce: 0, roceSlots: 0 },
  fenceMs: 0,
  readMs: 0,
};
const EMPTY_SUMMARY = { flows: 0, series: 0, ended: {} } as unknown as IntervalSummary; // not read here

test('start attaches, then refreshes, and keeps to the beat of the start', async () => {
  const { daemon, events, runTimers } = createRig();
  await daemon.start();
  assert.deepEqual(events, ['check', 'drain 0', 'refresh 1']);
  await runTimers(2500);
  assert.deepEqual(events.slice(3), ['drain 1000', 'refresh 2', 'drain 2000', 'refresh 3']);
  assert.equal(daemon.currentRefresh(), 3);
});

test('what predecessors counted is taken in at the start, refresh by refresh', async () => {
  let left = 3;
  const cleared: number[] = [];
  const rig = createRig(['va'], false, WATCH_MS, {
    async clearDrained() {
      left--;
      cleared.push(left);
    },
    async keepState() {
      rig.timeline.push('keep');
    },
  });
  rig.isTakingOver = () => left > 0;
  await rig.daemon.start();
  assert.deepEqual(
    rig.events.filter((event) => event.startsWith('drain')),
    ['drain 0', 'drain 0', 'drain 0'],
  );
  assert.deepEqual(cleared, [2, 1, 0]);
  await rig.runTimers(INTERVAL_MS);
  assert.equal(rig.events.filter((event) => event.startsWith('drain')).length, 4);
});

test('of the start, and of what predecessors counted, nobody knows in what time', async () => {
  const told: boolean[] = [];
  const rig = createRig(['va'], false, WATCH_MS, {
    async show({ isOfUnknownTime }) {
      told.push(isOfUnknownTime);
    },
  });
  await rig.daemon.start();
  await rig.runTimers(INTERVAL_MS);
  let left = 2;
  rig.isTakingOver = () => left > 0 && left-- > 0;
  await rig.runTimers(3 * INTERVAL_MS);
  rig.isTakingOver = () => false;
  await rig.runTimers(4 * INTERVAL_MS);
  await rig.daemon.stop();
  assert.equal(told[0], true, 'before the start was over');
  assert.deepEqual(told.slice(1), [false, true, true, false, false]);
});

test('a refresh longer than the interval leaves beats out and does not pile up', async () => {
  const rig = createRig();
  await rig.daemon.start();
  rig.drainMs = 1500;
  await rig.runTimers(5000);
  const drains = rig.events.filter((event) => event.startsWith('drain')).slice(1);
  assert.deepEqual(drains, ['drain 1000', 'drain 3000', 'drain 5000']);
});

test('nothing attached for lack of privilege: start says why for each interface, detaches and leaves no timer', async () => {
  const { daemon, events, timers } = createRig([], true);
  await assert.rejects(daemon.start(), {
    code: 'NOTHING_ATTACHED',
    message: /va will not; vb will not/,
  });
  assert.deepEqual(events, ['check', 'detach']);
  assert.equal(timers.size, 0);
});

test('no program is taken for anything that is named: start says why; where one is only missing it goes on', async () => {
  const refused = createRig([], false, WATCH_MS, {}, ['va', 'vb']);
  await assert.rejects(refused.daemon.start(), {
    exitCode: 1,
    message: /attached: va will not; vb will not/,
  });
  assert.deepEqual(refused.events, ['check', 'detach']);
  assert.equal(refused.timers.size, 0);
  for (const attached of [[], ['vb']]) {
    const rig = createRig(attached, false, WATCH_MS, {}, ['va']);
    await rig.daemon.start();
    await rig.daemon.stop();
  }
});

test('nothing to attach yet: it refreshes, is not ready, and is ready when something is attached', async () => {
  const attachedNames: string[] = [];
  const rig = createRig(attachedNames);
  await rig.daemon.start();
  assert.deepEqual(rig.events, ['check', 'drain 0', 'refresh 1']);
  await rig.runTimers(3000);
  assert.equal(rig.daemon.currentRefresh(), 4);
  assert.deepEqual(rig.daemon.readiness(), { ready: false, reason: 'Not ready: no interface is attached.' });
  attachedNames.push('vb');
  assert.deepEqual(rig.daemon.readiness(), { ready: true, reason: 'Ready: attached to vb.' });
});

test('nothing is attached: told again once a minute at most, and no more when something is', async () => {
  const attachedNames: string[] = [];
  const rig = createRig(attachedNames);
  await rig.daemon.start();
  const lines = () => rig.events.filter((event) => /^(info|warn|error)/.test(event));
  for (let looks = 1; looks <= 10; looks++) await rig.runTimers(looks * WATCH_MS);
  // Looks are 100 s apart here: the first one only takes note.
  assert.equal(lines().length, 9);
  assert.ok(
    lines().every(
      (line) => line === 'error no interface is attached, so nothing is counted: va will not; vb will not',
    ),
  );
  attachedNames.push('va');
  await rig.runTimers(20 * WATCH_MS);
  assert.equal(lines().length, 9);
});

test('looks that are a second apart tell it once a minute', async () => {
  const rig = createRig([], false, 1000);
  await rig.daemon.start();
  await rig.runTimers(200_000);
  assert.equal(rig.events.filter((event) => event.startsWith('error')).length, 3);
});

test('a start that fails after attaching detaches', async () => {
  const rig = createRig();
  rig.applyError = new Error('no memory');
  await assert.rejects(rig.daemon.start(), /no memory/);
  assert.equal(rig.events.at(-1), 'detach');
  assert.equal(rig.timers.size, 0);
});

test('stop detaches before the last drain and calls all timers off', async () => {
  const { daemon, events, timers } = createRig();
  await daemon.start();
  assert.equal(await daemon.stop(), true);
  assert.deepEqual(events.slice(3), ['detach', 'drain 0', 'refresh 2']);
  assert.equal(timers.size, 0);
});

test('the last drain is tried again, for nothing comes after it', async () => {
  const rig = createRig();
  await rig.daemon.start();
  rig.drainErrors = ['EINTR', 'EINTR'];
  assert.equal(await rig.daemon.stop(), true);
  assert.equal(rig.events.filter((event) => event.startsWith('drain')).length, 4);

  const hopeless = createRig();
  await hopeless.daemon.start();
  hopeless.drainErrors = Array.from({ length: 99 }, () => 'EINTR');
  assert.equal(await hopeless.daemon.stop(), false);
});

test('a failed refresh is told once, and the next good one tells that it is over', async () => {
  const rig = createRig();
  await rig.daemon.start();
  assert.ok(rig.daemon.readiness().ready);
  rig.drainErrors = Array.from({ length: 5 }, () => new Error('EINTR'));
  await rig.runTimers(5000);
  assert.match(rig.daemon.readiness().reason, /older than 3 intervals of 1000 ms/);
  await rig.runTimers(6000);
  assert.ok(rig.daemon.readiness().ready);
  assert.deepEqual(
    rig.events.filter((event) => /^(error|info)/.test(event)),
    [
      'error a refresh failed; its counts come with the next one',
      'info refreshing works again; the counts of the failed refreshes are in',
    ],
  );
});

test('a refresh that throws does not end the beat', async () => {
  const rig = createRig();
  await rig.daemon.start();
  rig.applyError = new Error('a fault');
  await rig.runTimers(1000);
  rig.applyError = undefined;
  await rig.runTimers(2000);
  assert.deepEqual(rig.events.slice(-2), [
    'refresh 2',
    'info refreshing works again; the counts of the failed refreshes are in',
  ]);
});

test('of each refresh is told whether it and its drain succeeded', async () => {
  const rig = createRig();
  await rig.daemon.start();
  rig.drainErrors = [new Error('EINTR')];
  await rig.runTimers(1000);
  rig.applyError = new Error('a fault');
  await rig.runTimers(2000);
  rig.applyError = undefined;
  await rig.runTimers(3000);
  assert.deepEqual(rig.outcomes, [true, false, false, true]);
});

test('a snapshot and a refresh wait for each other', async () => {
  const rig = createRig();
  await rig.daemon.start();
  let open = (): void => assert.fail('the snapshot did not begin');
  const seen = rig.daemon.withSnapshot(
    (refresh) =>
      new Promise<number>((resolve) => {
        open = () => resolve(refresh);
      }),
  );
  await rig.runTimers(1000);
  assert.equal(rig.daemon.currentRefresh(), 1, 'the refresh waits');
  open();
  assert.equal(await seen, 1);
  await rig.daemon.withSnapshot(async (refresh) => assert.equal(refresh, 2));
  await assert.rejects(
    rig.daemon.withSnapshot(() => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.equal(await rig.daemon.withSnapshot(async () => 'and on'), 'and on');
});

test('a refresh goes before all snapshots that wait', async () => {
  const rig = createRig();
  await rig.daemon.start();
  let open = (): void => assert.fail('the snapshot did not begin');
  const first = rig.daemon.withSnapshot(
    () =>
      new Promise<void>((resolve) => {
        open = resolve;
      }),
  );
  const others = [1, 2, 3].map(() => rig.daemon.withSnapshot(async (refresh) => refresh));
  await rig.runTimers(1000);
  open();
  await first;
  assert.deepEqual(await Promise.all(others), [2, 2, 2]);
});

test('no request of a client begins during a refresh, whether it works or not', async () => {
  const rig = createRig();
  await rig.daemon.start();
  await rig.runTimers(1000);
  rig.applyError = new Error('a fault');
  await rig.runTimers(2000);
  rig.applyError = undefined;
  await rig.daemon.stop();
  assert.deepEqual(rig.timeline, [
    ...['hold', 'drain', 'refresh', 'release'],
    ...['hold', 'drain', 'refresh', 'release'],
    ...['hold', 'drain', 'release'],
    ...['hold', 'drain', 'refresh', 'release'],
  ]);
});

test('not ready while nothing is attached', async () => {
  const { daemon } = createRig([]);
  assert.deepEqual(daemon.readiness(), { ready: false, reason: 'Not ready: no interface is attached.' });
});

test('the steps of a refresh come one after the other, in their order', async () => {
  const order: string[] = [];
  const step = (name: string) => async (): Promise<void> => {
    order.push(`${name} begins`);
    await new Promise((resolve) => setImmediate(resolve));
    order.push(`${name} ends`);
  };
  const rig = createRig(['va'], false, WATCH_MS, {
    record: () => order.push('record'),
    followHostIp: step('host ip'),
    addRoce: step('RoCE'),
    fitExposition: step('fit'),
    keepState: step('state'),
    readRdma: () => order.push('RDMA'),
    show: step('show'),
    push: step('push'),
  });
  await rig.daemon.start();
  assert.deepEqual(order, [
    'host ip begins',
    'host ip ends',
    'record',
    'RoCE begins',
    'RoCE ends',
    'fit begins',
    'fit ends',
    'state begins',
    'state ends',
    'RDMA',
    'show begins',
    'show ends',
    'push begins',
    'push ends',
  ]);
});

test('the state is kept also where a part failed: what there is will be shown', async () => {
  const order: string[] = [];
  const rig = createRig(['va'], false, WATCH_MS, {
    addRoce: () => Promise.reject(new Error('no rows')),
    keepState: async () => void order.push('state'),
    push: async () => void order.push('push'),
  });
  await assert.rejects(rig.daemon.start(), /no rows/);
  assert.deepEqual(order, ['state']);
});

test('a change of configuration comes between two refreshes, after some of its own, with clients held', async () => {
  const rig = createRig();
  await rig.daemon.start();
  rig.timeline.length = 0;
  let snapshots = 0;
  await rig.daemon.reconfigure(
    () => 2,
    async () => {
      rig.timeline.push('change');
      void rig.daemon.withSnapshot(async (refresh) => {
        snapshots = refresh;
      });
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(snapshots, 0, 'nobody sees it half done');
      return { intervalMs: INTERVAL_MS };
    },
  );
  assert.deepEqual(rig.timeline, ['hold', 'drain', 'refresh', 'drain', 'refresh', 'change', 'release']);
  assert.equal(snapshots, 4, 'what is shown is another refresh');
  rig.events.length = 0;
  await rig.runTimers(2500);
  assert.deepEqual(rig.events, ['drain 1000', 'refresh 5', 'drain 2000', 'refresh 6'], 'the beat goes on');
});

test('a change is told where too few of the refreshes before it were good', async () => {
  const rig = createRig();
  await rig.daemon.start();
  const told: boolean[] = [];
  const change = async (): Promise<void> => {
    await rig.daemon.reconfigure(
      () => 2,
      async (hasRefreshed) => {
        told.push(hasRefreshed);
        return { intervalMs: INTERVAL_MS };
      },
    );
  };
  rig.drainErrors = Array.from({ length: 99 }, () => new Error('no'));
  await change();
  rig.drainErrors = [new Error('no')];
  await change();
  assert.deepEqual(told, [false, true]);
});

test('changes and refreshes wait for each other; a failed drain is tried again before a change', async () => {
  const rig = createRig();
  await rig.daemon.start();
  const order: string[] = [];
  rig.drainErrors = [undefined, new Error('no'), undefined];
  const first = rig.daemon.reconfigure(
    () => 2,
    async () => {
      order.push(`first after ${rig.events.filter((event) => event.startsWith('refresh')).length}`);
      await rig.runTimers(1000); // the beat's own refresh waits
      return { intervalMs: INTERVAL_MS };
    },
  );
  const second = rig.daemon.reconfigure(
    () => 0,
    async () => {
      order.push('second');
      throw new Error('not this one');
    },
  );
  await assert.rejects(second, /not this one/);
  await first;
  assert.deepEqual(order, ['first after 4', 'second']);
  while (rig.timers.size < 2) await new Promise((resolve) => setImmediate(resolve));
  await rig.runTimers(1500);
  assert.equal(rig.events.filter((event) => event.startsWith('drain')).length, 5);
  assert.equal(rig.timers.size, 2, 'one beat, one watch');
});

test('another interval keeps to the beat of the start, by the new one', async () => {
  const rig = createRig();
  await rig.daemon.start();
  await rig.runTimers(1200);
  await rig.daemon.reconfigure(
    () => 0,
    async () => ({ intervalMs: 400 }),
  );
  rig.events.length = 0;
  await rig.runTimers(2100);
  assert.deepEqual(
    rig.events.filter((event) => event.startsWith('drain')),
    ['drain 1600', 'drain 2000'],
  );
  assert.match(rig.daemon.readiness().reason, /Ready/);
});

test('no change before the start is over, and none in a stop', async () => {
  const { daemon } = createRig();
  const change = () =>
    daemon.reconfigure(
      () => 0,
      async () => ({ intervalMs: INTERVAL_MS }),
    );
  await assert.rejects(change(), /has not started yet/);
  await daemon.start();
  await daemon.stop();
  await assert.rejects(change(), /is stopping/);
});
