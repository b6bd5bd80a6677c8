// SPDX-License-Identifier: Apache-2.0
// /-/reload and /-/config.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import request from 'supertest';
import { createHttpApp, type HttpParts } from '../../src/http/server.js';
import { createHttpFixture } from '../support/http/http-fixture.js';

function appWith(more: Partial<HttpParts>) {
  const { options, parts, faults } = createHttpFixture();
  return { app: createHttpApp(options, { ...parts, ...more }), faults };
}

test('POST and PUT reload; what stays as it was is told with 500', async () => {
  let outcome: { ok: true } | { problem: string } = { ok: true };
  let reloads = 0;
  const { app } = appWith({
    lifecycle: {
      async reload() {
        reloads++;
        return outcome;
      },
    },
  });
  assert.equal((await request(app).post('/-/reload')).status, 200);
  assert.equal((await request(app).put('/-/reload')).status, 200);
  outcome = { problem: 'filter: must be one of all.' };
  const reply = await request(app).post('/-/reload');
  assert.equal(reply.status, 500);
  assert.equal(reply.text, 'The configuration stays as it was: filter: must be one of all.\n');
  assert.equal(reloads, 3);
  for (const method of ['get', 'delete', 'patch'] as const) {
    const refused = await request(app)[method]('/-/reload');
    assert.deepEqual([refused.status, refused.headers['allow']], [405, 'POST, PUT']);
  }
  assert.equal(reloads, 3);
});

test('a fault while reloading is 500 too', async () => {
  const fault = new Error('x');
  const { app, faults } = appWith({ lifecycle: { reload: () => Promise.reject(fault) } });
  assert.equal((await request(app).post('/-/reload')).status, 500);
  assert.deepEqual(faults, [fault]);
});

test('where it is not enabled, it is 403', async () => {
  const { app } = appWith({});
  const reply = await request(app).post('/-/reload');
  assert.deepEqual([reply.status, reply.text], [403, 'Reloading over HTTP is not enabled.\n']);
});

test('the configuration is shown as it is now', async () => {
  let text = 'filter: all\n';
  const { app } = appWith({ configText: () => text });
  assert.equal((await request(app).get('/-/config')).text, text);
  text = 'filter: tcp\n';
  assert.equal((await request(app).get('/-/config')).text, text);
  assert.equal((await request(app).post('/-/config')).status, 405);
});
