// SPDX-License-Identifier: Apache-2.0
// Child processes of tests: output kept, failures explained, no process left behind.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { waitFor } from './conditions.js';
import { run, start } from './processes.js';

/** Whether a process runs; one that is dead and not yet waited for does not. */
function isAlive(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

test('a run gives its output; one that fails says why', async () => {
  assert.equal(
    (await run('sh', ['-c', 'echo $GREETING'], { env: { GREETING: 'good day' } })).stdout,
    'good day\n',
  );
  await assert.rejects(run('sh', ['-c', 'echo no reason >&2; exit 3']), /exited with 3:\nno reason/);
  await assert.rejects(run('/no/such/program', []), /exited with 127/);
});

test('waiting for a child that ends fails at once, with its output', async () => {
  const child = start('sh', ['-c', 'echo last words >&2; exit 1']);
  await assert.rejects(
    child.waitFor('a miracle', () => undefined),
    /ended before: a miracle[\s\S]*last words/,
  );
  assert.deepEqual(await child.stop(), { code: 1, signal: null });
});

test('stop ends grandchildren, and children that do not listen', async () => {
  const child = start('sh', ['-c', 'trap "" TERM; sleep 600 & echo $!; while :; do wait; done']);
  try {
    const grandchild = Number(await child.waitFor('its child', () => child.stdout.trim()));
    assert.ok(isAlive(grandchild));
    assert.deepEqual(await child.stop('SIGTERM', 100), { code: null, signal: 'SIGKILL' });
    await waitFor('the grandchild to end', () => !isAlive(grandchild));
  } finally {
    await child.stop('SIGKILL');
  }
});

test('a condition that never comes true is an error that names it', async () => {
  await assert.rejects(
    waitFor('rain', () => false, { limitMs: 30, intervalMs: 10 }),
    /not within 30 ms: rain/,
  );
});
