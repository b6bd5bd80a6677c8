// SPDX-License-Identifier: Apache-2.0
// Keeps the state of the process in a file, for the next process. What the file holds is never older than what was
// shown: where it cannot be written, it is removed, so that counters begin at 0 after a restart rather than lower
// than they were shown.

import { rename, unlink } from 'node:fs/promises';
import type { Pacer } from '../pacer.js';
import type { StateColumns, StateProblem } from '../state-columns.js';
import { errorCode } from '../system/regular-file.js';
import { readStateFile } from './read-state.js';
import { encodeState } from './state-file.js';
import { writeStateFile } from './write-state.js';

export interface StateKeeperOptions {
  readonly path: string;
  readonly ownUserId: number;
}

export interface StateKeeperParts {
  readonly pacer: Pacer;
  readonly log: {
    info(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
  /** Monotonic milliseconds. */
  nowMs(): number;
  /** Milliseconds since the epoch. */
  wallMs(): number;
}

/** Totals since the start, and the last write that worked. */
export interface StateStats {
  readonly writes: number;
  readonly failures: number;
  /** Of the file; 0 while there is none. */
  readonly bytes: number;
  readonly durationMs: number;
  /** Wall clock; 0 before the first. */
  readonly writtenMs: number;
}

export interface StateKeeper {
  /** Once, before the first write(). undefined: there is no file. A sentence, where there is no use in it. */
  read(): Promise<StateColumns | StateProblem | undefined>;
  /** The file that was read is of no use: it is kept under another name. Resolves with a sentence about that. */
  setAside(problem: string): Promise<StateProblem>;
  /**
   * Whether the file has these columns now; where not, there is no file any more, if anyhow possible. One at a
   * time. Never rejects. makeColumns may throw, which is told as any other failure.
   */
  write(makeColumns: () => Promise<StateColumns>): Promise<boolean>;
  readonly stats: StateStats;
}

export function createStateKeeper(
  { path, ownUserId }: StateKeeperOptions,
  parts: StateKeeperParts,
): StateKeeper {
  const { pacer, log } = parts;
  /** Why nothing is ever written: what stands there is no file. */
  let refusal: string | undefined;
  /** Of the last write; '' where it worked. */
  let trouble = '';
  const stats = { writes: 0, failures: 0, bytes: 0, durationMs: 0, writtenMs: 0 };

  async function setAside(problem: string): Promise<StateProblem> {
    const sentence = `${path} cannot be used: ${problem}; all counters begin at 0`;
    try {
      await rename(path, `${path}.broken`);
      return { problem: `${sentence}, and it is kept as ${path}.broken` };
    } catch (error) {
      return { problem: `${sentence}, and it could not be renamed to ${path}.broken (${textOf(error)})` };
    }
  }

  /** What the file holds is older than what will be shown. */
  async function removeStale(): Promise<string> {
    stats.bytes = 0;
    try {
      await unlink(path);
    } catch (error) {
      if (errorCode(error) !== 'ENOENT') {
        return `what it held before could not be removed either (${textOf(error)}): remove it before a restart, or counters come back lower than they were`;
      }
    }
    return 'after a restart counters begin at 0';
  }

  async function fail(error: unknown): Promise<void> {
    stats.failures++;
    const isWithoutFolder = refusal === undefined && errorCode(error) === 'ENOENT';
    const why = isWithoutFolder ? 'its folder is not there' : (refusal ?? textOf(error));
    const consequence = refusal === undefined ? await removeStale() : 'after a restart counters begin at 0';
    const sentence = `the state cannot be written to ${path}: ${why}; ${consequence}`;
    if (sentence === trouble) return;
    trouble = sentence;
    log.error({}, sentence);
  }

  return {
    stats,
    setAside,
    async read() {
      const read = await readStateFile(path, ownUserId, pacer);
      if (read === undefined) return undefined;
      if ('columns' in read) return read.columns;
      if (read.isFile) return setAside(read.problem);
      refusal = read.problem;
      return {
        problem: `${path} cannot be used: ${read.problem}; all counters begin at 0, and none outlives this process`,
      };
    },
    async write(makeColumns) {
      const startedMs = parts.nowMs();
      try {
        if (refusal !== undefined) throw new Error(refusal);
        const image = await encodeState(await makeColumns(), pacer);
        await writeStateFile(path, image);
        stats.bytes = image.bytes;
      } catch (error) {
        await fail(error);
        return false;
      }
      stats.writes++;
      stats.durationMs = parts.nowMs() - startedMs;
      stats.writtenMs = parts.wallMs();
      if (trouble !== '') log.info({}, `the state is written to ${path} again`);
      trouble = '';
      return true;
    },
  };
}

/** Of what node:fs throws, without the call and the path: ENOSPC: no space left on device. */
function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return errorCode(error) === '' ? error.message : error.message.replace(/, \w+(?: '.*)?$/s, '');
}
