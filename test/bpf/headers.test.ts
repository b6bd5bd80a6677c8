// SPDX-License-Identifier: Apache-2.0
// Every header of the packet path says itself what it needs.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { machine } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

const BPF = join(import.meta.dirname, '..', '..', '..', 'bpf');

test('every header of the packet path compiles alone', () => {
  const headers = readdirSync(BPF).filter((file) => file.endsWith('.h'));
  assert.ok(headers.length > 10);
  const flags = '-O2 -mcpu=v3 -Wall -Wextra -Wpadded -Werror -Wno-unused-function -target bpf'.split(' ');
  const include = ['-I', BPF, '-I', `/usr/include/${machine()}-linux-gnu`];
  const broken = headers.flatMap((header) => {
    const rest = ['-x', 'c', '-fsyntax-only', join(BPF, header)];
    const { status, stderr } = spawnSync('clang', [...flags, ...include, ...rest], { encoding: 'utf8' });
    return status === 0 ? [] : [`${header}: ${stderr.split('\n')[0] ?? ''}`];
  });
  assert.deepEqual(broken, []);
});
