// SPDX-License-Identifier: Apache-2.0
// What the reading process makes of a NIC: strings of its driver, the kernel's own messages as its UAPI defines them, and
// sysfs, for cards that no test machine has.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNicAnswers, type NicAnswersParts } from '../../src/nic/answers.js';
import { counterKey } from '../../src/nic/meanings.js';
import type { NicNumbers } from '../../src/nic/questions.js';
import {
  attributes,
  encodeStrings,
  fakeEthtool,
  fakeNetlink,
  type NetlinkBodies,
  nest,
  u8,
  u32,
  u64,
} from '../support/nic/fake-nic.js';
import { memorySysfs } from '../support/rdma/memory-sysfs.js';

const HEADER = nest(1, [1, u32(2)], [2, Buffer.from('eth0\0')]);
const DEVICE = '/sys/class/net/eth0/device';

function partsOf(
  driver: string,
  counts: Readonly<Record<string, number>>,
  bodies: NetlinkBodies | undefined = undefined,
  texts: Readonly<Record<string, string | undefined>> = {},
): NicAnswersParts {
  let now = 0;
  return {
    ethtool: fakeEthtool(driver, counts),
    netlink: bodies && fakeNetlink(bodies),
    files: memorySysfs(texts),
    nowMs: () => now++,
  };
}

function numbersOf(parts: NicAnswersParts): NicNumbers {
  const answer = createNicAnswers({ sysfsPath: '/sys', wantsRaw: () => false }, parts);
  const { numbers } = answer({ about: 'numbers', interfaceName: 'eth0' });
  return numbers ?? assert.fail('no numbers');
}

function shown({ counters }: NicNumbers): Record<string, number> {
  return Object.fromEntries(counters.map((one) => [counterKey(one).replaceAll('\0', ' '), one.value]));
}

/** Byte by byte, as stats_put_stats() of net/ethtool/stats.c writes it: jabbers, and 0 to 64 bytes of both directions. */
const RMON = Buffer.from(
  [
    '64000480', // ETHTOOL_A_STATS_GRP
    '0800020003000000 0800030014000000', // _ID: rmon, _SS_ID
    '10000480 0c000300 0200000000000000', // _STAT
    '20000580 0800070000000000 0800080040000000 0c000900 0100000000000000', // _HIST_RX: _BKT_LOW, _BKT_HI, _VAL
    '20000680 0800070000000000 0800080040000000 0c000900 0700000000000000', // _HIST_TX
  ]
    .join('')
    .replaceAll(' ', ''),
  'hex',
);

const BODIES: NetlinkBodies = {
  // ETHTOOL_MSG_PAUSE_GET_REPLY: autoneg, rx, tx, and its statistics: tx, rx.
  pause: attributes(HEADER, [2, u8(0)], [3, u8(1)], [4, u8(1)], nest(5, [2, u64(21)], [3, u64(34)])),
  // ETHTOOL_MSG_FEC_GET_REPLY: the mode in use is a bit of link modes; sums before lanes.
  fec: attributes(HEADER, [3, u8(0)], [4, u32(50)], nest(5, [2, u64(1000, 400, 600)], [3, u64(3)])),
  // ETHTOOL_MSG_LINKMODES_GET_REPLY.
  linkModes: attributes(HEADER, [2, u8(1)], [5, u32(100_000)], [6, u8(1)], [9, u32(4)]),
  // ETHTOOL_MSG_STATS_GET_REPLY: id, string set, and one nest for each statistic.
  stats: {
    phy: attributes(nest(4, [2, u32(0)], [3, u32(17)], nest(4, [0, u64(5)]))),
    mac: attributes(nest(4, [2, u32(1)], [3, u32(18)], nest(4, [0, u64(70)]), nest(4, [12, u64(9000)]))),
    ctrl: attributes(HEADER),
    rmon: RMON,
  },
};

test("the kernel's own messages: pause, FEC, link, and the standard groups", () => {
  const numbers = numbersOf(partsOf('a new driver', {}, BODIES));
  assert.deepEqual(shown(numbers), {
    'pause_frames received': 34,
    'pause_frames sent': 21,
    'fec_codewords corrected': 1000,
    'fec_codewords uncorrectable': 3,
    'errors received symbol': 5,
    'port_packets sent': 70,
    'port_bytes received': 9000,
    'errors received jabber': 2,
  });
  assert.deepEqual(numbers.link, {
    ...{ speedBitsPerSecond: 100e9, isFullDuplex: true, isAutonegotiated: true, lanes: 4 },
    fecMode: 'rs',
  });
  assert.deepEqual([numbers.errors, numbers.malformed], [0, 0]);
  assert.deepEqual(Object.keys(numbers.durationsMs), ['stats', 'pause', 'fec', 'standard', 'link', 'sysfs']);
});

test("what both say is told once, in the driver's own number", () => {
  const counts = { rx_pause_ctrl_phy: 99, rx_jabbers_phy: 1 };
  const found = shown(numbersOf(partsOf('mlx5_core', counts, BODIES)));
  assert.equal(found['pause_frames received'], 99);
  assert.equal(found['pause_frames sent'], 21);
  assert.equal(found['errors received jabber'], 1);
});

test('a driver that has nothing, and a kernel without the family, are no errors', () => {
  for (const bodies of [{}, undefined]) {
    const numbers = numbersOf(partsOf('veth', { peer_ifindex: 3 }, bodies));
    assert.deepEqual([numbers.counters, numbers.errors, numbers.malformed], [[], 0, 0]);
  }
});

test('an answer that makes no sense is counted, and nothing of it is taken', () => {
  const bodies = {
    ...BODIES,
    pause: attributes(HEADER, [5, Buffer.from([9, 0, 2, 0, 1])]),
    stats: { phy: attributes(nest(4, [2, u32(0)], nest(4, [0, u32(5)]))) },
  };
  const numbers = numbersOf(partsOf('', {}, bodies));
  assert.equal(numbers.malformed, 2);
  assert.equal(shown(numbers)['pause_frames received'], undefined);
});

test('sysfs: links that went down, PCIe against its maximum, and its errors', () => {
  const numbers = numbersOf(
    partsOf('mlx5_core', {}, undefined, {
      '/sys/class/net/eth0/carrier_down_count': '3',
      [`${DEVICE}/current_link_speed`]: '8.0 GT/s PCIe',
      [`${DEVICE}/max_link_speed`]: '32.0 GT/s PCIe',
      [`${DEVICE}/current_link_width`]: '8',
      [`${DEVICE}/max_link_width`]: '16',
      [`${DEVICE}/aer_dev_correctable`]: 'RxErr 2\nBadTLP 0\ndev_cor_errs_bit[5] 3\nTOTAL_ERR_COR 5',
      [`${DEVICE}/aer_dev_fatal`]: 'Undefined 0\nDLP 1\nTOTAL_ERR_FATAL 1',
      [`${DEVICE}/aer_dev_nonfatal`]: 'what is this',
    }),
  );
  assert.deepEqual(shown(numbers), {
    'link_down_events kernel': 3,
    'pcie_errors correctable RxErr': 2,
    'pcie_errors correctable BadTLP': 0,
    'pcie_errors correctable dev_cor_errs_bit[5]': 3,
    'pcie_errors fatal Undefined': 0,
    'pcie_errors fatal DLP': 1,
  });
  assert.deepEqual(numbers.pcie, {
    ...{ transfersPerSecond: 8e9, maxTransfersPerSecond: 32e9, lanes: 8, maxLanes: 16 },
  });
  assert.equal(numbers.malformed, 1);
});

test("another network namespace's sysfs says nothing of our interface", () => {
  const texts = { '/sys/class/net/eth0/carrier_down_count': '3' };
  for (const [ifindex, expected] of [
    ['2', 1],
    ['7', 0],
  ] as const) {
    const files = { ...texts, '/sys/class/net/eth0/ifindex': ifindex };
    assert.equal(numbersOf(partsOf('veth', {}, undefined, files)).counters.length, expected);
  }
});

test('strings that change are looked at again: PFC that is switched to another priority', () => {
  const counts: Record<string, number> = { rx_prio3_pause: 5 };
  const parts = partsOf('mlx5_core', counts);
  const current = { ...parts, ethtool: { ...parts.ethtool } };
  const answer = createNicAnswers({ sysfsPath: '/sys', wantsRaw: () => false }, current);
  const read = () => answer({ about: 'numbers', interfaceName: 'eth0' }).numbers?.counters[0]?.labels;
  assert.deepEqual(read(), ['3', 'received']);
  current.ethtool.readStatNames = () => encodeStrings(['rx_prio4_pause']);
  assert.deepEqual(read(), ['4', 'received']);
});

test('a number of strings that will not stand still is given up, and counted', () => {
  const parts = partsOf('mlx5_core', { rx_prio3_pause: 5 });
  const restless = { ...parts, ethtool: { ...parts.ethtool, readStatValues: () => 11 } };
  const numbers = numbersOf(restless);
  assert.deepEqual([numbers.counters, numbers.errors], [[], 1]);
});

test('a sample of PFC has priorities that were ever stopped, and packets that should have passed', () => {
  const counts = {
    ...{ rx_prio3_pause: 5, rx_prio3_pause_duration: 100, tx_prio3_packets: 7, tx_packets_phy: 9 },
    ...{ rx_prio4_pause: 0, tx_prio4_packets: 8, rx_discards_phy: 1 },
  };
  const answer = createNicAnswers({ sysfsPath: '/sys', wantsRaw: () => false }, partsOf('mlx5_core', counts));
  const sample = () => answer({ about: 'pause', interfaceName: 'eth0' }).pause;
  assert.deepEqual(sample()?.counters, [], 'strings are not known before the first reading');
  answer({ about: 'numbers', interfaceName: 'eth0' });
  assert.deepEqual(
    sample()?.counters.map(({ meaning, labels }) => [meaning, ...labels].join(' ')),
    [
      ...['pfc_frames 3 received', 'pfc_pause_seconds 3 received', 'priority_packets 3 sent'],
      'port_packets sent',
    ],
  );
});
