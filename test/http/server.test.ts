// SPDX-License-Identifier: Apache-2.0
// The pages, one request at a time.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import request from 'supertest';
import { createHttpApp } from '../../src/http/server.js';
import { parseOpenMetrics, parseText } from '../support/exposition/text-grammar.js';
import { createHttpFixture, until } from '../support/http/http-fixture.js';

test('GET /metrics answers text 0.0.4 with all metrics and its length', async () => {
  const { options, parts } = createHttpFixture();
  const reply = await request(createHttpApp(options, parts))
    .get('/metrics')
    .set('Accept-Encoding', 'identity');
  assert.equal(reply.status, 200);
  assert.equal(reply.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(reply.headers['content-length'], String(Buffer.byteLength(reply.text)));
  assert.equal(reply.headers['vary'], 'Accept, Accept-Encoding');
  const families = parseText(reply.text);
  assert.equal(families.find(({ name }) => name === 'xtrace_network_bytes_total')?.samples.length, 10);
  assert.ok(families.some(({ name }) => name === 'xtrace_build_info'));
});

test('GET /metrics answers OpenMetrics and gzip to those who ask', async () => {
  const { options, parts } = createHttpFixture();
  const reply = await request(createHttpApp(options, parts))
    .get('/metrics')
    .set('Accept', 'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8')
    .set('Accept-Encoding', 'gzip')
    .buffer(true)
    .parse((response, done) => {
      response.setEncoding('utf8');
      let text = '';
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => done(null, text));
    });
  assert.equal(reply.headers['content-encoding'], 'gzip');
  assert.equal(
    reply.headers['content-type'],
    'application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8',
  );
  assert.ok(parseOpenMetrics(reply.body as string).length > 20);
});

test('who has had a whole answer is told, by address, agent and timeout; who had none of it is not', async () => {
  const { options, parts } = createHttpFixture();
  const answered: [string, number, boolean, number][] = [];
  const app = createHttpApp(options, { ...parts, onAnswered: (...who) => answered.push(who) });
  await request(app)
    .get('/metrics')
    .set('User-Agent', 'Prometheus/3')
    .set('X-Prometheus-Scrape-Timeout-Seconds', '10');
  await request(app).head('/metrics');
  await request(app).get('/');
  await until('an answer to be told', () => answered.length > 0);
  assert.equal(answered.length, 1);
  assert.match(answered[0]?.[0] ?? '', /^\S*127\.0\.0\.1 Prometheus\/3 10$/);
  assert.deepEqual(answered[0]?.slice(1), [1, true, 31], 'the refresh, to one who scrapes all subjects');
});

test('HEAD /metrics answers the same head and no body', async () => {
  const { options, parts } = createHttpFixture();
  const app = createHttpApp(options, parts);
  const get = await request(app).get('/metrics').set('Accept-Encoding', 'identity');
  const head = await request(app).head('/metrics').set('Accept-Encoding', 'identity');
  assert.equal(head.status, 200);
  assert.equal(head.text, undefined);
  assert.equal(head.headers['content-length'], get.headers['content-length']);
});

for (const path of ['/metrics', '/', '/-/healthy', '/-/ready']) {
  for (const method of ['post', 'put', 'delete', 'options'] as const) {
    test(`${method} ${path} is refused with what is allowed`, async () => {
      const { options, parts } = createHttpFixture();
      const reply = await request(createHttpApp(options, parts))[method](path);
      assert.equal(reply.status, 405);
      assert.equal(reply.headers['allow'], 'GET, HEAD');
      assert.equal(reply.text, `This page answers GET and HEAD, not ${method.toUpperCase()}.\n`);
    });
  }
}

test('the landing page shows name, version, interfaces and links, all escaped', async () => {
  const { options, parts } = createHttpFixture(1, { telemetryPath: '/m"<' });
  const { status, text, headers } = await request(createHttpApp(options, parts)).get('/');
  assert.equal(status, 200);
  assert.equal(headers['content-type'], 'text/html; charset=utf-8');
  for (const part of [
    'xtrace-catch <small>1.2.3</small>',
    '<td>eth0</td><td>generic</td><td>The driver refused native mode.</td>',
    '<td>&lt;b&gt;&quot;x&quot;</td><td>not attached</td><td>It&#39;s not there &amp; never was.</td>',
    'href="/m&quot;&lt;"',
    'href="/-/healthy"',
    'href="/-/ready"',
  ]) {
    assert.ok(text.includes(part), `${part} in ${text}`);
  }
});

test('every page forbids what it does not need, and does not say what serves it', async () => {
  const { options, parts } = createHttpFixture();
  const app = createHttpApp(options, parts);
  for (const path of ['/', '/metrics', '/-/healthy', '/-/ready', '/nowhere']) {
    const { headers } = await request(app).get(path);
    assert.equal(headers['x-content-type-options'], 'nosniff', path);
    assert.equal(headers['x-frame-options'], 'DENY', path);
    assert.match(
      headers['content-security-policy'] ?? '',
      /^default-src 'none'; style-src 'sha256-[\w+/]{43}='/,
      path,
    );
    assert.equal(headers['x-powered-by'], undefined, path);
    assert.equal(headers['etag'], undefined, path);
  }
});

test('health is always 200, readiness says why not', async () => {
  const fixture = createHttpFixture();
  const app = createHttpApp(fixture.options, fixture.parts);
  assert.equal((await request(app).get('/-/ready')).status, 200);
  fixture.readiness = { ready: false, reason: 'No interface is attached.' };
  const reply = await request(app).get('/-/ready');
  assert.equal(reply.status, 503);
  assert.equal(reply.text, 'No interface is attached.\n');
  assert.equal((await request(app).get('/-/healthy')).status, 200);
  assert.equal((await request(app).head('/-/healthy')).status, 200);
});

test('an unknown path is one sentence that does not repeat it', async () => {
  const { options, parts } = createHttpFixture();
  const app = createHttpApp(options, parts);
  for (const path of ['/x%3Cscript%3E', '/metrics/', '/%', '/-/quit', '/-/config']) {
    const reply = await request(app).get(path);
    assert.equal(reply.status, 404, path);
    assert.equal(reply.text, 'There is nothing at this path; the metrics are at /metrics.\n');
  }
});

test('a configured path is taken as it stands, also where express would see a pattern', async () => {
  for (const telemetryPath of ['/a:b', '/a(b)', '/*all', '/']) {
    const { options, parts } = createHttpFixture(1, { telemetryPath });
    const reply = await request(createHttpApp(options, parts)).get(`${telemetryPath}?collect=x`);
    assert.equal(reply.status, 200, telemetryPath);
    assert.match(reply.text, /^# HELP /);
  }
});

test('a fault is 500 with one sentence, told once, and without what went wrong', async () => {
  const fixture = createHttpFixture();
  fixture.fault = new Error('secret detail');
  const app = createHttpApp(fixture.options, fixture.parts);
  const reply = await request(app).get('/metrics');
  assert.equal(reply.status, 500);
  assert.equal(reply.text, 'An error inside the exporter; its log has the details.\n');
  assert.deepEqual(fixture.faults, [fixture.fault]);
  fixture.fault = undefined;
  assert.equal((await request(app).get('/metrics')).status, 200);
});

test('a fault in a page is 500 too', async () => {
  const { options, parts, faults } = createHttpFixture();
  const broken = { ...parts, readiness: () => assert.fail('broken') };
  const reply = await request(createHttpApp(options, broken)).get('/-/ready');
  assert.equal(reply.status, 500);
  assert.equal(faults.length, 1);
});

test('requests are counted by their status', async () => {
  const { options, parts, codes } = createHttpFixture();
  const app = createHttpApp(options, parts);
  for (const path of ['/metrics', '/nowhere', '/-/ready']) await request(app).get(path);
  await until('three requests are counted', () => codes.length === 3);
  assert.deepEqual(codes, ['200', '404', '200']);
});
