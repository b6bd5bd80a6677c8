// SPDX-License-Identifier: Apache-2.0
// The manual page that make build makes, as those read it who show manual pages.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { gatedTest } from '../support/gated-test.js';

const PAGE = path.join(import.meta.dirname, '..', '..', 'man', 'xtrace-catch.1');

for (const [program, ...args] of [
  ['mandoc', '-T', 'lint', '-W', 'style', PAGE],
  ['groff', '-man', '-ww', '-z', '-Tutf8', PAGE],
  ['man', '--warnings', '-l', PAGE],
] as const) {
  const absent = [`/usr/bin/${program}`, PAGE].filter((file) => !existsSync(file));
  const missing = absent.length === 0 ? undefined : `there is no ${absent.join(', ')} (make build)`;
  gatedTest({ what: program, missing }, `${program} warns of nothing in the manual page`, () => {
    const { status, stdout, stderr } = spawnSync(program, args, {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80', MANPAGER: 'cat', LC_ALL: 'C.UTF-8' },
    });
    assert.equal(stderr, '');
    if (program === 'mandoc') assert.equal(stdout, '');
    if (program === 'man') assert.match(stdout, /^ +-i, --interface=NAMES$/m);
    assert.equal(status, 0);
  });
}
