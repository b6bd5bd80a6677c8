// SPDX-License-Identifier: Apache-2.0
// Runs the cases of a group, each in both versions of remote write unless it is of one, and fails what
// has sent nothing. For tests only.

import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import type { FitCase, Group } from './cases.js';
import { openSender, type SenderOptions, type SenderUnderTest, type Version } from './sender-under-test.js';

export interface CaseContext {
  readonly t: TestContext;
  readonly version: Version;
  /** Closed after the test. */
  open(options?: SenderOptions): Promise<SenderUnderTest>;
}

export type CaseBody = (context: CaseContext) => Promise<unknown>;

export interface Case {
  readonly versions: readonly Version[];
  readonly body: CaseBody;
  /** Nobody is there to be sent to. */
  readonly sendsNothing?: boolean;
}

const CLOSE_LIMIT_MS = 500;
const BOTH: readonly Version[] = ['remote_write_1', 'remote_write_2'];

export function inVersion1(body: CaseBody): Case {
  return { versions: ['remote_write_1'], body };
}

export function inVersion2(body: CaseBody): Case {
  return { versions: ['remote_write_2'], body };
}

export function withoutReceiver(body: CaseBody): Case {
  return { versions: BOTH, body, sendsNothing: true };
}

/** A case that the list has and `cases` has not is an error of the compiler. */
export function runCases<G extends Group>(
  group: G,
  cases: Readonly<Record<FitCase<G>, CaseBody | Case>>,
): void {
  describe(group, () => {
    for (const [name, given] of Object.entries(cases) as [string, CaseBody | Case][]) {
      const one: Case = typeof given === 'function' ? { versions: BOTH, body: given } : given;
      for (const version of one.versions)
        test(`${group}/${name}: ${version}`, (t) => runCase(t, version, one));
    }
  });
}

async function runCase(t: TestContext, version: Version, one: Case): Promise<void> {
  const senders: SenderUnderTest[] = [];
  const open = async (options?: SenderOptions): Promise<SenderUnderTest> => {
    const sender = await openSender(t, version, options);
    senders.push(sender);
    return sender;
  };
  try {
    await one.body({ t, version, open });
    if (one.sendsNothing) return;
    assert.ok(senders.length > 0, 'the case opened no sender');
    for (const { pushes } of senders) assert.ok(pushes.length > 0, 'nothing was sent');
  } finally {
    // Before its receiver goes, which the hooks of the test see to: what is left has where to go.
    for (const { line } of senders) await line.close(CLOSE_LIMIT_MS);
  }
}
