// SPDX-License-Identifier: Apache-2.0
// A pusher with the real network, compressions and clock, and short waits. For tests only.

import type { TestContext } from 'node:test';
import { type OpenPusherOptions, openPusher } from '../../../src/push/open-pusher.js';
import type { Pusher } from '../../../src/push/pusher.js';
import { PushReceiver, type PushReceiverOptions } from '../receivers/push-receiver.js';
import { ListLog, OPTIONS, START_MS } from './push-fixture.js';

export const REAL_OPTIONS: OpenPusherOptions = {
  ...OPTIONS,
  basicAuth: { username: '', passwordFile: '' },
  bearerTokenFile: '',
  tls: { caFile: '', certFile: '', keyFile: '', serverName: '', insecureSkipVerify: false },
  minBackoffMs: 10,
  maxBackoffMs: 40,
  spoolPath: '',
  spoolMaxBytes: 1 << 24,
};

export interface RealPusher {
  readonly pusher: Pusher;
  readonly log: ListLog;
}

/** Samples of tests are years old, so the wall clock stands at theirs. Closed after the test. */
export async function openTestPusher(
  context: TestContext,
  options: Partial<OpenPusherOptions> & { readonly url: string },
): Promise<RealPusher> {
  const log = new ListLog();
  const pusher = await openPusher(
    { ...REAL_OPTIONS, ...options },
    {
      nowMs: () => performance.now(),
      wallMs: () => START_MS + performance.now(),
      random: Math.random,
      schedule(task, delayMs) {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
      log,
    },
  );
  context.after(() => pusher.close(200));
  return { pusher, log };
}

/** Stopped after the test. */
export async function startReceiver(
  context: TestContext,
  options: PushReceiverOptions = {},
): Promise<PushReceiver> {
  const receiver = await PushReceiver.start(options);
  context.after(() => receiver.stop());
  return receiver;
}
