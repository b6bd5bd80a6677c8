// SPDX-License-Identifier: Apache-2.0
// What goes wrong between sender and receiver: it goes on, and nothing is lost that could be sent.

import assert from 'node:assert/strict';
import { waitFor } from '../../support/conditions.js';
import { complaintsOf } from '../../support/config/fixture-text.js';
import { startReceiver } from '../../support/push/real-pusher.js';
import type { Reply } from '../../support/receivers/push-receiver.js';
import { type CaseContext, runCases, withoutReceiver } from './case-runner.js';
import { family } from './families.js';
import { takeAll } from './sender-under-test.js';

const ONE = [family('m', 42)];

/** Fails so twice, then works: the batch arrives, and so does the next. */
function overcome(reply: Reply, code: string) {
  return async ({ open }: CaseContext): Promise<void> => {
    const sender = await open({ reply: (_, index) => (index < 2 ? reply : undefined) });
    assert.equal((await sender.push(ONE)).length, 3);
    assert.equal(sender.stat('requests_total', ['code', code]), 2);
    assert.equal((await sender.push(ONE)).length, 1);
    sender.assertBooks(2);
  };
}

runCases('errors', {
  async handle_connection_refused({ open, t }) {
    const sender = await open();
    const { port } = sender.receiver;
    await sender.push(ONE);
    await sender.receiver.stop();
    for (let i = 0; i < 3; i++) await sender.hand(ONE);
    await waitFor('failures', () => sender.stat('requests_total', ['code', 'refused']) > 2, {
      intervalMs: 5,
    });
    const back = await startReceiver(t, { port, reply: (push) => takeAll(push) });
    await sender.settled();
    assert.equal(back.pushes.length, 3);
    sender.assertBooks(4);
  },
  async handle_timeout({ open }) {
    const sender = await open({
      reply: (_, index) => (index === 0 ? { fault: 'never' } : undefined),
      push: { timeoutMs: 500 },
    });
    await sender.push(ONE);
    await sender.push(ONE);
    assert.ok(sender.stat('requests_total', ['code', 'timeout']) >= 1);
    sender.assertBooks(2);
  },
  // A status has come: that the rest of the answer breaks off changes nothing.
  async handle_partial_write({ open }) {
    const sender = await open({ reply: (push) => ({ ...takeAll(push, 200), fault: 'half' }) });
    for (let i = 0; i < 2; i++) assert.equal((await sender.push(ONE)).length, 1);
    sender.assertBooks(2);
  },
  handle_malformed_response: overcome({ raw: 'Not valid response headers\r\n\r\n' }, 'not_http'),
  async sender_continues_after_errors({ open }) {
    const failing: Reply[] = [
      { status: 500 },
      { fault: 'reset' },
      { raw: 'SSH-2.0-OpenSSH_9.2\r\n' },
      { status: 503, body: Buffer.alloc(1 << 20, 'x') },
      { status: 500, fault: 'half' },
    ];
    const sender = await open({ reply: (_, index) => failing[index] });
    for (let i = 0; i < 4; i++) await sender.hand(ONE);
    await sender.settled();
    await sender.push(ONE);
    sender.assertBooks(5);
    assert.equal(sender.stat('up'), 1);
  },
  handle_invalid_status_code: overcome({ status: 999 }, '999'),
  async handle_empty_response({ open }) {
    const sender = await open({ reply: (push) => takeAll(push, 200) });
    assert.equal((await sender.push(ONE)).length, 1);
    sender.assertBooks(1);
  },
  async handle_large_error_response({ open, version }) {
    const body = Buffer.alloc(1 << 20, 'x');
    const sender = await open({ reply: () => ({ status: 400, body }) });
    assert.equal((await sender.push(ONE)).length, version === 'remote_write_2' ? 2 : 1);
    sender.assertBooks(0, { refused: 1 });
    const told = JSON.stringify(sender.log.lines);
    assert.ok(told.includes('xxxx') && told.length < 3000, `${told.length} characters`);
  },
  dns_resolution_failure: withoutReceiver(async ({ open }) => {
    const sender = await open({ push: { url: 'http://nonexistent.invalid:9999/api/v1/write' } });
    await sender.hand(ONE);
    await waitFor('it is tried again', () => sender.stat('requests_total', ['code', 'dns']) > 1, {
      intervalMs: 5,
    });
    assert.equal(sender.stat('queue_samples'), 1);
    assert.match(sender.log.texts.join(), /nonexistent\.invalid/);
  }),
  invalid_url_scheme: withoutReceiver(async () => {
    assert.match(
      complaintsOf({ file: 'push: {enabled: true, url: "invalid://localhost:9999/api/v1/write"}' }).join(),
      /^push\.url: must be an http:\/\/ or https:\/\/ URL, but is "invalid:/,
    );
  }),
});
