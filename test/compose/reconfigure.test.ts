// SPDX-License-Identifier: Apache-2.0
// What rejects another configuration does so before anything of it is in force.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { type ReconfigureParts, reconfigure } from '../../src/compose/reconfigure.js';
import { KernelError } from '../../src/errors.js';
import { resolveRun } from '../support/config/fixture-text.js';

const REFUSAL = new KernelError('bpf_object__load', 13, 'the verifier will not');

for (const [what, refused, file, rejects] of [
  ['program for an attached interface', 'program', '', true],
  ['sweep', 'sweep', '', true],
  ['sweep that is not used', 'sweep', 'roce: {enabled: false}', false],
] as const) {
  test(`a ${what} that the kernel refuses ${rejects ? 'rejects the whole' : 'rejects nothing'}`, async () => {
    const events: string[] = [];
    const answer = (part: string) => async () => {
      events.push(part);
      if (part === refused) throw REFUSAL;
      return 5;
    };
    const config = resolveRun({ file });
    const opened = {
      object: { flavours: ['plain'], programFdOffLoop: answer('program'), loadSweep: answer('sweep') },
      discard: () => events.push('discard'),
    };
    const switched = new Error('the switch has begun');
    const parts = {
      live: { current: config, whole: config },
      kernel: { loadNext: () => opened },
      push: { loadFor: async () => undefined },
      networks: { names: undefined },
      attachments: {
        states: [
          { name: 'tun0', attached: true, mode: 'generic', framing: FRAMING.l3, frags: false },
          { name: 'tun1', attached: false },
        ],
      },
      daemon: { reconfigure: () => Promise.reject(switched) },
    } as unknown as ReconfigureParts; // what is not here must not be asked for
    await assert.rejects(reconfigure(config, parts), rejects ? REFUSAL : switched);
    assert.equal(events.at(-1), 'discard');
    assert.ok(events.includes('program'));
  });
}
