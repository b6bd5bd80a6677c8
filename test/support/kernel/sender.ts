// SPDX-License-Identifier: Apache-2.0
// Sends frames exactly: builds send-frames.c and send-flood.c once (dist/test/support/kernel/...) and runs them.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { atEnd } from '../cleanup.js';
import { renderPcap } from '../frames/pcap.js';
import { type Child, start } from '../processes.js';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const SOURCES = path.resolve(HERE, '../../../../test/support/kernel');
const SHARED = path.join(SOURCES, 'frame-socket.h');

/** A frame takes longer than the rest after it, by about this: what a known pace must leave out. */
export const NAP_OVERHEAD_NS = 160_000;

export interface SendOptions {
  /** A command and arguments put before, such as Namespace.enter. */
  readonly prefix?: readonly string[];
  readonly interface: string;
  readonly frames: readonly Uint8Array[];
  /** How often the whole list is sent. Default 1. */
  readonly repeat?: number;
  /** The CPU to send from; default any. */
  readonly cpu?: number;
  /** Rest after each frame. Default none. */
  readonly pauseNs?: number;
  /** Frames a second, on average. Default: as fast as it goes. */
  readonly packetsPerSecond?: number;
}

/** What the kernel took from us. */
export interface Sent {
  readonly packets: number;
  readonly bytes: number;
  /** Frames refused for want of room and sent again. */
  readonly refusals: number;
}

/** Sends frames and resolves with what was sent. Rejects when anything could not be sent. */
export async function sendFrames(options: SendOptions): Promise<Sent> {
  const sending = startSending(options);
  try {
    return await whatWasSent<Sent>(sending.child);
  } finally {
    sending.dispose();
  }
}

/** Waits for a sender's end, and resolves with what it printed. Rejects when anything could not be sent. */
export async function whatWasSent<T extends Sent>(child: Child): Promise<T> {
  const { code } = await child.exited;
  await child.stop();
  if (code !== 0) throw new Error(`the sender exited with ${code}: ${child.stderr}`);
  return JSON.parse(child.stdout) as T;
}

/** Sends in the background; Sent stands on the child's stdout in the end. dispose() removes the file. */
export function startSending(options: SendOptions): { child: Child; dispose(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'send-frames-'));
  const dispose = atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'frames.pcap');
  writeFileSync(file, renderPcap(options.frames));
  const [command = '', ...args] = [
    ...(options.prefix ?? []),
    buildSender('send-frames'),
    options.interface,
    file,
    String(options.repeat ?? 1),
    String(options.cpu ?? -1),
    String(options.pauseNs ?? 0),
    String(options.packetsPerSecond ?? 0),
  ];
  return { child: start(command, args), dispose };
}

export interface FlowFlood {
  /** A command and arguments put before, such as Namespace.enter. */
  readonly prefix?: readonly string[];
  readonly interface: string;
  /** scan: TCP and UDP that goes through addresses and ports; roce: RoCE v2. Half of it IPv6. */
  readonly kind: 'scan' | 'roce';
  /** Number of the first flow (for roce, of the first stream), and how many. Default 0. */
  readonly first?: number;
  readonly flows: number;
  /** Of each flow, and how many flows begin between two of them. Default 1 and 0. */
  readonly packetsOfFlow?: number;
  readonly lagFlows?: number;
  readonly packetsPerSecond: number;
}

export interface SentFlood extends Sent {
  /** By the label traffic_type. */
  readonly byTraffic: Readonly<Record<string, { readonly packets: number; readonly bytes: number }>>;
}

/** Sends packets of that many flows, no two alike, in the background; whatWasSent() tells the SentFlood. */
export function startFlowFlood(flood: FlowFlood): Child {
  const [command = '', ...args] = [
    ...(flood.prefix ?? []),
    buildSender('send-flood'),
    flood.interface,
    flood.kind,
    String(flood.first ?? 0),
    String(flood.flows),
    String(flood.packetsOfFlow ?? 1),
    String(flood.lagFlows ?? 0),
    String(flood.packetsPerSecond),
  ];
  return start(command, args);
}

/** Path of a sender, compiled when it is missing or older than its source. */
export function buildSender(name: 'send-frames' | 'send-flood'): string {
  const source = path.join(SOURCES, `${name}.c`);
  const binary = path.join(HERE, name);
  const changedMs = Math.max(statSync(source).mtimeMs, statSync(SHARED).mtimeMs);
  if (!existsSync(binary) || statSync(binary).mtimeMs < changedMs) {
    // Renamed into place: another test process may be building or running it.
    const fresh = `${binary}.${process.pid}`;
    execFileSync('clang', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', fresh, source]);
    renameSync(fresh, binary);
  }
  return binary;
}
