// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/clock.js';
import { connectRdma } from '../../src/compose/connect-rdma.js';
import { createLogger } from '../../src/log.js';

test('where rdma.enabled is off, nothing is read', () => {
  const host = { interfaces: ['eth0'], hostIp: '', collectAgg: 'lab' };
  const destination = { write: () => assert.fail('there is nothing to say') };
  const log = createLogger({ level: 'debug', format: 'logfmt' }, { destination });
  const parts = { log, clock: systemClock() };
  const config = {
    rdma: { enabled: false, sysfsPath: '/sys', maxOwners: 256, perQueuePair: false },
    flows: { idleTimeoutMs: 300_000 },
  };
  const line = connectRdma({ host, config, interfaceName: String, roceSeen: () => () => 0 }, parts);
  assert.equal(line, undefined);
});
