// SPDX-License-Identifier: Apache-2.0
// Which choice is recommended, in which words, and that the configuration takes its settings.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ChoiceFigures, SeriesFigures } from '../../src/estimate/estimate.js';
import { labelChoices } from '../../src/estimate/label-choice.js';
import { recommendChoice } from '../../src/estimate/recommend.js';
import { renderSettingsYaml } from '../../src/estimate/settings-yaml.js';
import { resolveRun } from '../support/config/fixture-text.js';
import { choiceInputs } from '../support/estimate/watched.js';

interface Given {
  readonly flows: number;
  readonly newPerSecond?: number;
  readonly scrapeBytes?: number;
  readonly conflict?: string;
}

function seriesOf(
  { flows, newPerSecond = 0, scrapeBytes = 1000 * flows }: Given,
  families: number,
): SeriesFigures {
  return {
    now: families * flows,
    settled: families * flows,
    anHour: families * (flows + 3600 * newPerSecond),
    scrapeBytes: (families * scrapeBytes) / 4,
    samplesPerSecond: (families * flows) / 15,
    memoryBytes: 0,
    diskBytes: 0,
  };
}

/** Those named, and of the others one flow each. */
function figuresOf(given: Readonly<Record<string, Given>>): { choices: ChoiceFigures[] } {
  const [configured] = choiceInputs();
  const choices = labelChoices(configured?.settings ?? assert.fail()).map((choice) => {
    const own = given[choice.id] ?? { flows: 1 };
    return {
      ...choice,
      ...(own.conflict === undefined ? {} : { conflict: own.conflict }),
      flowsNow: own.flows,
      flowsSettled: own.flows,
      newFlowsPerSecond: own.newPerSecond ?? 0,
      flowsWithSeries: own.flows,
      withGauges: seriesOf(own, 4),
      withoutGauges: seriesOf(own, 2),
    };
  });
  return { choices };
}

const OPTIONS = { maxSeries: 10_000, maxExpositionBytes: 16_000_000, gauges: true };

describe('the most detail within bounds', () => {
  const cases: [string, Record<string, Given>, string, boolean, RegExp][] = [
    ['few flows', { all: { flows: 500 } }, 'all', true, /^all nine labels: nothing has to be left out$/],
    [
      'more flows than get series',
      { all: { flows: 38_932 } },
      'service_ports',
      true,
      /^service ports: .* all nine labels would have 38\.9k flows, more than four fifths of flows\.max_series \(10\.0k\)$/,
    ],
    ['near that bound', { all: { flows: 8001 } }, 'service_ports', true, /four fifths/],
    ['at it', { all: { flows: 8000 } }, 'all', true, /nothing/],
    [
      'churn',
      { all: { flows: 1000, newPerSecond: 50 } },
      'service_ports',
      true,
      /would make 362k series an hour, more than 100k$/,
    ],
    [
      'churn that gauges double',
      { all: { flows: 1000, newPerSecond: 10 } },
      'all',
      false,
      /^all nine labels without gauges: .* as with them all nine labels would make 148k/,
    ],
    [
      'large scrapes',
      { all: { flows: 7000, scrapeBytes: 40_000_000 } },
      'service_ports',
      true,
      /would make scrapes of 20\.0 MB, more than four fifths of flows\.max_exposition_bytes \(16\.0 MB\)$/,
    ],
    [
      'what the configuration cannot have',
      { all: { flows: 38_932 }, service_ports: { flows: 1, conflict: 'because' } },
      'no_ports',
      true,
      /all nine labels/,
    ],
    [
      'nothing within bounds',
      Object.fromEntries(
        labelChoices(choiceInputs()[0]?.settings ?? assert.fail()).map(({ id }) => [id, { flows: 9000 }]),
      ),
      'traffic_type',
      false,
      /^traffic type and interface, which has the least, though /,
    ],
  ];
  for (const [name, given, id, gauges, sentence] of cases) {
    test(name, () => {
      const found = recommendChoice(figuresOf(given), OPTIONS) ?? assert.fail();
      assert.deepEqual([found.id, found.gauges], [id, gauges], found.sentence);
      assert.match(found.sentence, sentence);
    });
  }

  test('gauges that are off stay so', () => {
    const found = recommendChoice(figuresOf({ all: { flows: 500 } }), { ...OPTIONS, gauges: false });
    assert.deepEqual([found?.id, found?.gauges], ['all', false]);
    assert.match(found?.sentence ?? '', /^all nine labels: nothing/);
  });

  test('nothing where no flow was seen, or none can be had', () => {
    const { choices } = figuresOf({});
    const empty = choices.map((choice) => ({ ...choice, flowsNow: 0 }));
    assert.equal(recommendChoice({ choices: empty }, OPTIONS), undefined);
    const conflicting = choices.map((choice) => ({ ...choice, conflict: 'because' }));
    assert.equal(recommendChoice({ choices: conflicting }, OPTIONS), undefined);
  });
});

describe('the configuration takes the settings, and has them then', () => {
  for (const { id, words, settings } of choiceInputs()) {
    for (const switchesPortOff of [false, true]) {
      test(`${id}${switchesPortOff ? ', in place of a port that is off' : ''}`, () => {
        const yaml = renderSettingsYaml({ settings, gauges: false }, { switchesPortOff });
        for (const line of yaml.split('\n')) assert.ok(line.length <= 100, line);
        const { flows } = resolveRun({ file: yaml });
        const { labels, ports, ipv4PrefixLength, ipv6PrefixLength, gauges } = flows;
        const found = { labels, ports, ipv4PrefixLength, ipv6PrefixLength };
        assert.deepEqual(found, settings, words);
        assert.deepEqual([gauges, flows.srcPort, flows.dstPort], [false, true, true]);
      });
    }
  }
});

test('what an answer may have bounds it, too', () => {
  const figures = figuresOf({ all: { flows: 500, scrapeBytes: 900_000 } });
  const { id, sentence } = recommendChoice(figures, { ...OPTIONS, maxExpositionBytes: 1_048_576 }) ?? {};
  assert.equal(id, 'all');
  assert.match(sentence ?? '', /without gauges: .* four fifths of flows\.max_exposition_bytes \(1\.05 MB\)$/);
});
