// SPDX-License-Identifier: Apache-2.0
// Sends frames exactly: builds send-frames.c once (dist/test/support/kernel/send-frames) and runs it.

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
const SOURCE = path.resolve(HERE, '../../../../test/support/kernel/send-frames.c');
const BINARY = path.join(HERE, 'send-frames');

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
  const { code } = await sending.child.exited;
  await sending.child.stop();
  sending.dispose();
  if (code !== 0) throw new Error(`send-frames exited with ${code}: ${sending.child.stderr}`);
  return JSON.parse(sending.child.stdout) as Sent;
}

/** Sends in the background; Sent stands on the child's stdout in the end. dispose() removes the file. */
export function startSending(options: SendOptions): { child: Child; dispose(): void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'send-frames-'));
  const dispose = atEnd(() => rmSync(folder, { recursive: true, force: true }));
  const file = path.join(folder, 'frames.pcap');
  writeFileSync(file, renderPcap(options.frames));
  const [command = '', ...args] = [
    ...(options.prefix ?? []),
    buildSender(),
    options.interface,
    file,
    String(options.repeat ?? 1),
    String(options.cpu ?? -1),
    String(options.pauseNs ?? 0),
    String(options.packetsPerSecond ?? 0),
  ];
  return { child: start(command, args), dispose };
}

/** Path of the sender, compiled when it is missing or older than its source. */
export function buildSender(): string {
  if (!existsSync(BINARY) || statSync(BINARY).mtimeMs < statSync(SOURCE).mtimeMs) {
    // Renamed into place: another test process may be building or running it.
    const fresh = `${BINARY}.${process.pid}`;
    execFileSync('clang', ['-O2', '-Wall', '-Wextra', '-Werror', '-o', fresh, SOURCE]);
    renameSync(fresh, BINARY);
  }
  return BINARY;
}
