// SPDX-License-Identifier: Apache-2.0
// The live page and its files, as they are served.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import request from 'supertest';
import type { ApiSource } from '../../src/http/api-handler.js';
import type { PageFiles } from '../../src/http/live-page.js';
import { createHttpApp } from '../../src/http/server.js';
import { createHttpFixture } from '../support/http/http-fixture.js';

const SCRIPT = Buffer.from('console.log("page")');
const FILES: PageFiles = {
  template:
    '<link href="{{style}}"><script src="{{script}}"></script>{{version}}{{noscript}}{{links}}{{unknown}}',
  assets: new Map([
    ['app-0123456789ab.js', { plain: SCRIPT, gzip: gzipSync(SCRIPT) }],
    ['app-ba9876543210.css', { plain: Buffer.from('b{}'), gzip: gzipSync('b{}') }],
    ['icon-00.svg', { plain: Buffer.from('<svg/>'), gzip: gzipSync('<svg/>') }],
  ]),
};

function createPage(state: { isOn: boolean }) {
  const { options, parts } = createHttpFixture();
  const api: ApiSource = {
    names: ['overview'],
    isOn: () => state.isOn,
    answer: async () => ({ body: [Buffer.from('{}')] }),
    events: (_request, response) => response.end(),
  };
  const interfaces = () => [{ name: '<b>x', mode: undefined, note: '"&' }];
  return request(createHttpApp(options, { ...parts, interfaces, api, pageFiles: FILES }));
}

test('the page names its files, and lets them run and nothing else', async () => {
  const { status, text, headers } = await createPage({ isOn: true }).get('/');
  assert.equal(status, 200);
  assert.match(text, /^<link href="assets\/app-ba9876543210.css"><script src="assets\/app-0123456789ab.js">/);
  assert.match(text, /1\.2\.3/);
  assert.equal(
    headers['content-security-policy'],
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
      "base-uri 'none'; frame-ancestors 'none'; form-action 'none'",
  );
  assert.equal(headers['x-content-type-options'], 'nosniff');
  assert.equal(headers['referrer-policy'], 'no-referrer');
  assert.equal(headers['cache-control'], 'no-store');
});

test('without scripts it says what is watched, escaped, and links to the metrics and the rest', async () => {
  const { text } = await createPage({ isOn: true }).get('/');
  assert.ok(text.includes('<td>&lt;b&gt;x</td><td>not attached</td><td>&quot;&amp;</td>'));
  for (const path of ['/metrics', '/-/healthy', '/-/ready', '/-/config', '/api/v1/overview']) {
    assert.ok(text.includes(`<a href="${path}">`), path);
  }
});

test('files are kept for ever, compressed for those who accept it', async () => {
  const page = createPage({ isOn: true });
  const plain = await page.get('/assets/app-0123456789ab.js').set('Accept-Encoding', 'identity');
  assert.equal(plain.text, SCRIPT.toString());
  assert.equal(plain.headers['content-type'], 'text/javascript; charset=utf-8');
  assert.equal(plain.headers['cache-control'], 'public, max-age=31536000, immutable');
  const packed = await page.get('/assets/app-0123456789ab.js').set('Accept-Encoding', 'gzip');
  assert.equal(packed.headers['content-encoding'], 'gzip');
  assert.equal(packed.text, SCRIPT.toString());
  const head = await page.head('/assets/app-ba9876543210.css');
  assert.deepEqual([head.status, head.text], [200, undefined]);
  assert.equal((await page.post('/assets/app-ba9876543210.css')).status, 405);
});

test('there is nothing beside them', async () => {
  const page = createPage({ isOn: true });
  for (const name of [
    'app.js',
    '',
    '../package.json',
    '%2e%2e/index.html',
    'constructor',
    'app-0123456789ab.js.gz',
  ]) {
    assert.equal((await page.get(`/assets/${name}`)).status, 404, name);
  }
});

test('with web.ui off, and where there are no files, the landing page stands at / under its own policy', async () => {
  const state = { isOn: true };
  const page = createPage(state);
  state.isOn = false;
  const { text: off, headers } = await page.get('/');
  assert.match(off, /<h1>xtrace-catch/);
  assert.match(headers['content-security-policy'] ?? '', /style-src 'sha256-/);
  assert.equal((await page.get('/assets/app-0123456789ab.js')).status, 404);
  const { options, parts } = createHttpFixture();
  const { text } = await request(createHttpApp(options, parts)).get('/');
  assert.match(text, /<h1>xtrace-catch/);
});
