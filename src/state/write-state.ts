// SPDX-License-Identifier: Apache-2.0
// Puts a state in the place of the former one, whole or not at all: under another name first, then renamed. It is
// not synced: the kernel has what was written also when the process is killed. After a power cut the file is gone
// with /run, or, on a disk, the one before or torn, which its checksum tells.

import { constants, open, rename, unlink } from 'node:fs/promises';
import { errorCode } from '../system/regular-file.js';
import type { StateImage } from './state-file.js';

const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** It tells who talked to whom. */
const MODE = 0o600;

/** Rejects as node:fs does; the former state is as it was then. */
export async function writeStateFile(path: string, { chunks, bytes }: StateImage): Promise<void> {
  const unfinished = `${path}.tmp`;
  try {
    const file = await openNew(unfinished);
    try {
      await writeAll(file, chunks, bytes);
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } catch (error) {
    await unlink(unfinished).catch(() => undefined); // the first error says why
    throw error;
  }
}

/** What a process that was killed left under the name goes. */
async function openNew(path: string): Promise<Awaited<ReturnType<typeof open>>> {
  try {
    return await open(path, FLAGS, MODE);
  } catch (error) {
    if (errorCode(error) !== 'EEXIST') throw error;
  }
  await unlink(path);
  return open(path, FLAGS, MODE);
}

async function writeAll(
  file: Awaited<ReturnType<typeof open>>,
  chunks: readonly Uint8Array[],
  bytes: number,
): Promise<void> {
  for (let written = 0; written < bytes; ) {
    const { bytesWritten } = await file.writev(chunksFrom(chunks, written));
    if (bytesWritten === 0) throw new Error('nothing more can be written');
    written += bytesWritten;
  }
}

/** Without so many bytes: a disk that gets full takes a part, and refuses the next one. */
function chunksFrom(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes;
  return chunks.flatMap((chunk) => {
    const skipped = Math.min(skip, chunk.length);
    skip -= skipped;
    return skipped === chunk.length ? [] : [chunk.subarray(skipped)];
  });
}
