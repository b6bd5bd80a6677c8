// SPDX-License-Identifier: Apache-2.0
// A child process of attach.test.ts: attaches to an interface and waits to be killed, or for the
// end of its input, should the parent die first. Arguments: object path, ifindex.

import assert from 'node:assert/strict';
import process from 'node:process';
import { FRAMING } from '../../src/abi/kinds.js';
import { attachXdp } from '../../src/kernel/attach.js';
import { loadKernelObject } from '../../src/kernel/load.js';

const [, , objectPath = '', ifindex = ''] = process.argv;
const object = loadKernelObject({ objectPath, flowCapacity: 64 });
const outcome = attachXdp({
  object,
  ifindex: Number(ifindex),
  interfaceName: `interface ${ifindex}`,
  framing: FRAMING.ethernet,
  mode: 'auto',
});
assert.ok(outcome.attached, JSON.stringify(outcome));
process.stdin.resume();
