// SPDX-License-Identifier: Apache-2.0
// What the kernel says of NICs, against ethtool(8): of this machine's own, which are only looked at, and of a veth with
// several queues in a network namespace of this process.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { decodeStatNames, type Ethtool, openEthtool } from '../../src/kernel/ethtool/ethtool-ioctl.js';
import { openEthtoolNetlink } from '../../src/kernel/ethtool/ethtool-netlink.js';
import { openLibc } from '../../src/kernel/ffi.js';
import { createNicAnswers } from '../../src/nic/answers.js';
import { SYSFS_FILES } from '../../src/system/sysfs-files.js';
import { kernelTest, missingForKernelTests } from '../support/kernel/kernel-gate.js';
import { enterOwnNetns, ip } from '../support/kernel/own-netns.js';

const ENODEV = 19;
const EOPNOTSUPP = 95;

/** Name and count of each line of `ethtool -S`. */
function shownBy(interfaceName: string): [string, string][] {
  const text = execFileSync('ethtool', ['-S', interfaceName], { encoding: 'utf8' });
  return [...text.matchAll(/^ {5}(.+): (\d+)$/gm)].map(([, name = '', count = '']) => [name, count]);
}

function namesIn(ethtool: Ethtool, interfaceName: string): string[] {
  const count = ethtool.countStats(interfaceName);
  assert.ok(typeof count === 'number');
  const names = ethtool.readStatNames(interfaceName, count);
  assert.ok(typeof names !== 'number');
  return decodeStatNames(names);
}

const machine: { name: string; names: string[]; driver: unknown; expected: string[]; info: string }[] = [];
if (missingForKernelTests() === undefined) {
  const ethtool = openEthtool(openLibc());
  for (const name of readdirSync('/sys/class/net')) {
    if (!existsSync(`/sys/class/net/${name}/device`)) continue;
    machine.push({
      name,
      names: namesIn(ethtool, name),
      driver: ethtool.driver(name),
      expected: shownBy(name).map(([own]) => own),
      info: execFileSync('ethtool', ['-i', name], { encoding: 'utf8' }),
    });
  }
  ethtool.close();
  enterOwnNetns();
  ip('link', 'add', 'xt0', 'numrxqueues', '4', 'numtxqueues', '4', 'type', 'veth', 'peer', 'name', 'xt1');
  ip('link', 'set', 'xt0', 'up');
}

function open(t: TestContext): Ethtool {
  const ethtool = openEthtool(openLibc());
  t.after(() => ethtool.close());
  return ethtool;
}

kernelTest("this machine's own NICs: driver and strings, in order", () => {
  for (const { names, expected, driver, info } of machine) {
    assert.deepEqual(names, expected);
    assert.ok(typeof driver === 'object' && driver !== null && 'driver' in driver && 'bus' in driver);
    assert.ok(info.includes(`driver: ${String(driver.driver)}\n`));
    assert.ok(info.includes(`bus-info: ${String(driver.bus)}\n`));
  }
});

kernelTest('a veth: strings and values', (t) => {
  const ethtool = open(t);
  const shown = shownBy('xt0');
  assert.ok(shown.length > 20);
  assert.deepEqual(
    namesIn(ethtool, 'xt0'),
    shown.map(([name]) => name),
  );
  const values = ethtool.readStatValues('xt0', shown.length);
  assert.ok(typeof values !== 'number');
  assert.deepEqual(
    shown.map((_, index) => String(values.readBigUInt64LE(index * 8))),
    shown.map(([, count]) => count),
  );
});

kernelTest('what is not there, or has nothing, is an errno or nothing', (t) => {
  const ethtool = open(t);
  assert.equal(ethtool.driver('nope'), ENODEV);
  assert.equal(ethtool.driver('a-name-that-is-too-long'), ENODEV);
  assert.deepEqual(ethtool.countStats('nope'), { errno: ENODEV });
  assert.equal(ethtool.readStatNames('lo', 0), EOPNOTSUPP);
  const netlink = openEthtoolNetlink(openLibc());
  if (netlink === undefined) return; // older than 5.6
  t.after(() => netlink.close());
  assert.deepEqual(netlink.pause('xt0'), { errno: EOPNOTSUPP });
  assert.deepEqual(netlink.fec('nope'), { errno: ENODEV });
  assert.deepEqual(netlink.standardStats('xt0', 'mac'), new Map());
});

kernelTest('a veth as the reading process tells it: link settings, and what is asked for raw', (t) => {
  const libc = openLibc();
  const ethtool = open(t);
  const netlink = openEthtoolNetlink(libc);
  t.after(() => netlink?.close());
  const answer = createNicAnswers(
    { sysfsPath: '/sys', wantsRaw: (name) => name === 'peer_ifindex' },
    { ethtool, netlink, files: SYSFS_FILES, nowMs: () => performance.now() },
  );
  const { numbers } = answer({ about: 'numbers', interfaceName: 'xt0' });
  const [peer] = JSON.parse(ip('-json', 'link', 'show', 'dev', 'xt1')) as { ifindex: number }[];
  assert.deepEqual(numbers?.raw, [{ name: 'peer_ifindex', value: peer?.ifindex }]);
  assert.equal(numbers.driver, 'veth');
  assert.deepEqual([numbers.errors, numbers.malformed], [0, 0]);
  if (netlink !== undefined) assert.equal(numbers.link.speedBitsPerSecond, 10e9);
});

kernelTest('after close() nothing can be read', (t) => {
  const ethtool = open(t);
  ethtool.close();
  ethtool.close();
  assert.equal(typeof ethtool.driver('xt0'), 'number');
});
