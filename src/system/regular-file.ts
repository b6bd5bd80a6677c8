// SPDX-License-Identifier: Apache-2.0
// Files under names where somebody may have put something else: opened so that nothing holds it up
// (a FIFO waits for its other end), and read no further than they may go (a device has no end).

import { constants, type FileHandle, open, stat } from 'node:fs/promises';

/** Of what node:fs tells of a file. */
interface KindOfFile {
  isFile(): boolean;
  isDirectory(): boolean;
  isSymbolicLink(): boolean;
  isFIFO(): boolean;
  isSocket(): boolean;
}

export type FileKind = 'a file' | 'a directory' | 'a link' | 'a FIFO' | 'a socket' | 'a device';

export function fileKindOf(stats: KindOfFile): FileKind {
  if (stats.isFile()) return 'a file';
  if (stats.isDirectory()) return 'a directory';
  if (stats.isSymbolicLink()) return 'a link';
  if (stats.isFIFO()) return 'a FIFO';
  if (stats.isSocket()) return 'a socket';
  return 'a device';
}

export interface FileVersion {
  readonly kind: FileKind;
  readonly sizeBytes: number;
  /** Another text when the file has other contents, or is another file. */
  readonly signature: string;
}

/** Of what the path leads to: links are followed, as that is how Kubernetes replaces what it mounts. */
export async function readFileVersion(from: string | FileHandle): Promise<FileVersion> {
  const stats = typeof from === 'string' ? await stat(from) : await from.stat();
  const { dev, ino, size, mtimeMs, ctimeMs } = stats;
  return {
    kind: fileKindOf(stats),
    sizeBytes: size,
    signature: `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`,
  };
}

/** A link is followed, or is refused (ELOOP). The caller looks at what it has opened, and closes it. */
export function openWithoutWaiting(
  path: string,
  { followLinks }: { followLinks: boolean },
): Promise<FileHandle> {
  return open(path, constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW));
}

/** The first bytes of a file, up to the limit, whatever size it claims. */
export async function readUpTo(file: FileHandle, limitBytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(limitBytes);
  let bytes = 0;
  while (bytes < limitBytes) {
    const { bytesRead } = await file.read(buffer, bytes, limitBytes - bytes, bytes);
    if (bytesRead === 0) break;
    bytes += bytesRead;
  }
  return buffer.subarray(0, bytes);
}

/** Of an error of node:fs; empty where it has none. */
export function errorCode(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : '';
}
