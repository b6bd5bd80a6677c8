// SPDX-License-Identifier: Apache-2.0
// What arrives at an interface, as dumpcap sees it: behind XDP, by a way of its own. For tests only.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { atEnd } from '../../support/cleanup.js';
import { parseCapture } from '../../support/frames/pcap.js';
import { judgePsnArrivals, type PsnArrivals } from '../../support/oracle/psn-arrivals.js';
import { destinationQp } from '../../support/oracle/reference-bth.js';
import { type Child, start } from '../../support/processes.js';

// Of a frame: Ethernet, IPv4 without options, UDP, BTH.
const BTH_OFFSET = 14 + 20 + 8;
const PSN_OFFSET = BTH_OFFSET + 9;
const SNAP_BYTES = 96;
/** More than comes in the longest time that dumpcap may stand still. */
const BUFFER_MIB = 16;

export class RoceCapture {
  readonly #child: Child;
  readonly #file: string;
  readonly #removeFolder: () => void;

  private constructor(child: Child, file: string, removeFolder: () => void) {
    this.#child = child;
    this.#file = file;
    this.#removeFolder = removeFolder;
  }

  /** Captures RoCE v2 to an IPv4 address; resolves when every packet from now on is seen. */
  static async start(device: string, destination: string): Promise<RoceCapture> {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'roce-capture-'));
    const removeFolder = atEnd(() => rmSync(folder, { recursive: true, force: true }));
    const file = path.join(folder, 'roce.pcapng');
    const filter = `udp dst port 4791 and dst host ${destination}`;
    const limits = ['-s', String(SNAP_BYTES), '-B', String(BUFFER_MIB)];
    const child = start('dumpcap', ['-p', '-i', device, ...limits, '-f', filter, '-w', file]);
    const capture = new RoceCapture(child, file, removeFolder);
    try {
      // It says so when its socket is open.
      await child.waitFor('dumpcap to capture', () => child.stderr.includes('File: '));
    } catch (error) {
      await capture.dispose();
      throw error;
    }
    return capture;
  }

  /**
   * Waits for so many packets, and ends the capture.
   * @returns what became of the packets to the one queue pair that there is
   */
  async finish(packets: number): Promise<PsnArrivals> {
    await this.#child.waitFor(`dumpcap to have ${packets} packets`, () => this.#seen() >= packets);
    await this.#child.stop('SIGINT');
    const said = this.#child.stderr;
    // Of those received: what the kernel had no room for, and what dumpcap itself dropped.
    if (!/received\/dropped on interface .*: \d+\/0 /.test(said)) throw new Error(`dumpcap:\n${said}`);
    const frames = parseCapture(readFileSync(this.#file));
    if (frames.length !== packets) throw new Error(`dumpcap has ${frames.length} packets, not ${packets}`);
    const queuePairs = new Set(frames.map(({ bytes }) => destinationQp(bytes, BTH_OFFSET)));
    if (queuePairs.size !== 1) throw new Error(`dumpcap has packets to ${queuePairs.size} queue pairs`);
    return judgePsnArrivals(frames.map(({ bytes }) => bytes.readUIntBE(PSN_OFFSET, 3)));
  }

  async dispose(): Promise<void> {
    await this.#child.stop('SIGKILL');
    this.#removeFolder();
  }

  /** Packets, as it says twice a second. */
  #seen(): number {
    return Number(/.*Packets: (\d+)/s.exec(this.#child.stderr)?.[1] ?? 0);
  }
}
