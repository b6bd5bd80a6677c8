// SPDX-License-Identifier: Apache-2.0
// Whatever the exporter says, whatever keys were pressed, however large the terminal is: a screen has its lines,
// no line is wider (from four columns on), and nothing but our own escape sequences gets out.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { advance, type TopEvent } from '../../src/top/advance.js';
import type { NamedKey } from '../../src/top/keys.js';
import { createPaint, UTF8_SYMBOLS } from '../../src/top/paint.js';
import { readOverview, readRowHistory, readTopFlows, readTopPairs } from '../../src/top/read-answers.js';
import { renderOnce } from '../../src/top/render-once.js';
import { renderScreen } from '../../src/top/render-screen.js';
import { firstState } from '../../src/top/state.js';
import { renderSnapshotJson } from '../../src/top/take-snapshot.js';
import { textWidth } from '../../src/top/text-width.js';
import { fakeAnswers } from '../support/top/fake-exporter.js';
import { PLAIN_PARTS } from '../support/top/states.js';

const HOSTILE = fc.oneof(
  fc.constantFrom(
    '\x1b[2J\x1b]0;gone\x07',
    '<b>x',
    '"</script>',
    '\u202egnp.exe',
    '漢字'.repeat(20),
    'a\nb\rc',
    '\x9b31m',
    '',
  ),
  fc.string({ maxLength: 30 }),
);

/** The answers, with some values replaced by others of any kind. */
const ANSWERS = fc
  .record({
    options: fc.record({ interfaceName: HOSTILE, collectAgg: HOSTILE, flowCount: fc.nat(30) }),
    refresh: fc.nat(100),
    swaps: fc.dictionary(
      fc.constantFrom(
        'version',
        'source',
        'flows',
        'labels',
        'windows',
        'verdict',
        'interfaces',
        'all',
        'series',
        'sentence',
        'id',
      ),
      fc.oneof(fc.jsonValue(), HOSTILE),
      { maxKeys: 2 },
    ),
  })
  .map(({ options, refresh, swaps }) => {
    const answers = fakeAnswers(refresh, options);
    return JSON.parse(
      JSON.stringify(answers, (key, value: unknown) =>
        key in swaps && key !== 'flows' ? swaps[key] : value,
      ),
    ) as typeof answers;
  });

const KEY_NAMES: readonly NamedKey[] = [
  ...(['up', 'down', 'left', 'right', 'page-up', 'page-down'] as const),
  ...(['home', 'end', 'enter', 'tab', 'escape', 'backspace'] as const),
];
const KEY = fc.oneof(
  fc.constantFrom(...KEY_NAMES).map((name) => ({ kind: 'key', key: { name } }) as const),
  fc
    .constantFrom(...'hvsSr/pit kj?<>:10.a漢')
    .map((text) => ({ kind: 'key', key: { name: 'text', text } }) as const),
);
const EVENT: fc.Arbitrary<TopEvent> = fc.oneof(
  { weight: 5, arbitrary: KEY },
  ANSWERS.map((answers) => ({
    kind: 'answers' as const,
    overview: readOverview(answers.overview),
    flows: readTopFlows(answers.flows),
    pairs: readTopPairs(answers.pairs),
    history: readRowHistory(answers.history, 'f0.1764327001000', 'bits_per_second'),
  })),
  fc
    .record({ columns: fc.integer({ min: 4, max: 220 }), lines: fc.integer({ min: 1, max: 60 }) })
    .map((size) => ({ kind: 'resize' as const, size })),
  HOSTILE.map((sentence) => ({ kind: 'gone' as const, atMs: 0, sentence: sentence.replace(/\P{L}/gu, '') })),
);

const OWN_SEQUENCE = new RegExp(`${'\x1b'}\\[[0-9;]*m`, 'g');

test('screens', () => {
  fc.assert(
    fc.property(
      fc.array(EVENT, { maxLength: 40 }),
      fc.constantFrom('colour', 'mono', 'plain'),
      (events, mode) => {
        let state = firstState({ columns: 80, lines: 24 }, undefined);
        for (const event of events) {
          state = advance(state, event);
          const { lines, overlayScroll } = renderScreen(state, {
            ...PLAIN_PARTS,
            symbols: UTF8_SYMBOLS,
            paint: createPaint(mode),
          });
          state = advance(state, { kind: 'drawn', overlayScroll });
          assert.equal(lines.length, state.size.lines);
          for (const line of lines) {
            const text = line.replace(OWN_SEQUENCE, '');
            assert.doesNotMatch(text, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
            assert.ok(
              textWidth(text) <= state.size.columns,
              `${textWidth(text)} > ${state.size.columns}: ${text}`,
            );
            if (mode === 'plain') assert.equal(text, line);
          }
        }
      },
    ),
    { numRuns: 300 },
  );
});

test('snapshots: text has no control character, and JSON is the same value to whoever parses it', () => {
  fc.assert(
    fc.property(ANSWERS, ({ overview, flows, pairs }) => {
      const text = renderOnce({ overview, flows, pairs }, { width: 160 }, PLAIN_PARTS);
      assert.doesNotMatch(text, /(?!\n)[\p{Cc}\p{Cf}]/u);
      const json = renderSnapshotJson({ overview, flows, pairs });
      assert.doesNotMatch(json, /(?!\n$)[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u);
      assert.deepEqual(JSON.parse(json), { overview, flows, pairs });
    }),
    { numRuns: 300 },
  );
});
