// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLocalPorts } from '../../src/system/local-ports.js';
import type { SysfsFiles } from '../../src/system/sysfs-files.js';

function rangeFile(text: string | undefined): SysfsFiles {
  return {
    read: (path) =>
      path === '/proc/sys/net/ipv4/ip_local_port_range' && text !== undefined
        ? { text }
        : { errorCode: 'ENOENT' },
    list: () => [],
    exists: () => false,
    linkName: () => undefined,
  };
}

test("the range of this network namespace, or Linux's own where there is none that makes sense", () => {
  const usual = { first: 32_768, last: 60_999 };
  for (const [text, expected] of [
    ['1024\t65535', { first: 1024, last: 65_535 }],
    ['49152 49152', { first: 49_152, last: 49_152 }],
    ['60999\t32768', usual],
    ['0\t60999', usual],
    ['32768\t65536', usual],
    ['32768', usual],
    ['', usual],
    [undefined, usual],
  ] as const) {
    assert.deepEqual(readLocalPorts({ root: '/' }, { files: rangeFile(text) }), expected, text);
  }
});
