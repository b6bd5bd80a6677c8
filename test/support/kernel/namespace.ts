// SPDX-License-Identifier: Apache-2.0
// Network namespaces and veth pairs for tests. Nothing speaks on these interfaces but the test: no
// ARP, no IPv6 of the kernel's own, no offloads that merge or defer. Needs root.

import { execFileSync } from 'node:child_process';
import process from 'node:process';
import { atEnd } from '../cleanup.js';
import { type Child, run, type StartOptions, start } from '../processes.js';

/** One network namespace; gone after dispose() once no process is left in it. */
export class Namespace {
  readonly name: string;
  readonly dispose: () => void;

  /** The name is `xt<pid><suffix>`: unique among test processes, if the suffix is within one. */
  constructor(suffix: string) {
    this.name = `xt${process.pid}${suffix}`;
    ip('netns', 'add', this.name);
    this.dispose = atEnd(() => ip('netns', 'delete', this.name));
    this.#script(
      'ip link set lo up',
      // For every interface made from now on: not one packet of the kernel's own.
      'cd /proc/sys/net/ipv6/conf',
      'echo 1 >all/disable_ipv6',
      'echo 1 >default/disable_ipv6',
      'echo 0 >default/accept_ra',
    );
  }

  /** What to put before a command to run it in here. /sys stays that of the host, with its pins. */
  get enter(): readonly string[] {
    return ['nsenter', `--net=/run/netns/${this.name}`, '--'];
  }

  /** Runs a command in here to its end, synchronously; returns its stdout. Throws with its stderr. */
  exec(...command: readonly string[]): string {
    const [nsenter = '', ...rest] = this.enter;
    return execFileSync(nsenter, [...rest, ...command], { encoding: 'utf8', stdio: 'pipe' });
  }

  /** Sets an end of a veth up as createVeth() says. */
  setUp(device: string, addresses: readonly string[], arp: boolean): void {
    const offloads = ['tso', 'gso', 'gro', 'tx', 'rx', 'txvlan', 'rxvlan'];
    this.#script(
      `ethtool -K ${device} ${offloads.map((offload) => `${offload} off`).join(' ')}`,
      ...addresses.map((address) => `ip address add ${address} dev ${device}`),
      `ip link set ${device} arp ${arp ? 'on' : 'off'} up`,
    );
  }

  /** Commands one after the other, in one shell: a process of this one's size takes its time to start others. */
  #script(...commands: readonly string[]): void {
    this.exec('sh', '-ec', commands.join('\n'));
  }

  /** Runs a command in here to its end. */
  run(command: string, args: readonly string[], options: StartOptions = {}) {
    const [nsenter = '', ...rest] = this.enter;
    return run(nsenter, [...rest, command, ...args], options);
  }

  /** Starts a program in here; it is the very process, as nsenter executes it. */
  start(command: string, args: readonly string[], options: StartOptions = {}): Child {
    const [nsenter = '', ...rest] = this.enter;
    return start(nsenter, [...rest, command, ...args], options);
  }

  /** The kernel's counters of an interface in here. */
  linkCounters(device: string): LinkCounters {
    const [link] = JSON.parse(this.exec('ip', '-json', '-s', 'link', 'show', 'dev', device)) as LinkJson[];
    if (link === undefined) throw new Error(`${this.name} has no interface ${device}`);
    const { rx, tx } = link.stats64;
    return {
      rx: { packets: rx.packets, bytes: rx.bytes, dropped: rx.dropped },
      tx: { packets: tx.packets, bytes: tx.bytes, dropped: tx.dropped },
    };
  }

  /** The interface's number in this namespace. */
  ifindex(device: string): number {
    const [link] = JSON.parse(this.exec('ip', '-json', 'link', 'show', 'dev', device)) as LinkJson[];
    return link?.ifindex ?? 0;
  }
}

export interface DirectionCounters {
  readonly packets: number;
  readonly bytes: number;
  readonly dropped: number;
}

export interface LinkCounters {
  readonly rx: DirectionCounters;
  readonly tx: DirectionCounters;
}

interface LinkJson {
  readonly ifindex: number;
  readonly stats64: { readonly rx: DirectionCounters; readonly tx: DirectionCounters };
}

export interface VethEnd {
  readonly namespace: Namespace;
  readonly device: string;
  /** IPv4 addresses with prefix length. Default none: raw frames need none. */
  readonly addresses?: readonly string[];
}

export interface VethOptions {
  /** Default 1500; up to 65535. */
  readonly mtu?: number;
  /** Transmit and receive queues of each end; with one a CPU each, CPUs do not wait for one another. Default 1. */
  readonly queues?: number;
  /** Keep ARP, for traffic of real sockets. Default false. */
  readonly arp?: boolean;
}

/** Joins two namespaces by a veth pair; both ends are up afterwards. It goes with either namespace. */
export function createVeth(a: VethEnd, b: VethEnd, options: VethOptions = {}): void {
  const queues = String(options.queues ?? 1);
  const both = ['numtxqueues', queues, 'numrxqueues', queues];
  const mtu = String(options.mtu ?? 1500);
  const peer = ['peer', 'name', b.device, 'netns', b.namespace.name, 'mtu', mtu, ...both];
  ip('link', 'add', a.device, 'netns', a.namespace.name, 'mtu', mtu, ...both, 'type', 'veth', ...peer);
  for (const { namespace, device, addresses = [] } of [a, b]) {
    namespace.setUp(device, addresses, options.arp === true);
  }
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args, { stdio: 'pipe' });
}
