// SPDX-License-Identifier: Apache-2.0
// What keys and answers do, seen on the screen.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { advance } from '../../src/top/advance.js';
import { wantedRows } from '../../src/top/state.js';
import { answered, press, SIZE_80X24, screenOf, stateOf } from '../support/top/states.js';

const rowsOf = (screen: readonly string[]): string[] =>
  screen
    .filter((line) => /^[ >!]\d+\.\d+\.\d+\.\d+/.test(line))
    .map((line) => line.slice(1).split(' ')[0] ?? '');

test('80x24: who answers, whether all is well, interfaces, flows by their rate over 10 s, keys', () => {
  const screen = screenOf(stateOf());
  assert.equal(screen.length, SIZE_80X24.lines);
  assert.deepEqual(screen.slice(0, 8), [
    'xtrace-catch 0.1.0 10.1.0.1  3 flows, 1 pairs, 3 of 10.0k se~ 10:52:51 every 1 s',
    'OK: eth0 is watched',
    'interface mode         2s     10s     40s   pkt/s   total',
    'eth0      native   6.30Mb  6.30Mb  6.30Mb     750  37.5MB ######################',
    ' source         destination  type     2s   v10s    40s  pkt/s  total',
    ' 10.0.0.2:40002 10.1.0.1:443 TCP  3.15Mb 3.15Mb 3.15Mb    375 18.8MB ###########',
    ' 10.0.0.1:40001 10.1.0.1:443 TCP  2.10Mb 2.10Mb 2.10Mb    250 12.5MB #######',
    ' 10.0.0.0:40000 10.1.0.1:443 TCP  1.05Mb 1.05Mb 1.05Mb    125 6.25MB ####',
  ]);
  assert.match(screen.at(-1) ?? '', /^h help {2}q end {2}t pairs .*3 of 3 flows$/);
});

test('titles say over how long rates go where refreshes are longer', () => {
  const state = stateOf({}, 5);
  assert.match(screenOf(state)[4] ?? '', / 2s +v5s +5s /);
});

describe('sorting', () => {
  test('by the next column, the one before, and the other way round', () => {
    const state = stateOf();
    assert.match(screenOf(press(state, 's'))[4] ?? '', / v40s /);
    assert.match(screenOf(press(state, '<'))[4] ?? '', / v2s /);
    assert.match(screenOf(press(state, 'left', 'left', 'left'))[4] ?? '', / vpkt\/s /);
    const reversed = press(state, 'r');
    assert.match(screenOf(reversed)[4] ?? '', / \^10s /);
    assert.deepEqual(rowsOf(screenOf(reversed)), ['10.0.0.0:40000', '10.0.0.1:40001', '10.0.0.2:40002']);
  });

  test('the exporter is asked for its rows by that column', () => {
    assert.equal(wantedRows(stateOf()).query['by'], 'bytes');
    assert.equal(wantedRows(press(stateOf(), 'ss')).query['by'], 'packets');
    assert.equal(wantedRows(press(stateOf(), 'sss')).query['by'], 'total_bytes');
    assert.equal(wantedRows(press(stateOf(), 'tss')).query['by'], 'ce_packets');
  });
});

describe('filtering', () => {
  test('a text leaves the other rows out, Escape brings them back', () => {
    const state = press(stateOf(), '/10.0.0.1:', 'enter');
    assert.deepEqual(rowsOf(screenOf(state)), ['10.0.0.1:40001']);
    assert.match(screenOf(state).at(-1) ?? '', /1 of 3 flows/);
    assert.equal(rowsOf(screenOf(press(state, 'escape'))).length, 3);
  });

  test('what is typed stands in the last line; a mistake is told there, and typing goes on', () => {
    const typing = press(stateOf(), '/src:10.0.0.1/8');
    assert.equal(screenOf(typing).at(-1), '/src:10.0.0.1/8_');
    const told = press(typing, 'enter');
    assert.match(screenOf(told).at(-1) ?? '', /^src:10\.0\.0\.1\/8 has bits set beyond its first 8/);
    const mended = press(told, 'delete-line', 'src:10.0.0.0/8 type:tcp', 'enter');
    assert.deepEqual(wantedRows(mended).query, {
      top: '200',
      by: 'bytes',
      src: '10.0.0.0/8',
      type: 'TCP',
    });
    assert.equal(press(told, 'escape').prompt, undefined);
  });

  test('keys are text while one types, and none of them ends the program', () => {
    const state = press(stateOf(), '/q', 'backspace', 'x');
    assert.equal(state.prompt?.text, 'x');
    assert.equal(state.isDone, false);
    assert.equal(press(state, 'interrupt').isDone, false);
  });

  test('where it leaves nothing, it says so', () => {
    assert.match(screenOf(press(stateOf(), '/nothing', 'enter')).join('\n'), /No flow is as the filter/);
  });
});

test('pause: what is shown stands still, and goes on', () => {
  const paused = answered(press(stateOf({}, 50), 'p'), {}, 60);
  assert.match(screenOf(paused)[0] ?? '', /PAUSED 10:52:51/);
  assert.match(screenOf(answered(press(paused, 'p'), {}, 61))[0] ?? '', / 10:53:02 every/);
});

test('the interface: one after the other, then all', () => {
  const one = press(stateOf(), 'i');
  assert.equal(wantedRows(one).query['interface'], 'eth0');
  assert.match(screenOf(one).at(-1) ?? '', / i eth0 /);
  assert.equal(wantedRows(press(one, 'i')).query['interface'], undefined);
});

describe('the selection', () => {
  test('moves, stays with its row when rows change places, and with its place when the row goes', () => {
    const state = press(stateOf(), 'down', 'down');
    assert.equal(state.selectedId, 'f1.1764327001000');
    const reversed = press(state, 'r', 's');
    assert.equal(reversed.selectedId, 'f1.1764327001000');
    const fewer = answered(press(stateOf(), 'end'), { flowCount: 1 });
    assert.equal(fewer.selectedId, 'f0.1764327001000');
    assert.equal(press(fewer, 'page-down', 'up', 'home').selectedIndex, 0);
  });

  test('rows scroll with it', () => {
    const many = stateOf({ flowCount: 100 });
    const screen = screenOf(press(many, 'end'));
    assert.match(screen.at(-2) ?? '', /^>10\.0\.0\.0:40000 /);
    assert.equal(screen.length, 24);
    const middle = screenOf(press(many, 'page-down', 'page-down'));
    assert.equal(middle.filter((line) => line.startsWith('>')).length, 1);
  });
});

describe('details', () => {
  test('of a flow: every label, its rates, its last minutes', () => {
    const open = press(stateOf(), 'down', 'enter');
    assert.equal(wantedRows(open).historyId, 'f2.1764327001000');
    const text = screenOf(answered(open)).join('\n');
    for (const part of [
      'Flow 10.0.0.2:40002 > 10.1.0.1:443',
      'protocol               6',
      'last 3 s, at most 2.00Mb:',
      '\n  - #\n',
    ]) {
      assert.ok(text.includes(part), `${part} in\n${text}`);
    }
    assert.equal(press(open, 'escape').overlay, 'none');
  });

  test('of a pair: its trouble in words', () => {
    const pairs = press(stateOf(), 't');
    assert.match(screenOf(pairs).join('\n'), /!10\.0\.0\.1 +10\.0\.0\.2 .* 3\.1% +412/);
    const text = screenOf(press(pairs, 'down', 'enter')).join('\n');
    assert.match(text, /! 10\.0\.0\.1 asks 10\.0\.0\.2 to slow down: 412 CNP\/s/);
    assert.match(text, /NAKs, RNR NAKs +0, 2/);
  });
});

test('an exporter that is gone is said, with since when, and what it sent last stays', () => {
  const gone = advance(stateOf(), { kind: 'gone', atMs: 1000, sentence: 'nothing listens at x' });
  const still = advance(gone, { kind: 'gone', atMs: 9000, sentence: 'nothing listens at x' });
  assert.equal(screenOf(still)[1], 'gone since 00:00:01, trying again: nothing listens at x');
  assert.equal(rowsOf(screenOf(still)).length, 3);
  assert.equal(screenOf(answered(still))[1], 'OK: eth0 is watched');
});

test('all findings, wrapped', () => {
  const sentence = `eth0 is not attached: ${'another program is there and '.repeat(5)}so on`;
  const findings = [1, 2, 3].map(() => ({ level: 'problem', sentence }));
  const state = stateOf({ verdict: { level: 'problem', sentence, findings } });
  assert.match(screenOf(state)[1] ?? '', /^PROBLEM: eth0 is not attached.*~ \(v: all 3\)$/);
  assert.equal(screenOf(press(state, 'v')).filter((line) => line.startsWith('* eth0')).length, 3);
});

test('help is one screen, and every key on it does something', () => {
  const screen = screenOf(press(stateOf(), '?'));
  for (const word of ['Enter', 'Tab', 'filter', 'pause', 'Ctrl-Z', 'Ctrl-C', 'trouble']) {
    assert.ok(
      screen.some((line) => line.includes(word)),
      word,
    );
  }
  for (const key of ['s', 'S', 'r', '/', 'i', 'p', ' ', 'v', 'h', 't', 'j']) {
    assert.notDeepEqual(press(stateOf(), key), stateOf(), key);
  }
});

test('q and Ctrl-C end it; q closes what is open first', () => {
  assert.equal(press(stateOf(), 'q').isDone, true);
  assert.equal(press(stateOf(), 'interrupt').isDone, true);
  assert.equal(press(stateOf(), 'h', 'q').isDone, false);
});
