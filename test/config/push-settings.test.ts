// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { choosePushFormat } from '../../src/config/push-settings.js';
import { complaintsOf, resolveRun } from '../support/config/fixture-text.js';

describe('auto follows the path of the URL', () => {
  const cases: [string, ReturnType<typeof choosePushFormat>][] = [
    ['http://h:8428/api/v1/import/prometheus', 'text'],
    ['http://h/insert/0/prometheus/api/v1/import/prometheus/metrics/job/x', 'text'],
    ['http://h/api/v1/write', 'remote_write'],
    ['http://h/api/v1/write/?x=/push', 'remote_write'],
    ['http://h/insert/multitenant/prometheus/api/v1/write', 'remote_write'],
    ['http://h/api/v1/push', 'remote_write'],
    ['http://h/api/v1/receive', undefined],
    ['http://h/api/v1/remote_write', undefined],
    ['http://h/?u=/api/v1/write', undefined],
    ['http://write', undefined],
    ['not a URL', undefined],
  ];
  for (const [url, wanted] of cases) {
    test(url, () => assert.equal(choosePushFormat({ url, format: 'auto' }), wanted));
  }
  test('and what is given by hand wins', () => {
    assert.equal(choosePushFormat({ url: 'http://h/api/v1/write', format: 'text' }), 'text');
  });
});

test('the variables of the contract switch it on, and a URL they give is judged as one of the file', () => {
  const env = { VICTORIAMETRICS_ENABLED: '1', VICTORIAMETRICS_REMOTE_WRITE: 'http://vm:8428/api/v1/write' };
  const { push } = resolveRun({ env });
  assert.deepEqual([push.enabled, choosePushFormat(push)], [true, 'remote_write']);
  assert.match(
    complaintsOf({ env: { ...env, VICTORIAMETRICS_REMOTE_WRITE: 'http://vm:8428/' } }).join(),
    /^push\.url: its path does not tell the format/,
  );
});

test('mappings arrive as they were written, frozen, whatever their names', () => {
  const file = 'push: {headers: {A: "1", constructor: "2"}, extra_labels: {rack: a, valueOf: b}}';
  const { headers, extraLabels } = resolveRun({ file }).push;
  assert.deepEqual(Object.entries(headers), [
    ['A', '1'],
    ['constructor', '2'],
  ]);
  assert.deepEqual(Object.entries(extraLabels), [
    ['rack', 'a'],
    ['valueOf', 'b'],
  ]);
  assert.ok(Object.isFrozen(headers) && Object.isFrozen(extraLabels));
});

test('an entry that pollutes stays an entry', () => {
  const { headers } = resolveRun({ file: 'push: {headers: {__proto__: x}}' }).push;
  assert.deepEqual(Object.entries(headers), [['__proto__', 'x']]);
  assert.equal(Object.getPrototypeOf(headers), Object.prototype);
});

describe('every header that frames a request or that remote write reserves is refused, in any case', () => {
  const names = [
    'Content-Encoding',
    'CONTENT-TYPE',
    'user-agent',
    'X-Prometheus-Remote-Write-Version',
    'Host',
    'content-length',
    'Transfer-Encoding',
    'Connection',
  ];
  for (const name of names) {
    test(name, () => {
      assert.match(complaintsOf({ file: `push: {headers: {${name}: x}}` }).join(), /cannot be overridden/);
    });
  }
});

test('a header that is given twice, in another case, is refused', () => {
  assert.match(complaintsOf({ file: 'push: {headers: {a: "1", A: "2"}}' }).join(), /"A" is given twice/);
});

test('no secret of the URL is shown', () => {
  const file = 'push: {enabled: true, url: "http://u:secret@h/api/v1/write", bearer_token_file: /t}';
  assert.doesNotMatch(complaintsOf({ file }).join(), /secret/);
});
