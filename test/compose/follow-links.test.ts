// SPDX-License-Identifier: Apache-2.0
// When links and attachments are looked at, with a table of links that does as it is told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Attachments } from '../../src/attach/attachments.js';
import { followLinks } from '../../src/compose/follow-links.js';
import type { LinkTable } from '../../src/system/link-table.js';

/** Turns of the event loop within which all that is under way has come to its end. */
const TURNS = 20;

/** `polls`: what each poll() finds, or the error that it throws; afterwards nothing is left. */
function createRig(polls: readonly ({ readonly hasMore: boolean } | Error)[]) {
  const rig = {
    polls: [...polls],
    polled: 0,
    checked: 0,
    checkFault: undefined as Error | undefined,
    warnings: [] as string[],
  };
  let hasMore = false;
  const links: LinkTable = {
    links: new Map(),
    named: () => undefined,
    poll() {
      rig.polled++;
      const found = rig.polls.shift();
      hasMore = found !== undefined && 'hasMore' in found && found.hasMore;
      if (found instanceof Error) throw found;
      return true;
    },
    changes: 0,
    get hasMore() {
      return hasMore;
    },
    takeAddressChange: () => false,
    overruns: 0,
    close: () => undefined,
  };
  const attachments: Attachments = {
    check() {
      rig.checked++;
      if (rig.checkFault !== undefined) throw rig.checkFault;
    },
    states: [],
    sentences: [],
    refused: 0,
    framingOf: () => undefined,
    replacePrograms: () => undefined,
    setInterfaces: () => undefined,
    close: () => undefined,
  };
  const followed = followLinks(attachments, {
    links,
    clock: { nowMs: () => 0, yieldToLoop: () => nextTurn() },
    log: { warn: (_fields, message) => void rig.warnings.push(message) },
  });
  return Object.assign(rig, { followed });
}

async function turns(): Promise<void> {
  for (let i = 0; i < TURNS; i++) await nextTurn();
}

test('a burst is read on in turns of the event loop, until nothing is left', async () => {
  const rig = createRig([{ hasMore: true }, { hasMore: true }, { hasMore: false }]);
  rig.followed.check();
  assert.equal(rig.polled, 1);
  await turns();
  assert.deepEqual([rig.polled, rig.checked], [3, 3]);
});

test('where links cannot be read, nothing reads on, and one line says so until they can', async () => {
  const fault = () => new Error('network devices cannot be listed: ENOBUFS');
  const rig = createRig([{ hasMore: true }, fault(), fault()]);
  rig.followed.check();
  await turns();
  assert.equal(rig.polled, 2);
  rig.followed.check();
  assert.deepEqual(rig.warnings, ['links cannot be followed; trying again']);
});

test('attachments that fail while a burst is read are told, and looked at again later', async () => {
  const rig = createRig([{ hasMore: true }, { hasMore: true }]);
  rig.followed.check();
  rig.checkFault = new Error('no such map');
  await turns();
  assert.deepEqual(rig.warnings, ['checking the interfaces failed; trying again']);
  assert.equal(rig.checked, 2);
  rig.checkFault = undefined;
  rig.followed.check();
  await turns();
  assert.equal(rig.checked, 3);
});
