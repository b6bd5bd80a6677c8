// SPDX-License-Identifier: Apache-2.0
// The headers as the specifications of remote write 1.0 and 2.0 and VictoriaMetrics' variant fix them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WireForm } from '../../src/push/batch.js';
import { fallbackOf, firstDialect, requestHeaders, wireFormOf } from '../../src/push/dialect.js';

const V1: WireForm = { format: 'remote_write_1', encoding: 'snappy' };
const V1_ZSTD: WireForm = { format: 'remote_write_1', encoding: 'zstd' };
const V2: WireForm = { format: 'remote_write_2', encoding: 'snappy' };
const TEXT: WireForm = { format: 'text', encoding: 'gzip' };
const userAgent = 'xtrace-catch/1.2.3';

describe('headers, exactly', () => {
  const cases: [string, WireForm, Record<string, string>][] = [
    [
      'remote write 1.0',
      V1,
      {
        'Content-Encoding': 'snappy',
        'Content-Type': 'application/x-protobuf',
        'X-Prometheus-Remote-Write-Version': '0.1.0',
      },
    ],
    [
      'remote write 2.0',
      V2,
      {
        'Content-Encoding': 'snappy',
        'Content-Type': 'application/x-protobuf;proto=io.prometheus.write.v2.Request',
        'X-Prometheus-Remote-Write-Version': '2.0.0',
      },
    ],
    [
      "VictoriaMetrics' variant",
      V1_ZSTD,
      {
        'Content-Encoding': 'zstd',
        'Content-Type': 'application/x-protobuf',
        'X-VictoriaMetrics-Remote-Write-Version': '1',
      },
    ],
    [
      'text',
      TEXT,
      { 'Content-Encoding': 'gzip', 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' },
    ],
  ];
  for (const [name, wire, wanted] of cases) {
    test(name, () => {
      assert.deepEqual(requestHeaders(wire, { userAgent, extra: {} }), {
        ...wanted,
        'User-Agent': userAgent,
      });
    });
  }
});

test('headers of the configuration are sent along, but override none of ours, in any case', () => {
  const extra = {
    'X-Scope-OrgID': '7',
    'content-TYPE': 'text/html',
    'CONTENT-ENCODING': 'br',
    'user-agent': 'curl',
    'x-prometheus-remote-write-version': '9',
  };
  const plain = requestHeaders(V1, { userAgent, extra: {} });
  assert.deepEqual(requestHeaders(V1, { userAgent, extra }), { 'X-Scope-OrgID': '7', ...plain });
});

test('the first try is the best that both may know', () => {
  assert.deepEqual(firstDialect('remote_write_1', 'auto', true), V1_ZSTD);
  assert.deepEqual(firstDialect('remote_write_1', 'auto', false), V1);
  assert.deepEqual(firstDialect('remote_write_1', 'zstd', true), V1_ZSTD);
  assert.deepEqual(firstDialect('remote_write_1', 'snappy', true), V1);
  assert.deepEqual(firstDialect('remote_write_2', 'zstd', true), V2); // 2.0 knows snappy only
  assert.deepEqual(firstDialect('text', 'auto', true), TEXT);
});

test('the second is what older receivers know, where the first was a guess', () => {
  assert.deepEqual(fallbackOf(V1_ZSTD, 'auto'), V1);
  assert.equal(fallbackOf(V1_ZSTD, 'zstd'), undefined);
  assert.equal(fallbackOf(V1, 'auto'), undefined);
  assert.deepEqual(fallbackOf(V2, 'auto'), V1);
  assert.deepEqual(fallbackOf(V2, 'snappy'), V1);
  assert.equal(fallbackOf(TEXT, 'auto'), undefined);
});

test('batches of another configuration go out as far as they can', () => {
  assert.deepEqual(wireFormOf('remote_write_2', V1), V1); // transcoded
  assert.deepEqual(wireFormOf('remote_write_1', V2), V1); // as it is: its content type says so
  assert.equal(wireFormOf('text', V1), undefined);
  assert.equal(wireFormOf('remote_write_1', TEXT), undefined);
});
