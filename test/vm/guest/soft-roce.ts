// SPDX-License-Identifier: Apache-2.0
// Two soft-RoCE devices in the guest, joined by a veth pair, and what the kernel counts of them. rxe
// of Linux 6.1 has its socket in the first network namespace alone, so both ends stand there, and
// policy routing sends what goes from one to the other over the wire. Never on a real machine: it
// changes the order of routing rules.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { atEnd } from '../../support/cleanup.js';
import { waitFor } from '../../support/conditions.js';

/** rxe's ICRC needs the first; the third is what rdma_cm and so rping need. */
const MODULES = ['crc32_generic', 'ib_uverbs', 'rdma_ucm', 'rdma_rxe', 'veth', 'sch_netem'];

export const SIDES = ['near', 'far'] as const;
export type Side = (typeof SIDES)[number];

export type IpVersion = 'ipv4' | 'ipv6';

export interface RoceEnd {
  /** The veth interface. */
  readonly device: string;
  readonly rdmaDevice: string;
  readonly mac: string;
  readonly ipv4: string;
  readonly ipv6: string;
}

/** Where requests come from: packets of `far` arrive here. */
const NEAR: RoceEnd = {
  device: 'near0',
  rdmaDevice: 'rxenear',
  mac: '02:00:00:00:00:01',
  ipv4: '10.99.0.1',
  ipv6: 'fd99::1',
};
/** Where they go to. */
const FAR: RoceEnd = {
  device: 'far0',
  rdmaDevice: 'rxefar',
  mac: '02:00:00:00:00:02',
  ipv4: '10.99.0.2',
  ipv6: 'fd99::2',
};

export interface SoftRoce extends Readonly<Record<Side, RoceEnd>> {
  dispose(): void;
}

/** There is room for one such pair in the guest. */
export async function createSoftRoce(): Promise<SoftRoce> {
  if (process.env['XTRACE_VM_SERIES'] === undefined) {
    throw new Error('this is no guest (XTRACE_VM_SERIES is not set): soft-RoCE would change its routing');
  }
  const dispose = atEnd(tearDown);
  try {
    setUp();
    for (const end of [NEAR, FAR]) {
      await waitFor(`${end.rdmaDevice} to be ready`, () =>
        [end.ipv4, end.ipv6].every((address) => findGid(end, address) !== undefined),
      );
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { near: NEAR, far: FAR, dispose };
}

/** The index of an address in a device's table of GIDs. */
export function gidIndex(end: RoceEnd, address: string): number {
  const index = findGid(end, address);
  if (index === undefined) throw new Error(`${end.rdmaDevice} has no GID for ${address}`);
  return index;
}

/** The counters in a folder of a device's port 1, such as hw_counters, by file. */
export function readPortCounters({ rdmaDevice }: RoceEnd, folder: string): ReadonlyMap<string, number> {
  const where = portPath(rdmaDevice, folder);
  return new Map(
    readdirSync(where).map((name) => [name, Number(readFileSync(path.join(where, name), 'utf8'))]),
  );
}

/**
 * Packets that left a veth interface and did not reach its peer: 256 find room (VETH_RING_SIZE), and an
 * emulated machine whose host is busy may let them wait.
 */
export function readWireOverflow(device: string): number {
  return Number(readFileSync(`/sys/class/net/${device}/statistics/tx_dropped`, 'utf8'));
}

/** Messages of connection managers that a device received (drivers/infiniband/core/cm.c). */
export function readCmMessages(end: RoceEnd): number {
  return [...readPortCounters(end, 'cm_rx_msgs').values()].reduce((sum, count) => sum + count, 0);
}

/** Runs a program to its end; returns its stdout. */
export function exec(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe' });
}

function setUp(): void {
  // The kernel's modules are in the file system that the guest started from.
  for (const module of MODULES) exec('chroot', '/proc/1/root', '/bin/modprobe', module);
  const far = `peer name ${FAR.device} address ${FAR.mac}`;
  ipBatch([], [`link add ${NEAR.device} address ${NEAR.mac} type veth ${far}`]);
  writeSetting('ipv4/conf/all/rp_filter', 0);
  for (const { device } of [NEAR, FAR]) {
    writeSetting(`ipv4/conf/${device}/rp_filter`, 0);
    writeSetting(`ipv4/conf/${device}/accept_local`, 1); // from our own address, over the wire
    writeSetting(`ipv6/conf/${device}/accept_dad`, 0);
    writeSetting(`ipv6/conf/${device}/router_solicitations`, 0);
  }
  ipBatch(
    [],
    [NEAR, FAR].flatMap(({ device, ipv4, ipv6 }) => [
      `address add ${ipv4}/24 dev ${device}`,
      `address add ${ipv6}/64 dev ${device} nodad`,
      `link set ${device} up`,
    ]),
  );
  ipBatch(['-4'], routingOf('ipv4'));
  ipBatch(['-6'], routingOf('ipv6'));
  for (const { device, rdmaDevice } of [NEAR, FAR]) {
    exec('rdma', 'link', 'add', rdmaDevice, 'type', 'rxe', 'netdev', device);
  }
}

/**
 * What leaves for the other end takes the wire although its address is our own; what arrives by the
 * wire is for us. Neighbours are known, so that nobody asks with packets.
 */
function routingOf(ipVersion: IpVersion): string[] {
  return [
    `neigh add ${FAR[ipVersion]} lladdr ${FAR.mac} dev ${NEAR.device} nud permanent`,
    `neigh add ${NEAR[ipVersion]} lladdr ${NEAR.mac} dev ${FAR.device} nud permanent`,
    `route add ${FAR[ipVersion]} dev ${NEAR.device} src ${NEAR[ipVersion]} table 100`,
    `route add ${NEAR[ipVersion]} dev ${FAR.device} src ${FAR[ipVersion]} table 101`,
    ...rulesOf(ipVersion).map((rule) => `rule add ${rule}`),
    'rule del pref 0',
  ];
}

function rulesOf(ipVersion: IpVersion): string[] {
  return [
    `pref 10 iif ${NEAR.device} lookup local`,
    `pref 11 iif ${FAR.device} lookup local`,
    `pref 20 to ${FAR[ipVersion]} lookup 100`,
    `pref 21 to ${NEAR[ipVersion]} lookup 101`,
    'pref 30 lookup local',
  ];
}

/** As far as it was set up. */
function tearDown(): void {
  for (const [option, ipVersion] of [
    ['-4', 'ipv4'],
    ['-6', 'ipv6'],
  ] as const) {
    const rules = rulesOf(ipVersion).map((rule) => `rule del ${rule}`);
    attempt(() => ipBatch([option, '-force'], ['rule add pref 0 lookup local', ...rules]));
  }
  for (const { rdmaDevice } of [NEAR, FAR]) attempt(() => exec('rdma', 'link', 'del', rdmaDevice));
  attempt(() => exec('ip', 'link', 'del', NEAR.device));
}

/** Many commands for the price of one program. */
function ipBatch(options: readonly string[], commands: readonly string[]): void {
  execFileSync('ip', [...options, '-batch', '-'], { input: `${commands.join('\n')}\n`, stdio: 'pipe' });
}

/** Does what may fail because there is nothing to do. */
function attempt(action: () => void): void {
  try {
    action();
  } catch (error) {
    if (!(error instanceof Error && 'status' in error)) throw error; // not how a program ended
  }
}

function writeSetting(name: string, value: number): void {
  writeFileSync(`/proc/sys/net/${name}`, String(value));
}

function portPath(rdmaDevice: string, name: string): string {
  return `/sys/class/infiniband/${rdmaDevice}/ports/1/${name}`;
}

function findGid({ rdmaDevice }: RoceEnd, address: string): number | undefined {
  const folder = portPath(rdmaDevice, 'gids');
  const wanted = gidText(address);
  // There is room for 1,024, and those in use come first.
  const indexes = readdirSync(folder)
    .map(Number)
    .sort((a, b) => a - b);
  return indexes.find((index) => readFileSync(path.join(folder, String(index)), 'utf8').trim() === wanted);
}

/** As the kernel writes a GID: of ours, IPv4 becomes ::ffff:a.b.c.d. */
function gidText(address: string): string {
  if (address.includes('.')) {
    const digits = address.split('.').map((octet) => Number(octet).toString(16).padStart(2, '0'));
    return `0000:0000:0000:0000:0000:ffff:${digits.slice(0, 2).join('')}:${digits.slice(2).join('')}`;
  }
  const [head = '', tail = ''] = address.split('::').map((half) => half.split(':'));
  const groups = [...head, ...Array<string>(8 - head.length - tail.length).fill('0'), ...tail];
  return groups.map((group) => group.padStart(4, '0')).join(':');
}
