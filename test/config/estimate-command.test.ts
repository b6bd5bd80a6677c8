// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch estimate`: its flags, and the mistakes one can make with it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaintsOf, type Given, resolve } from '../support/config/fixture-text.js';

function estimateOf(given: Given) {
  const resolution = resolve(given);
  assert.ok(resolution.action === 'estimate', resolution.action);
  return resolution;
}

test('without flags: text, a minute', () => {
  const { estimate, config } = estimateOf({ argv: ['estimate'] });
  assert.deepEqual(estimate, { json: false, watchMs: 60_000 });
  assert.equal(config.interfacesGiven, false);
});

test('its flags, and the usual ones beside them', () => {
  const argv = ['estimate', '--json', '-i', 'eth3', '--for=5m', '--flows.max-series=5'];
  const { estimate, config } = estimateOf({ argv });
  assert.deepEqual(estimate, { json: true, watchMs: 300_000 });
  assert.deepEqual([config.interfaces, config.flows.maxSeries], [['eth3'], 5]);
  const given = estimateOf({ argv: ['estimate', '--for', '500ms'], file: 'filter: roce\n' });
  assert.deepEqual([given.estimate.watchMs, given.config.filter], [500, 'roce']);
  assert.equal(estimateOf({ argv: ['estimate', '--for=24h'] }).estimate.watchMs, 86_400_000);
});

const TIMES = 'must be a whole number with ms, s, m or h, 500ms to 24h, such as 60s, but is';

describe('mistakes', () => {
  const cases: [string[], string[]][] = [
    [['-i', 'eth0', 'estimate'], ['estimate: must be the first word: xtrace-catch estimate [flags]']],
    [
      ['estimmate'],
      ['estimmate: is not a flag, and no other arguments are allowed, did you mean "estimate"?'],
    ],
    [['doctor', 'estimate'], ['estimate: must be the first word: xtrace-catch estimate [flags]']],
    [['--for=5m'], ['--for: is a flag of estimate alone: xtrace-catch estimate --for']],
    [['doctor', '--for=5m'], ['--for: is a flag of estimate alone: xtrace-catch estimate --for']],
    [['estimate', '--probe'], ['--probe: is a flag of doctor alone: xtrace-catch doctor --probe']],
    [['estimate', '--for'], ['--for: needs a value: --for=TIME']],
    ...['', '5', '499ms', '25h', '-1s', '1d', '1.5s', '10 s', '0s', '1e3s', '99999999999s'].map(
      (time): [string[], string[]] => [
        ['estimate', `--for=${time}`],
        [`--for: ${TIMES} ${JSON.stringify(time)}`],
      ],
    ),
  ];
  for (const [argv, wanted] of cases) {
    test(argv.join(' '), () => assert.deepEqual(complaintsOf({ argv }), wanted));
  }
});
