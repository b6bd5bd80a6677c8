// SPDX-License-Identifier: Apache-2.0
// Secrets of push.url, a password and a token in its query, and of the files it names: in no line of the
// log, on no page, and in nothing that is printed, whatever the receiver answers.

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { PROGRAM, writeSettings } from '../support/exporter/exporter.js';
import { startPushing } from '../support/exporter/pushing.js';
import { createSite } from '../support/exporter/site.js';
import { kernelTest } from '../support/kernel/kernel-gate.js';
import { PushReceiver, type Reply } from '../support/receivers/push-receiver.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const PASSWORD = 'hunter2';
const TOKEN = 'swordfish';
const SECRETS = /hunter2|swordfish/;

/** A receiver repeats what it was asked, as many do. */
const ANSWERS: readonly (readonly [string, (asked: string) => Reply, RegExp])[] = [
  [
    'a redirect',
    (asked) => ({ status: 308, headers: { Location: `https://u:${PASSWORD}@vm${asked}` } }),
    /redirects to https:\/\/vm\/api\/v1\/write\?\*\*\*/,
  ],
  [
    'a redirect to a path',
    (asked) => ({ status: 302, headers: { Location: asked } }),
    /redirects to \/api\/v1\/write\?\*\*\*/,
  ],
  [
    'a refusal',
    (asked) => ({ status: 400, body: `cannot write to ${asked}` }),
    /it says: cannot write to \/api\/v1\/write\?\*\*\*/,
  ],
  [
    'a fault',
    (asked) => ({ status: 500, body: `${asked} failed` }),
    /it says: \/api\/v1\/write\?\*\*\* failed/,
  ],
  ['no answer', () => ({ fault: 'reset' }), /closed the connection/],
];

for (const [name, reply, told] of ANSWERS) {
  kernelTest(`no secret of push.url is shown: ${name}`, async (t) => {
    const site = createSite(t, 'ps');
    site.addVeth('va');
    const receiver = await PushReceiver.start({ reply: ({ path: asked }) => reply(asked) });
    t.after(() => receiver.stop());
    const url = new URL(receiver.url(`/api/v1/write?token=${TOKEN}`));
    url.username = 'user';
    url.password = PASSWORD;
    const exporter = await startPushing(t, site, { push: { url: url.href } });
    await exporter.logged(told);
    for (const page of ['/', '/metrics', '/-/ready']) {
      assert.doesNotMatch(await (await exporter.page(page)).text(), SECRETS);
    }
    await exporter.stop();
    assert.doesNotMatch(exporter.child.stderr + exporter.child.stdout, SECRETS);
  });
}

kernelTest('no secret of push is shown by --config.check and doctor', async (t) => {
  const site = createSite(t, 'pd');
  site.addVeth('va');
  const folder = temporaryFolder('xtrace-secrets-');
  const tokenFile = path.join(folder, 'token');
  writeFileSync(tokenFile, TOKEN);
  const url = `http://vm/api/v1/write?token=${TOKEN}`;
  const headers = { 'X-Key': PASSWORD };
  const file = writeSettings({ push: { enabled: true, url, headers, bearer_token_file: tokenFile } });
  for (const args of [['doctor', '-i', 'va'], ['--config.check'], ['--log.level=loud']]) {
    const child = site.host.start(PROGRAM, [...args, `--config.file=${file}`], {
      env: { NODE: process.execPath },
    });
    await child.exited;
    assert.notEqual(child.stdout + child.stderr, '');
    assert.doesNotMatch(child.stdout + child.stderr, SECRETS);
  }
});
