// SPDX-License-Identifier: Apache-2.0
// A small file (a secret, a certificate) that others replace while we run: read once, and again when
// it has changed. What is no file (a FIFO, a device) is a fault, which is told and tried again.

import { describeReadFailure } from '../errors.js';
import { openWithoutWaiting, readFileVersion, readUpTo } from '../system/regular-file.js';
import { PushFileError } from './describe-failure.js';

const FILE_MAX_BYTES = 1 << 20;

export interface WatchedContents {
  readonly bytes: Buffer;
  /** Another number for other contents. */
  readonly version: number;
}

export class WatchedFile {
  readonly #setting: string;
  readonly #path: string;
  #signature = '';
  #contents: WatchedContents = { bytes: Buffer.alloc(0), version: 0 };

  /** setting: the key that names the file, for messages. */
  constructor(setting: string, path: string) {
    this.#setting = setting;
    this.#path = path;
  }

  /** Rejects with PushFileError. A file that others write in place may be read half; then its next version. */
  async read(): Promise<WatchedContents> {
    try {
      const { kind, signature } = await readFileVersion(this.#path);
      // Reading a directory fails with a message of its own.
      if (kind !== 'a file' && kind !== 'a directory') throw new Error(`it is ${kind}, and must be a file`);
      if (signature !== this.#signature) {
        const bytes = await readSmallFile(this.#path);
        this.#contents = { bytes, version: this.#contents.version + 1 };
        this.#signature = signature;
      }
      return this.#contents;
    } catch (error) {
      throw new PushFileError(
        `${this.#setting}: ${this.#path} cannot be read: ${describeReadFailure(error)}`,
        {
          cause: error,
        },
      );
    }
  }
}

/** Neither waits nor reads on for ever where the path has become something else since it was looked at. */
async function readSmallFile(path: string): Promise<Buffer> {
  const file = await openWithoutWaiting(path, { followLinks: true });
  try {
    const bytes = await readUpTo(file, FILE_MAX_BYTES + 1);
    if (bytes.length > FILE_MAX_BYTES) throw new Error(`it is larger than ${FILE_MAX_BYTES} bytes`);
    return Buffer.from(bytes);
  } finally {
    await file.close();
  }
}
