// SPDX-License-Identifier: Apache-2.0
// A pusher with a spool whose files are in memory, and that can be started again. For tests only.

import type { TestContext } from 'node:test';
import type { PusherOptions, PusherParts } from '../../../src/push/pusher.js';
import { openSpool } from '../../../src/push/spool.js';
import type { SpoolDirectory } from '../../../src/push/spool-directory.js';
import type { FileLook } from '../../../src/push/spool-rules.js';
import type { TransportResult } from '../../../src/push/transport.js';
import { temporaryFolder } from '../temporary-folder.js';
import { createTestPusher, type FakeTransport, refusedConnection, type TestPusher } from './push-fixture.js';

/** Files in memory; the folder at `path` is only locked. Operations fail while `fault` says how. */
export class MemoryDirectory implements SpoolDirectory {
  readonly path: string;
  readonly files = new Map<string, Buffer>();
  writes = 0;
  fault: string | undefined;
  /** Writes end with this. */
  writing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.path = path;
  }

  create(): Promise<void> {
    return Promise.resolve();
  }

  async names(): Promise<string[]> {
    return [...this.files.keys()];
  }

  async write(name: string, parts: readonly Buffer[]): Promise<void> {
    this.writes++;
    this.#failAs(this.fault);
    await this.writing;
    this.files.set(name, Buffer.concat(parts));
  }

  async look(name: string): Promise<FileLook | undefined> {
    const file = this.files.get(name);
    return file && { kind: 'a file', bytes: file.length, isTrusted: true, userId: 0 };
  }

  async read(name: string): Promise<{ look: FileLook; bytes: Buffer }> {
    this.#failAs(this.fault);
    const file = this.files.get(name);
    const look = await this.look(name);
    if (file === undefined || look === undefined) throw Object.assign(new Error(name), { code: 'ENOENT' });
    return { look, bytes: file };
  }

  async remove(name: string): Promise<void> {
    this.files.delete(name);
  }

  async setAside(name: string): Promise<string> {
    const file = this.files.get(name);
    if (file !== undefined) this.files.set(`set-aside-${name}`, file);
    this.files.delete(name);
    return `set-aside-${name}`;
  }

  /** The names, oldest first. */
  get sorted(): string[] {
    return [...this.files.keys()].sort();
  }

  #failAs(code: string | undefined): void {
    if (code !== undefined) throw Object.assign(new Error(code), { code });
  }
}

export interface Site {
  readonly directory: MemoryDirectory;
  /** Starts an exporter on the folder; the one before must be closed or killed. */
  start(
    reply: FakeTransport['reply'],
    options?: Partial<PusherOptions>,
    parts?: Partial<PusherParts>,
  ): Promise<TestPusher>;
}

export function createSite(context: TestContext, maxBytes = 1 << 20): Site {
  const directory = new MemoryDirectory(temporaryFolder('xtrace-push-'));
  return {
    directory,
    async start(reply, options = {}, parts = {}) {
      const spool = await openSpool({ maxBytes }, directory);
      context.after(() => spool.close().catch(() => undefined));
      return createTestPusher(options, { ...parts, spool, reply });
    },
  };
}

/** Closes it in its own time. */
export async function stop({ pusher, clock }: Pick<TestPusher, 'pusher' | 'clock'>): Promise<void> {
  const closed = pusher.close(4000);
  await clock.advance(4000);
  await closed;
}

export const AWAY: FakeTransport['reply'] = () => refusedConnection();
export const NEVER: Promise<TransportResult> = new Promise(() => undefined);
