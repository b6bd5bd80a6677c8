// SPDX-License-Identifier: Apache-2.0
// What a test process leaves behind: nothing, also where its hooks fail.

import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';

const MODULE = new URL('./temporary-folder.js', import.meta.url).href;

const RUNS = {
  'ends by itself': '',
  'throws at its end': "process.on('exit', () => { throw new Error('a hook') });",
  'is stopped': "process.kill(process.pid, 'SIGTERM'); setTimeout(() => {}, 60_000);",
};

for (const [how, end] of Object.entries(RUNS)) {
  test(`a folder goes with the process that ${how}`, () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '--eval',
        `import { mkdirSync, writeFileSync, writeSync } from 'node:fs';
         import { temporaryFolder } from ${JSON.stringify(MODULE)};
         const folder = temporaryFolder('xtrace-made-');
         mkdirSync(folder + '/a');
         writeFileSync(folder + '/a/b', 'c');
         writeSync(1, folder);
         ${end}`,
      ],
      { encoding: 'utf8', timeout: 30_000 },
    );
    assert.match(stdout, /xtrace-made-/, stderr);
    assert.equal(existsSync(stdout), false);
  });
}

test('a folder that cannot be removed keeps nothing else from its end', () => {
  const stdout = execFileSync(
    process.execPath,
    [
      '--input-type=module',
      '--eval',
      `import fs from 'node:fs';
       import { syncBuiltinESMExports } from 'node:module';
       const remove = fs.rmSync;
       fs.rmSync = () => { throw new Error('not empty'); };
       syncBuiltinESMExports();
       const { temporaryFolder } = await import(${JSON.stringify(MODULE)});
       const folder = temporaryFolder('xtrace-stays-');
       process.on('exit', () => { remove(folder, { recursive: true }); process.stdout.write('the rest'); });`,
    ],
    { encoding: 'utf8', timeout: 30_000 },
  );
  assert.equal(stdout, 'the rest');
});
