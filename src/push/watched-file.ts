// SPDX-License-Identifier: Apache-2.0
// A small file (a secret, a certificate) that others replace while we run: read once, and again when
// it has changed.
import { readFile, stat } from 'node:fs/promises';
import { describeReadFailure } from '../errors.js';
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
      // Follows links: that is how Kubernetes replaces what it mounts.
      const { ino, size, mtimeMs, ctimeMs } = await stat(this.#path);
      const signature = `${ino} ${size} ${mtimeMs} ${ctimeMs}`;
      if (signature !== this.#signature) {
        if (size > FILE_MAX_BYTES) throw new Error(`it is larger than ${FILE_MAX_BYTES} bytes`);
        const bytes = await readFile(this.#path);
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
