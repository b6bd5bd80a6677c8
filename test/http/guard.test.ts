// SPDX-License-Identifier: Apache-2.0
// What a web configuration file asks of requests: logins, headers, a rate. And what many wrong logins cost.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hash as hashPassword } from '@node-rs/bcrypt';
import fc from 'fast-check';
import request from 'supertest';
import { createGuard, type GuardRules } from '../../src/http/guard.js';
import {
  type Login,
  type LoginVerdict,
  PasswordCheck,
  type PasswordCheckParts,
} from '../../src/http/password-check.js';
import { RateLimit } from '../../src/http/rate-limit.js';
import { createHttpApp } from '../../src/http/server.js';
import { createGate, createHttpFixture } from '../support/http/http-fixture.js';

const PASSWORD = 'hunter2';

/** Nobody waits too long unless the test says so. */
function createCheck(parts: Partial<PasswordCheckParts>): PasswordCheck {
  return new PasswordCheck({ schedule: () => () => undefined, ...parts });
}

async function appWith(rules: Partial<GuardRules>, options: { compare?(): Promise<boolean> } = {}) {
  const fixture = createHttpFixture();
  let current: GuardRules = { headers: {}, users: new Map(), rateLimit: undefined, ...rules };
  let nowMs = 0;
  const guard = createGuard({
    rules: () => current,
    nowMs: () => nowMs,
    passwords: createCheck(options),
  });
  return {
    app: createHttpApp(fixture.options, { ...fixture.parts, guard }),
    fixture,
    change: (next: Partial<GuardRules>) => {
      current = { ...current, ...next };
    },
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

const users = async () => new Map([['alice', await hashPassword(PASSWORD, 4)]]);

test('every page, the 404 too, asks for a login', async () => {
  const { app, fixture } = await appWith({ users: await users() });
  for (const path of ['/', '/metrics', '/-/healthy', '/-/ready', '/-/reload', '/nothing']) {
    const reply = await request(app).get(path);
    assert.equal(reply.status, 401, path);
    assert.equal(reply.headers['www-authenticate'], 'Basic');
    assert.equal(reply.headers['x-frame-options'], 'DENY', 'the usual headers stay');
  }
  assert.equal(fixture.scrapes, 0);
  assert.deepEqual(new Set(fixture.codes), new Set(['401']), 'they are counted');
});

test('a right password is let in, in any prefix of bcrypt; a wrong one, another user, other schemes are not', async () => {
  const hash = await hashPassword(PASSWORD, 4);
  const { app } = await appWith({
    users: new Map([
      ['alice', hash.replace('$2b$', '$2y$')],
      ['bob', hash.replace('$2b$', '$2a$')],
      ['', hash],
    ]),
  });
  const status = async (user: string, password: string) =>
    (await request(app).get('/-/healthy').auth(user, password)).status;
  assert.equal(await status('alice', PASSWORD), 200);
  assert.equal(await status('alice', PASSWORD), 200, 'from what is kept');
  assert.equal(await status('bob', PASSWORD), 200);
  assert.equal(await status('', PASSWORD), 200);
  for (const [user, password] of [
    ['alice', 'wrong'],
    ['alice', ''],
    ['alice', `${PASSWORD}\0`],
    ['mallory', PASSWORD],
    ['Alice', PASSWORD],
    ['alice', 'x'.repeat(5000)],
  ] as const) {
    assert.equal(await status(user, password), 401, user);
  }
  for (const header of [
    'Bearer x',
    'Basic',
    'Basic !',
    `Basic ${Buffer.from('alice').toString('base64')}`,
    'Digest a',
  ]) {
    assert.equal((await request(app).get('/').set('Authorization', header)).status, 401, header);
  }
  const lower = `basic ${Buffer.from(`alice:${PASSWORD}`).toString('base64')}`;
  assert.equal((await request(app).get('/').set('Authorization', lower)).status, 200);
});

test('a login that is being checked while its user is removed, or gets another hash, is refused', async () => {
  const other = new Map([['alice', await hashPassword('other', 4)]]);
  for (const next of [new Map([['bob', '']]), other]) {
    const gate = createGate();
    const begun = createGate();
    const { app, change } = await appWith(
      { users: await users() },
      {
        async compare() {
          begun.open();
          await gate.promise;
          return true;
        },
      },
    );
    const reply = request(app)
      .get('/-/healthy')
      .auth('alice', PASSWORD)
      .then(({ status }) => status);
    await begun.promise;
    change({ users: next });
    gate.open();
    assert.equal(await reply, 401);
  }
});

test('headers are added and override ours; also on refusals', async () => {
  const { app } = await appWith({
    headers: { 'X-Frame-Options': 'sameorigin', 'X-XSS-Protection': '1' },
    users: await users(),
  });
  const reply = await request(app).get('/');
  assert.equal(reply.headers['x-frame-options'], 'sameorigin');
  assert.equal(reply.headers['x-xss-protection'], '1');
  assert.equal(reply.headers['x-content-type-options'], 'nosniff');
});

test('more requests than the rate get 429, before any login', async () => {
  const { app, advance } = await appWith({ rateLimit: { intervalMs: 1000, burst: 2 }, users: await users() });
  const status = async () => (await request(app).get('/')).status;
  assert.deepEqual([await status(), await status(), await status()], [401, 401, 429]);
  advance(1000);
  assert.deepEqual([await status(), await status()], [401, 429]);
  const closed = await appWith({ rateLimit: { intervalMs: 1000, burst: 0 } });
  assert.equal((await request(closed.app).get('/')).status, 429);
});

test('law: in any time no more pass than the burst and what comes in', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 5 }),
      fc.array(fc.integer({ min: 0, max: 100 })),
      (intervalMs, burst, pauses) => {
        let nowMs = 0;
        const limit = new RateLimit({ intervalMs, burst }, { nowMs: () => nowMs });
        let passed = 0;
        for (const pause of pauses) {
          nowMs += pause;
          if (limit.take()) passed++;
        }
        assert.ok(passed <= burst + nowMs / intervalMs + 1e-6);
        if (burst === 0) assert.equal(passed, 0);
      },
    ),
  );
});

const login = (password: string, client = 'a'): Login => ({
  user: 'alice',
  password: Buffer.from(password),
  client,
});
const HASHES = new Map([['alice', `$2b$12$${'a'.repeat(53)}`]]);

test('one hash at a time, few of one client wait, and a bound of all', async () => {
  const gate = createGate();
  let running = 0;
  let most = 0;
  const passwords = createCheck({
    compare: async () => {
      most = Math.max(most, ++running);
      await gate.promise;
      running--;
      return false;
    },
  });
  const verdicts: Promise<LoginVerdict>[] = [];
  for (let client = 0; client < 20; client++) {
    for (let i = 0; i < 10; i++) {
      verdicts.push(
        Promise.resolve(passwords.check(HASHES, login(`${client} ${i}`, String(client)), () => true)),
      );
    }
  }
  gate.open();
  const settled = await Promise.all(verdicts);
  assert.equal(most, 1);
  const refused = settled.filter((verdict) => verdict === 'refused').length;
  assert.equal(refused, 33, '32 wait, and one runs');
  assert.equal(settled.filter((verdict) => verdict === 'busy').length, 200 - refused);
});

test('a thousand wrong passwords neither push out a right one nor are reckoned twice', async () => {
  let compared = 0;
  const passwords = createCheck({
    compare: async (password) => {
      compared++;
      return String(password) === PASSWORD;
    },
  });
  const check = async (password: string) => passwords.check(HASHES, login(password), () => true);
  assert.equal(await check(PASSWORD), 'granted');
  for (let i = 0; i < 1000; i++) assert.equal(await check(`wrong ${i}`), 'refused');
  assert.equal(compared, 1001);
  assert.equal(await check('wrong 999'), 'refused');
  assert.equal(
    passwords.check(HASHES, login(PASSWORD), () => true),
    'granted',
    'at once',
  );
  assert.equal(compared, 1001);
  assert.equal(await passwords.check(new Map(), login(PASSWORD), () => true), 'refused', 'the user is gone');
});

test('another hash of the same user asks anew', async () => {
  const seen: string[] = [];
  const passwords = createCheck({
    compare: async (_password, hash) => {
      seen.push(String(hash));
      return true;
    },
  });
  const other = new Map([['alice', `$2b$12$${'b'.repeat(53)}`]]);
  await passwords.check(HASHES, login('x'), () => true);
  await passwords.check(other, login('x'), () => true);
  assert.deepEqual(seen, [...HASHES.values(), ...other.values()]);
});

test('an unknown user costs as much as a known one, and is never let in', async () => {
  const costs: string[] = [];
  const passwords = createCheck({
    compare: async (_password, hash) => {
      costs.push(String(hash).slice(0, 7));
      return true;
    },
  });
  const stranger = { ...login('x'), user: 'mallory' };
  await passwords.check(HASHES, login('x'), () => true);
  assert.notEqual(await passwords.check(HASHES, stranger, () => true), 'granted');
  assert.deepEqual(costs, ['$2b$12$', '$2b$12$']);
});

test('nobody reckons for a client that is gone', async () => {
  const gate = createGate();
  let compared = 0;
  const passwords = createCheck({
    compare: async () => {
      compared++;
      await gate.promise;
      return true;
    },
  });
  const first = passwords.check(HASHES, login('1'), () => true);
  const second = passwords.check(HASHES, login('2'), () => false);
  gate.open();
  assert.deepEqual([await first, await second], ['granted', 'gone']);
  assert.equal(compared, 1);
});

test('whoever has waited for 10 s is told to come again, and makes room; whoever is being checked is not', async () => {
  const gate = createGate();
  const timers = new Set<() => void>();
  let compared = 0;
  const passwords = createCheck({
    compare: async () => {
      compared++;
      await gate.promise;
      return true;
    },
    schedule(task, delayMs) {
      assert.equal(delayMs, 10_000);
      timers.add(task);
      return () => timers.delete(task);
    },
  });
  const check = (password: string) => passwords.check(HASHES, login(password), () => true);
  const first = check('0');
  const others = [1, 2, 3, 4].map((i) => check(String(i)));
  assert.equal(check('5'), 'busy', 'four wait');
  assert.equal(timers.size, 4, 'the first one does not wait');
  for (const expire of [...timers].slice(0, 3)) expire();
  assert.deepEqual(await Promise.all(others.slice(0, 3)), ['busy', 'busy', 'busy']);
  const later = check('6');
  assert.notEqual(later, 'busy', 'there is room');
  gate.open();
  assert.deepEqual(await Promise.all([first, others[3], later]), ['granted', 'granted', 'granted']);
  assert.equal(compared, 3, 'nobody reckons for those');
  assert.equal(
    passwords.check(HASHES, login('0'), () => true),
    'granted',
    'what came of it is kept',
  );
  assert.notEqual(check('1'), 'granted', 'of those nothing is');
});

test('a library that fails refuses', async () => {
  const passwords = createCheck({ compare: async () => Promise.reject(new Error('no')) });
  assert.equal(await passwords.check(HASHES, login('x'), () => true), 'refused');
});
