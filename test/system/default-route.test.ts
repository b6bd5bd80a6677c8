// SPDX-License-Identifier: Apache-2.0

import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  parseDefaultRoute4,
  parseDefaultRoute6,
  readDefaultRouteInterface,
} from '../../src/system/default-route.js';

const HEADING = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT';
const route4 = (name: string, destination: string, flags: string, metric: number, mask: string) =>
  `${name}\t${destination}\t0101A8C0\t${flags}\t0\t0\t${metric}\t${mask}\t0\t0\t0   `;
const table4 = (...routes: string[]) => `${[HEADING, ...routes].join('\n')}\n`;

const ANY = '0'.repeat(32);
const route6 = (destination: string, length: string, metric: string, flags: string, name: string) =>
  `${destination} ${length} ${ANY} 00 fe800000000000000000000000000001 ${metric} 00000001 00000000 ${flags} ${name.padStart(8)}`;

test('IPv4: the default route, not the nets beside it', () => {
  const table = table4(
    route4('eth1', '0001A8C0', '0001', 100, '00FFFFFF'),
    route4('eth0', '00000000', '0003', 100, '00000000'),
    route4('docker0', '000011AC', '0001', 0, '0000FFFF'),
  );
  assert.equal(parseDefaultRoute4(table), 'eth0');
});

test('IPv4: of several, the lowest metric', () => {
  const table = table4(
    route4('wlan0', '00000000', '0003', 600, '00000000'),
    route4('eth0', '00000000', '0003', 100, '00000000'),
    route4('eth1', '00000000', '0003', 100, '00000000'),
  );
  assert.equal(parseDefaultRoute4(table), 'eth0');
});

test('IPv4: a half of the internet, a rejecting route and a route that is down are no default', () => {
  const table = table4(
    route4('tun0', '00000000', '0003', 0, '00000080'), // 0.0.0.0/1
    route4('*', '00000000', '0201', 0, '00000000'),
    route4('eth0', '00000000', '0002', 0, '00000000'),
  );
  assert.equal(parseDefaultRoute4(table), undefined);
});

test('IPv4: an empty table', () => {
  assert.equal(parseDefaultRoute4(''), undefined);
  assert.equal(parseDefaultRoute4(table4()), undefined);
});

test('IPv6: the default route by lowest metric, in hexadecimal; not the unreachable one on lo', () => {
  const table = [
    route6('20010db8000000000000000000000000', '40', '00000100', '00000001', 'eth1'),
    route6(ANY, '00', 'ffffffff', '00200200', 'lo'),
    route6(ANY, '00', '00000400', '00000003', 'eth2'),
    route6(ANY, '00', '00000064', '00000003', 'eth0'),
    route6('fe800000000000000000000000000000', '40', '00000100', '00000001', 'eth0'),
    '',
  ].join('\n');
  assert.equal(parseDefaultRoute6(table), 'eth0');
});

test('IPv6: half of the internet is no default', () => {
  assert.equal(parseDefaultRoute6(route6(ANY, '01', '00000064', '00000003', 'tun0')), undefined);
  assert.equal(parseDefaultRoute6(''), undefined);
});

test('the tables under a root: IPv4 first, then IPv6, a missing one is empty', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'xtrace-routes-'));
  t.after(() => rm(root, { recursive: true }));
  assert.equal(readDefaultRouteInterface({ root }), undefined);
  const folder = join(root, 'proc/self/net');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'ipv6_route'), route6(ANY, '00', '00000064', '00000003', 'six'));
  assert.equal(readDefaultRouteInterface({ root }), 'six');
  await writeFile(join(folder, 'route'), table4(route4('four', '00000000', '0003', 1, '00000000')));
  assert.equal(readDefaultRouteInterface({ root }), 'four');
});
