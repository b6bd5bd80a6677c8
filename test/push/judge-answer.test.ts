// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PayloadFormat } from '../../src/exposition/payload.js';
import { type Answer, judgeAnswer } from '../../src/push/judge-answer.js';
import type { Verdict } from '../../src/push/outcome.js';

const NOW_MS = 1_700_000_000_000;
const url = new URL('http://vm:8428/api/v1/write');

function judge(
  answer: Partial<Answer> & { status: number },
  format: PayloadFormat = 'remote_write_1',
  retryOn429 = true,
): Verdict {
  return judgeAnswer(
    { headers: {}, bodyStart: '', ...answer },
    { url, format, samples: 10, retryOn429, wallMs: NOW_MS },
  );
}

const writtenHeader = (samples: string) => ({ 'x-prometheus-remote-write-samples-written': samples });

describe('1.0 and text: any 2xx is the whole batch, whatever stands in it', () => {
  for (const status of [200, 202, 204, 299]) {
    for (const format of ['remote_write_1', 'text'] as const) {
      test(`${status} ${format}`, () => {
        const answer = { status, headers: writtenHeader('3'), bodyStart: 'error: disk on fire' };
        assert.deepEqual(judge(answer, format), { kind: 'accepted', written: 10 });
      });
    }
  }
});

describe('2.0: what is written is told', () => {
  const cases: [string, Record<string, string>, number][] = [
    ['all', writtenHeader('10'), 10],
    ['some', writtenHeader('4'), 4],
    ['more than there were', writtenHeader('11'), 10],
    ['no number', writtenHeader('many'), 0],
    ['below zero', writtenHeader('-3'), 0],
    ['samples missing, others told', { 'x-prometheus-remote-write-exemplars-written': '0' }, 0],
  ];
  for (const [name, headers, written] of cases) {
    test(`2xx, ${name}`, () => {
      assert.deepEqual(judge({ status: 200, headers }, 'remote_write_2'), { kind: 'accepted', written });
    });
  }

  test('2xx without any Written header: it has read it as 1.0, and lost it', () => {
    const verdict = judge({ status: 204 }, 'remote_write_2');
    assert.equal(verdict.kind, 'not_understood');
  });

  test('400 after a part was written: refused, but that part is there', () => {
    const verdict = judge({ status: 400, headers: writtenHeader('6') }, 'remote_write_2');
    assert.deepEqual([verdict.kind, 'written' in verdict && verdict.written], ['refused', 6]);
  });

  test('1.0 infers nothing from such headers', () => {
    const verdict = judge({ status: 400, headers: writtenHeader('6') });
    assert.equal('written' in verdict && verdict.written, 0);
  });
});

describe('what is sent again', () => {
  for (const status of [500, 501, 502, 503, 504, 507, 599, 429, 999, 301, 302, 308, 600]) {
    test(`${status}: again`, () => assert.equal(judge({ status }).kind, 'failed'));
  }
  for (const status of [401, 402, 403, 404, 405, 408, 409, 410, 411, 413, 414, 422, 431, 451, 499]) {
    test(`${status}: never`, () => assert.equal(judge({ status }).kind, 'refused'));
  }
  for (const status of [400, 415]) {
    test(`${status}: perhaps in another form`, () => assert.equal(judge({ status }).kind, 'not_understood'));
  }
  test('429 is refused where the configuration says so', () => {
    assert.equal(judge({ status: 429 }, 'remote_write_1', false).kind, 'refused');
  });

  for (const [status, mayBeBatch] of [
    [500, true],
    [501, true],
    [502, false],
    [503, false],
    [504, false],
    [429, false],
    [999, true],
    [302, false],
  ] as const) {
    test(`${status} ${mayBeBatch ? 'may' : 'cannot'} be the batch's fault`, () => {
      const verdict = judge({ status });
      assert.equal(verdict.kind === 'failed' && verdict.mayBeBatch, mayBeBatch);
    });
  }

  test('Retry-After is read in both forms', () => {
    const inTenSeconds = new Date(NOW_MS + 10_000).toUTCString();
    for (const header of ['10', inTenSeconds]) {
      const verdict = judge({ status: 503, headers: { 'retry-after': header } });
      assert.equal(verdict.kind === 'failed' && verdict.retryAfterMs, 10_000);
    }
  });
});

describe('sentences', () => {
  const cases: [Partial<Answer> & { status: number }, string][] = [
    [
      { status: 401, bodyStart: 'no such user\n' },
      'vm:8428 answers 401: the login is missing or wrong; look at push.basic_auth and push.bearer_token_file; it says: no such user',
    ],
    [
      { status: 403 },
      'vm:8428 answers 403: the login may not write there; look at push.basic_auth and push.bearer_token_file',
    ],
    [{ status: 404 }, 'vm:8428 answers 404: there is nothing at this path; look at push.url'],
    [{ status: 405 }, 'vm:8428 answers 405: this path takes no POST; look at push.url'],
    [{ status: 413 }, 'vm:8428 answers 413: the batch is too large for it; lower push.batch_max_samples'],
    [
      { status: 301, headers: { location: 'https://vm/api/v1/write' } },
      'vm:8428 answers 301: it redirects to https://vm/api/v1/write, which is not followed; set push.url to that',
    ],
    [{ status: 500, bodyStart: 'label "a"="b" twice' }, 'vm:8428 answers 500; it says: label "a"="b" twice'],
    [{ status: 503 }, 'vm:8428 answers 503'],
  ];
  for (const [answer, wanted] of cases) {
    test(`${answer.status}`, () => {
      const verdict = judge(answer);
      assert.equal('sentence' in verdict && verdict.sentence, wanted);
    });
  }
});
