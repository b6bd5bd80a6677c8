// SPDX-License-Identifier: Apache-2.0
// ?collect[]= and ?exclude[]=, from the query to what is shown and who counts as having seen it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import request from 'supertest';
import { ALL_SUBJECTS, SUBJECTS, selectionOf } from '../../src/exposition/selection.js';
import { parseSelection } from '../../src/http/selected-subjects.js';
import { createHttpApp } from '../../src/http/server.js';
import { SubjectScrapers } from '../../src/http/subject-scrapers.js';
import { createHttpFixture } from '../support/http/http-fixture.js';

test('queries', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['/metrics', ALL_SUBJECTS],
    ['/metrics?', ALL_SUBJECTS],
    ['/metrics?x=1&collect=flows', ALL_SUBJECTS],
    ['/metrics?collect[]=flows', selectionOf(['flows'])],
    ['/metrics?collect%5B%5D=flows&collect[]=self', selectionOf(['flows', 'self'])],
    ['/metrics?collect[]=flows&collect[]=flows', selectionOf(['flows'])],
    ['/metrics?exclude[]=flows', selectionOf(['roce', 'rdma', 'nic', 'self'])],
    [`/metrics?${SUBJECTS.map((subject) => `exclude[]=${subject}`).join('&')}`, 0],
  ];
  for (const [url, selection] of cases) assert.equal(parseSelection(url), selection, url);
});

test('unknown subjects, and both ways at once, are 400 with a sentence', async () => {
  const { options, parts } = createHttpFixture();
  const app = createHttpApp(options, parts);
  const cases: readonly (readonly [string, string])[] = [
    ['collect[]=cpu', 'There is no subject "cpu"; there are flows, roce, rdma, nic, self.\n'],
    ['exclude[]=', 'There is no subject ""; there are flows, roce, rdma, nic, self.\n'],
    [
      `collect[]=${'x'.repeat(100)}`,
      `There is no subject "${'x'.repeat(60)}"; there are flows, roce, rdma, nic, self.\n`,
    ],
    ['collect[]=flows&exclude[]=roce', 'Give collect[] or exclude[], not both of them.\n'],
  ];
  for (const [query, sentence] of cases) {
    const reply = await request(app).get(`/metrics?${query}`);
    assert.deepEqual([reply.status, reply.text], [400, sentence]);
  }
});

test('what is not selected is not shown, and renderings are shared by what they show', async () => {
  const { options, parts, exposer } = createHttpFixture();
  const app = createHttpApp(options, parts);
  const body = async (query: string) => (await request(app).get(`/metrics?${query}`)).text;
  assert.match(await body('collect[]=flows'), /^xtrace_network_bytes_total\{/m);
  assert.doesNotMatch(await body('exclude[]=flows'), /^xtrace_network_bytes_total/m);

  const shares = await Promise.all([
    exposer.expose('text', 'identity', undefined, 1),
    exposer.expose('text', 'identity', undefined, 1),
    exposer.expose('text', 'identity', undefined, 2),
  ]);
  assert.equal(exposer.renderings, 2);
  for (const share of shares) share?.release();
  assert.equal(exposer.renderings, 0);
});

test('who leaves a subject out has seen nothing of it, and nobody waits for him', () => {
  let nowMs = 0;
  const scrapers = new SubjectScrapers({ maxIntervalMs: 60_000 }, { nowMs: () => nowMs });
  const answer = (client: string, refresh: number, ...subjects: (typeof SUBJECTS)[number][]) =>
    scrapers.answered(client, refresh, true, selectionOf(subjects));
  answer('a', 1, 'flows', 'self');
  answer('b', 1, 'roce');
  answer('c', 1, 'rdma');
  assert.deepEqual([scrapers.flows.active, scrapers.roce.active], [1, 1]);
  nowMs = 30_000;
  answer('a', 9, 'flows', 'self');
  answer('b', 5, 'roce');
  assert.equal(scrapers.flows.seen().ends, 9);
  assert.equal(scrapers.roce.seen().ends, 5);
  // Two jobs of one Prometheus that show different things are two.
  scrapers.answered('a', 3, true, ALL_SUBJECTS);
  assert.equal(scrapers.flows.active, 2);
  assert.equal(scrapers.flows.seen().ends, 3);
});
