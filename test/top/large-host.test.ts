// SPDX-License-Identifier: Apache-2.0
// A host with many interfaces of long names, and IPv6 hosts: what tells rows apart is on the screen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TopState } from '../../src/top/state.js';
import { press, screenOf, stateOf } from '../support/top/states.js';

const NAMES = Array.from({ length: 16 }, (_, i) => `enp${161 + Math.floor(i / 4)}s0f${i % 4}np${i % 4}`);
const SERVER = '[2001:db8::ffff:1]:443';

function source(n: number): string {
  return `[2001:db8:85a3:8d3:1319:8a2e:1:${n}]:40013`;
}

function largeState(size: TopState['size']): TopState {
  const { overview, flows, ...state } = stateOf({ flowCount: 8 });
  assert.ok(overview !== undefined && flows !== undefined);
  const [one] = overview.interfaces;
  assert.ok(one !== undefined);
  return {
    ...state,
    size,
    overview: { ...overview, interfaces: NAMES.map((name) => ({ ...one, name, rawName: name })) },
    flows: {
      ...flows,
      allCount: 2000,
      rows: flows.rows.map((row, n) => ({
        ...row,
        source: source(n),
        destination: SERVER,
        interfaceName: NAMES[n] ?? '',
      })),
    },
  };
}

test('80x24: of an IPv6 address the network, the host and the port can be read, and numbers stay', () => {
  const screen = screenOf(largeState({ columns: 80, lines: 24 }));
  const row = screen.find((line) => line.includes(SERVER)) ?? '';
  assert.match(
    row,
    /^ \[2001:db8:85a\S*~\S*:1:0\]:40013 \[2001:db8::ffff:1\]:443 +8\.40Mb 8\.40Mb 8\.40Mb #+$/,
  );
});

test('in few columns rows of one network are still told apart', () => {
  const screen = screenOf(largeState({ columns: 60, lines: 24 }));
  const rows = screen.filter((line) => line.includes(']:40013'));
  assert.equal(rows.length, 8);
  assert.equal(new Set(rows.map((line) => line.slice(0, 24))).size, 8);
});

test('interfaces are left out only where they would take more than a third of the lines', () => {
  const [small, large] = [24, 60].map((lines) => screenOf(largeState({ columns: 200, lines })));
  assert.ok(small?.includes('and 13 more interfaces (i: one after the other)'));
  assert.deepEqual(
    NAMES.filter((name) => !large?.some((line) => line.startsWith(name))),
    [],
  );
  assert.ok(large?.some((line) => line.includes(source(7)) && line.includes(NAMES[7] ?? '')));
});

test('keys are left out whole, and the chosen interface and the filter stay', () => {
  const state = largeState({ columns: 80, lines: 24 });
  assert.equal(
    screenOf(state).at(-1),
    'h help  q end  t pairs  s sort  / filter  i all  p pause         8 of 2000 flows',
  );
  const chosen = screenOf(press(state, 'i', '/2001:', 'enter')).at(-1) ?? '';
  assert.match(chosen, /^h help {2}.*\/ 2001: {2}i enp161s0f0np0 .* of 2000 flows$/);
  assert.doesNotMatch(chosen, /~/);
});

test('80x24: help is cut nowhere', () => {
  const [, ...screen] = screenOf(press(stateOf(), 'h'));
  assert.doesNotMatch(screen.join('\n'), /~/);
  assert.match(screen.join('\n'), /of all flows:\n +src:10\.0\.0\.7 dst.* all must hold\n/);
  assert.match(screen.join('\n'), /! is a pair with trouble/);
});
