// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FRAMING } from '../../src/abi/kinds.js';
import { framingOf } from '../../src/system/framing.js';

// include/uapi/linux/if_arp.h
const LINK_TYPES = [
  [1, FRAMING.ethernet, 'ARPHRD_ETHER'],
  [772, FRAMING.ethernet, 'ARPHRD_LOOPBACK'],
  [32, FRAMING.infiniband, 'ARPHRD_INFINIBAND'],
  [65534, FRAMING.l3, 'ARPHRD_NONE'],
  [512, FRAMING.l3, 'ARPHRD_PPP'],
  [519, FRAMING.l3, 'ARPHRD_RAWIP'],
  [768, FRAMING.l3, 'ARPHRD_TUNNEL'],
  [769, FRAMING.l3, 'ARPHRD_TUNNEL6'],
  [776, FRAMING.l3, 'ARPHRD_SIT'],
  [778, FRAMING.l3, 'ARPHRD_IPGRE'],
  [823, FRAMING.l3, 'ARPHRD_IP6GRE'],
] as const;

for (const [linkType, framing, name] of LINK_TYPES) {
  test(`${name} is framing ${framing}`, () => {
    assert.deepEqual(framingOf(linkType, 'x0'), { framing });
  });
}

test('any other link type is refused in a sentence that names it', () => {
  const { framing, sentence } = framingOf(801, 'wlan0mon');
  assert.equal(framing, undefined);
  assert.match(sentence ?? '', /^wlan0mon has link type 801 [^\n]*[^.]$/);
});
