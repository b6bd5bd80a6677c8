// SPDX-License-Identifier: Apache-2.0
// Reads a state from whatever its path names: a regular file of ours, and nothing else. Nothing holds it up, and it
// takes no more memory than the file has bytes.

import { constants, open } from 'node:fs/promises';
import { describeReadFailure } from '../errors.js';
import type { Pacer } from '../pacer.js';
import type { StateColumns } from '../state-columns.js';
import { errorCode, readFileVersion } from '../system/regular-file.js';
import { decodeState, headFault, STATE_HEAD_BYTES } from './state-file.js';

/** A million series and 100,000 pairs have 0.3 GB. */
export const STATE_MAX_BYTES = 2 ** 30;

const FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW | constants.O_NOCTTY;

export interface UnreadState {
  /** A clause about the file. */
  readonly problem: string;
  /** Whether a file of ours stands there, or one that may be replaced like one. */
  readonly isFile: boolean;
}

/** undefined: there is none. ownUserId: files of others are not believed, but for those of root. */
export async function readStateFile(
  path: string,
  ownUserId: number,
  pacer: Pacer,
): Promise<{ readonly columns: StateColumns } | UnreadState | undefined> {
  let file: Awaited<ReturnType<typeof open>>;
  try {
    file = await open(path, FLAGS);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT') return undefined;
    if (code === 'ELOOP') return { problem: 'it is a link, and must be a file', isFile: false };
    // A file that we may not read may be one that we may replace.
    return { problem: `it cannot be read: ${describeReadFailure(error)}`, isFile: code === 'EACCES' };
  }
  try {
    const { kind, sizeBytes } = await readFileVersion(file);
    if (kind !== 'a file') return { problem: `it is ${kind}, and must be a file`, isFile: false };
    const { uid } = await file.stat();
    if (uid !== ownUserId && uid !== 0) {
      return {
        problem: `it belongs to user ${uid}, and this program runs as user ${ownUserId}`,
        isFile: true,
      };
    }
    return { isFile: true, ...(await readWhole(file, sizeBytes, pacer)) };
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error; // the pacer's
    return { problem: `it cannot be read: ${describeReadFailure(error)}`, isFile: true };
  } finally {
    await file.close();
  }
}

async function readWhole(
  file: Awaited<ReturnType<typeof open>>,
  sizeBytes: number,
  pacer: Pacer,
): Promise<{ readonly columns: StateColumns } | { readonly problem: string }> {
  const head = new Uint8Array(STATE_HEAD_BYTES);
  const headBytes = await fill(file, head);
  const fault = headFault(head.subarray(0, headBytes), sizeBytes);
  if (fault !== undefined) return { problem: fault };
  if (sizeBytes > STATE_MAX_BYTES)
    return { problem: `it is larger than ${STATE_MAX_BYTES} bytes, which no state is` };
  const bytes = new Uint8Array(sizeBytes);
  if ((await fill(file, bytes)) < sizeBytes) return { problem: 'it became shorter while it was read' };
  return decodeState(bytes, pacer);
}

/** From the start of the file; returns how many bytes there were. */
async function fill(file: Awaited<ReturnType<typeof open>>, bytes: Uint8Array): Promise<number> {
  let filled = 0;
  while (filled < bytes.length) {
    const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}
