// SPDX-License-Identifier: Apache-2.0
// A pusher whose spool is full of things that are no batches, and whose files of secrets are none:
// what can be sent arrives, all is counted, and nothing waits for it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import type { OpenPusherOptions } from '../../src/push/open-pusher.js';
import { waitFor } from '../support/conditions.js';
import { imbalance, payload, untilSent } from '../support/push/push-fixture.js';
import { openTestPusher, REAL_OPTIONS, startReceiver } from '../support/push/real-pusher.js';
import { fileNames } from '../support/push/spool-fixture.js';
import { STRANGERS } from '../support/push/strangers.js';
import { decodeSeries } from '../support/receivers/push-receiver.js';
import { temporaryFolder } from '../support/temporary-folder.js';

test('strangers among the batches of a spool: the batches arrive in order, the strangers are counted, one line', async (context) => {
  const spoolPath = temporaryFolder('xtrace-push-');
  const gone = await startReceiver(context);
  const url = gone.url();
  await gone.stop();
  const first = await openTestPusher(context, { url, spoolPath });
  const count = 2 * STRANGERS.length + 1;
  for (let number = 1; number <= count; number++) first.pusher.enqueue([payload(number)]);
  await waitFor('all to be on disk', () => first.pusher.stats.spoolBatches === count, { intervalMs: 5 });
  await first.pusher.close(1000);

  const names = fileNames(spoolPath);
  for (const [index, { put, name }] of STRANGERS.entries()) {
    const path = join(spoolPath, names[2 * index + 1] ?? assert.fail());
    // Sizes of the table are those of another batch.
    if (name === 'one byte more than the name says') writeFileSync(path, Buffer.alloc(4096));
    else await put(path);
    rmSync(join(spoolPath, 'elsewhere'), { force: true });
  }
  writeFileSync(join(spoolPath, '9007199254740991-1-10-140.batch'), 'poison');

  const receiver = await startReceiver(context);
  const second = await openTestPusher(context, { url: receiver.url(), spoolPath });
  second.pusher.enqueue([payload(count + 1)]);
  await untilSent(second.pusher);
  assert.deepEqual(
    receiver.pushes.map((push) => decodeSeries(push)[0]?.samples[0]?.value),
    [...Array.from({ length: STRANGERS.length + 1 }, (_, index) => 2 * index + 1), count + 1],
  );
  const { stats } = second.pusher;
  assert.deepEqual([stats.spoolSetAside, imbalance(stats)], [STRANGERS.length + 1, 0]);
  const warnings = second.log.lines.filter(({ level }) => level === 'warn');
  assert.deepEqual(
    warnings.map(({ message, fields }) => [message, fields['files']]),
    [
      [
        'the spool (push.spool_path) holds entries that are not batches: they are set aside, not sent',
        STRANGERS.length + 1,
      ],
    ],
  );
  assert.equal(
    readdirSync(spoolPath).filter((name) => name.startsWith('set-aside-')).length,
    STRANGERS.length + 1,
  );
});

test('a stranger that comes while the receiver is away: its samples are dropped, counted, and told', async (context) => {
  const spoolPath = temporaryFolder('xtrace-push-');
  let isAway = true;
  const receiver = await startReceiver(context, { reply: () => (isAway ? { status: 503 } : {}) });
  const { pusher, log } = await openTestPusher(context, { url: receiver.url(), spoolPath });
  pusher.enqueue([payload(1), payload(2), payload(3)]);
  await waitFor('all to be on disk', () => pusher.stats.spoolBatches === 3, { intervalMs: 5 });
  const second = join(spoolPath, fileNames(spoolPath)[1] ?? assert.fail());
  rmSync(second);
  execFileSync('mkfifo', [second]);
  isAway = false;
  await untilSent(pusher);
  const { stats } = pusher;
  assert.deepEqual(
    [stats.samplesSent, stats.samplesDropped.set_aside, stats.spoolSetAside, imbalance(stats)],
    [6, 3, 1, 0],
  );
  const told = log.texts.filter((text) => text.includes('it is a FIFO; it is now set-aside-'));
  assert.equal(told.length, 1, log.texts.join('\n'));
});

describe('what is named as a file of secrets and is none: one sentence, tried again, and no wait', () => {
  const things: [string, (path: string) => void | Promise<void>, RegExp][] = [
    ['a FIFO', (path) => void execFileSync('mkfifo', [path]), /it is a FIFO, and must be a file$/],
    ['a device without end', (path) => symlinkSync('/dev/zero', path), /it is a device, and must be a file$/],
    [
      'a directory',
      (path) => void execFileSync('mkdir', [path]),
      /it is a directory, give the path of the file in it$/,
    ],
    ['a loop of links', (path) => symlinkSync(path, path), /its links lead round in a circle/],
    [
      'a file without end',
      (path) => void execFileSync('truncate', ['-s', '100G', path]),
      /it is larger than 1048576 bytes$/,
    ],
    [
      'a socket',
      async (path) => {
        const server = createServer().unref();
        await new Promise<void>((resolve) => {
          server.listen(path, resolve);
        });
      },
      /it is a socket, and must be a file$/,
    ],
  ];
  const settings: [string, (path: string) => Partial<OpenPusherOptions>][] = [
    ['push.bearer_token_file', (path) => ({ bearerTokenFile: path })],
    ['push.basic_auth.password_file', (path) => ({ basicAuth: { username: 'me', passwordFile: path } })],
    ['push.tls.ca_file', (path) => ({ tls: { ...REAL_OPTIONS.tls, caFile: path } })],
    ['push.tls.key_file', (path) => ({ tls: { ...REAL_OPTIONS.tls, keyFile: path } })],
  ];
  for (const [setting, optionsOf] of settings) {
    for (const [what, make, wanted] of things) {
      test(`${setting}: ${what}`, async (context) => {
        const path = join(temporaryFolder('xtrace-push-'), 'secret');
        await make(path);
        const { pusher, log } = await openTestPusher(context, {
          url: `http${setting.includes('tls') ? 's' : ''}://127.0.0.1:1/write`,
          ...optionsOf(path),
          timeoutMs: 60_000,
        });
        pusher.enqueue([payload(1)]);
        await waitFor('two failures', () => (pusher.stats.requests.get('file') ?? 0) >= 2, {
          limitMs: 20_000,
          intervalMs: 5,
        });
        const reason = String(log.lines[0]?.fields['reason']);
        assert.ok(reason.startsWith(`${setting}: ${path} cannot be read: `), reason);
        assert.match(reason, wanted);
        assert.equal(log.lines.length, 1);
      });
    }
  }

  test('a FIFO that becomes a file is read', async (context) => {
    const path = join(temporaryFolder('xtrace-push-'), 'token');
    execFileSync('mkfifo', [path]);
    const receiver = await startReceiver(context);
    const { pusher } = await openTestPusher(context, { url: receiver.url(), bearerTokenFile: path });
    pusher.enqueue([payload(1)]);
    await waitFor('a failure', () => (pusher.stats.requests.get('file') ?? 0) > 0, { intervalMs: 5 });
    rmSync(path);
    writeFileSync(path, 'secret\n');
    await untilSent(pusher);
    assert.equal(receiver.pushes[0]?.headers['authorization'], 'Bearer secret');
    assert.equal(readFileSync(path, 'utf8'), 'secret\n');
  });
});
