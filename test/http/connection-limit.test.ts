// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connectionLimit } from '../../src/http/connection-limit.js';
import { ConnectionLog } from '../../src/http/connection-log.js';

test('the limit is 512, or what the process may open beside its own files, but never none', () => {
  for (const [openFiles, fileLimit, expected] of [
    [50, undefined, 512],
    [50, 1_048_576, 512],
    [50, 1024, 512],
    [50, 626, 512],
    [50, 625, 511],
    [50, 256, 142],
    [50, 122, 8],
    [50, 60, 8],
  ] as const) {
    assert.equal(connectionLimit(openFiles, fileLimit), expected, `${fileLimit}`);
  }
});

test('the log has a line a minute of each kind, with how many there were', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const tell = (fields: unknown, message?: string): void => {
    lines.push(`${JSON.stringify(fields)} ${message?.split(/[,:;]/)[0]}`);
  };
  const log = new ConnectionLog(512, { log: { warn: tell, error: tell }, nowMs: () => nowMs });
  for (let second = 0; second < 150; second++) {
    nowMs = second * 1000;
    log.closed('evicted');
    if (second >= 30) log.closed('refused');
    if (second === 40 || second === 41) log.closed('read_ahead');
    log.closed('request_timeout');
  }
  log.notAccepted({ code: 'EMFILE' });
  log.notAccepted({ code: 'EMFILE' });
  assert.deepEqual(lines, [
    '{"evicted":1,"refused":0} 512 HTTP connections are open',
    '{"read_ahead":1} HTTP clients send far more than the request that is being answered',
    '{"evicted":60,"refused":30} 512 HTTP connections are open',
    '{"evicted":60,"refused":60} 512 HTTP connections are open',
    '{"err":{"code":"EMFILE"}} an HTTP connection could not be accepted',
  ]);
});
