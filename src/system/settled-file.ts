// SPDX-License-Identifier: Apache-2.0
// Reads a small file while others work: it waits for nothing that may never come, and takes no half of what
// somebody is writing just now.

import { setTimeout as delay } from 'node:timers/promises';
import { describeReadFailure } from '../errors.js';
import { openWithoutWaiting, readFileVersion, readUpTo } from './regular-file.js';

/** Between two looks. Whoever writes a file of some kilobytes is done by then. */
const SETTLE_MS = 50;
const LOOKS_MAX = 20;

/**
 * At most mostBytes from its beginning, of a file that two looks find the same. Rejects with an Error whose message
 * says of the file why it cannot be read.
 */
export async function readSettledFile(
  path: string,
  { mostBytes, settleMs = SETTLE_MS }: { readonly mostBytes: number; readonly settleMs?: number },
): Promise<Buffer> {
  for (let look = 0; look < LOOKS_MAX; look++) {
    const read = await readOnce(path, mostBytes);
    await delay(settleMs);
    if ((await signatureOf(path)) === read.signature) return read.bytes;
  }
  throw new Error('it is being written to: try again when that is over');
}

async function signatureOf(path: string): Promise<string> {
  try {
    return (await readFileVersion(path)).signature;
  } catch (error) {
    throw failure(error);
  }
}

async function readOnce(path: string, mostBytes: number): Promise<{ bytes: Buffer; signature: string }> {
  try {
    const file = await openWithoutWaiting(path, { followLinks: true });
    try {
      const { kind, signature } = await readFileVersion(file);
      if (kind === 'a directory') throw Object.assign(new Error(kind), { code: 'EISDIR' });
      if (kind !== 'a file') throw new Error(`it is ${kind}, and only a file can be read again`);
      const bytes = await readUpTo(file, mostBytes);
      return { bytes, signature };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw failure(error);
  }
}

function failure(error: unknown): Error {
  return new Error(describeReadFailure(error), { cause: error });
}
