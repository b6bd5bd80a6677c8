// SPDX-License-Identifier: Apache-2.0
// Frames for an interface of a machine, and what its exporter shows of them. For tests only.

import assert from 'node:assert/strict';
import { ETHERTYPE, ethernet, ipv4, payloadOf, udp } from '../frames/frames.js';
import { sendFrames } from '../kernel/sender.js';
import { type Exposition, parseExposition } from '../oracle/exposition-parser.js';
import { run } from '../processes.js';
import type { Machine } from '../systemd/machine.js';

const METRICS = 'http://127.0.0.1:10060/metrics';
const FLOWS = 20;
const BATCH_REPEAT = 200;
const PACKETS_PER_SECOND = 20_000;
/** Of these families no series may go back. */
const COUNTERS = /^xtrace_(network|interface|other)_.*_total$/;

const FRAMES = Array.from({ length: FLOWS }, (_, flow) =>
  ethernet(
    ETHERTYPE.ipv4,
    ipv4({ src: '192.0.2.1', dst: `198.51.100.${flow}` }, udp(4000, 5000, payloadOf(60))),
  ),
);

/** A veth pair in the machine, `device` and `device`p, on which nobody speaks but the test. */
export async function addWire(machine: Machine, device: string): Promise<void> {
  const inside = async (...command: readonly string[]): Promise<void> => {
    const [program = '', ...args] = [...machine.enterNetwork, ...command];
    await run(program, args);
  };
  await inside('sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1', 'net.ipv6.conf.default.disable_ipv6=1');
  await inside('ip', 'link', 'add', device, 'type', 'veth', 'peer', 'name', `${device}p`);
  for (const end of [device, `${device}p`]) {
    const off = ['tso', 'gso', 'gro', 'tx', 'rx'].flatMap((feature) => [feature, 'off']);
    await inside('ethtool', '-K', end, ...off);
    await inside('ip', 'link', 'set', end, 'arp', 'off', 'up');
  }
}

/** Sends batch after batch to the device until it is told to stop; resolves with how many packets the kernel took. */
export async function keepSending(
  machine: Machine,
  device: string,
  isEnough: () => boolean,
): Promise<number> {
  let packets = 0;
  do {
    const sent = await sendFrames({
      prefix: machine.enterNetwork,
      interface: `${device}p`,
      frames: FRAMES,
      repeat: BATCH_REPEAT,
      packetsPerSecond: PACKETS_PER_SECOND,
    });
    packets += sent.packets;
  } while (!isEnough());
  return packets;
}

/** Undefined where nobody answers. */
export async function scrape(machine: Machine): Promise<Exposition | undefined> {
  const page = await machine.page(METRICS);
  return page === undefined || page === '' ? undefined : parseExposition(page);
}

export function packetsOf(exposition: Exposition, device: string): number {
  return exposition.sum('xtrace_interface_packets_total', { interface: device });
}

/** Holds every counter of the traffic to what it was in the scrapes before. */
export class NeverLower {
  readonly #shown = new Map<string, number>();

  look(exposition: Exposition): void {
    for (const [key, { name, value }] of exposition.series) {
      if (!COUNTERS.test(name)) continue;
      const before = this.#shown.get(key) ?? 0;
      assert.ok(value >= before, `${key} was ${before}, is ${value}`);
      this.#shown.set(key, value);
    }
    const gone = [...this.#shown.keys()].filter((key) => !exposition.series.has(key));
    assert.deepEqual(gone, []);
  }
}
