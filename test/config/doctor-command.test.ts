// SPDX-License-Identifier: Apache-2.0
// `xtrace-catch doctor`: its flags, and the mistakes one can make with it.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { complaintsOf, type Given, resolve } from '../support/config/fixture-text.js';

function doctorOf(given: Given) {
  const resolution = resolve(given);
  assert.ok(resolution.action === 'doctor', resolution.action);
  return resolution;
}

test('without flags: text, nothing attached, a second', () => {
  const { doctor, config } = doctorOf({ argv: ['doctor'] });
  assert.deepEqual(doctor, { json: false, probe: false, waitMs: 1000 });
  assert.equal(config.interfacesGiven, false);
});

test('its flags, and the usual ones beside them', () => {
  const argv = ['doctor', '--json', '-i', 'eth3', '--probe', '--wait=5', '--attach-mode=native'];
  const { doctor, config } = doctorOf({ argv });
  assert.deepEqual(doctor, { json: true, probe: true, waitMs: 5000 });
  assert.deepEqual([config.interfaces, config.attachMode], [['eth3'], 'native']);
  const env = { NETWORK_INTERFACE: 'eth8' };
  const given = doctorOf({ argv: ['doctor', '--json=false', '--wait', '0'], env, file: 'filter: roce\n' });
  assert.deepEqual(given.doctor, { json: false, probe: false, waitMs: 0 });
  assert.deepEqual([given.config.interfaces, given.config.filter], [['eth8'], 'roce']);
});

describe('what goes before it', () => {
  const cases: [string[], string][] = [
    [['doctor', '--help'], 'help'],
    [['doctor', '--bogus', '-h'], 'help'],
    [['doctor', '--version'], 'version'],
    [['doctor', '--list'], 'list'],
    [['doctor', '--config.check'], 'check'],
    [['-i', 'doctor'], 'run'],
  ];
  for (const [argv, action] of cases) {
    test(argv.join(' '), () => assert.equal(resolve({ argv }).action, action));
  }
});

describe('mistakes', () => {
  const cases: [string[], string[]][] = [
    [['-i', 'eth0', 'doctor'], ['doctor: must be the first word: xtrace-catch doctor [flags]']],
    [['doktor'], ['doktor: is not a flag, and no other arguments are allowed, did you mean "doctor"?']],
    [
      ['doctor', 'eth0'],
      ['eth0: is not a flag, and no other arguments are allowed; name interfaces with -i'],
    ],
    [['--json'], ['--json: is a flag of doctor, estimate and top alone: xtrace-catch doctor --json']],
    [['--wait=2'], ['--wait: is a flag of doctor alone: xtrace-catch doctor --wait']],
    [['doctor', '--wait'], ['--wait: needs a value: --wait=SECONDS']],
    [['doctor', '--wait=61'], ['--wait: must be a whole number from 0 to 60 (seconds), but is 61']],
    [['doctor', '--wait=-1'], ['--wait: must be a whole number from 0 to 60 (seconds), but is -1']],
    [['doctor', '--wait=a'], ['--wait: must be a whole number from 0 to 60 (seconds), but is "a"']],
    [['doctor', '--probe=perhaps'], ['--probe: must be true, false or without a value, but is "perhaps"']],
    [
      ['doctor', '-t', '5', '--wait=x'],
      [
        '--wait: must be a whole number from 0 to 60 (seconds), but is "x"',
        '--interval: must be a whole number from 100 to 3600000 (milliseconds), but is 5',
      ],
    ],
  ];
  for (const [argv, wanted] of cases) {
    test(argv.join(' '), () => assert.deepEqual(complaintsOf({ argv }), wanted));
  }
});
