// SPDX-License-Identifier: Apache-2.0
// The page's files in memory: read when the page is first switched on, and never again. An upgrade may have put others
// in their place since this process began; those are of another program than the one that answers, and are not shown.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { PageFiles } from '../http/live-page.js';
import { readPageFiles } from './read-page-files.js';

export class KeptPage {
  readonly #folder: string;
  /** Of the files as this process has found them. */
  readonly #firstMark: string | undefined;
  #files: PageFiles | undefined;

  /** Reads only where the page is on; throws what reading throws. */
  constructor(folder: string, isOn: boolean) {
    this.#folder = folder;
    this.#firstMark = markOf(folder);
    if (isOn) this.#files = readPageFiles(folder);
  }

  /** undefined before they are read, and where there are none. */
  get files(): PageFiles | undefined {
    return this.#files;
  }

  /** Reads them where they are not kept already; or says why there is no page. */
  switchOn(): { readonly problem: string } | undefined {
    if (this.#files !== undefined) return undefined;
    const where = `the page's files in ${this.#folder}`;
    let files: PageFiles | undefined;
    try {
      files = readPageFiles(this.#folder);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { problem: `${where} cannot be read (${reason}): install the program again, and restart it` };
    }
    if (files === undefined) {
      return { problem: `${where} are not there: install the program again, and restart it` };
    }
    // After reading: an upgrade may go on meanwhile.
    if (markOf(this.#folder) !== this.#firstMark) {
      return { problem: `${where} are others than when this process began: restart it` };
    }
    this.#files = files;
    return undefined;
  }
}

/** Names of assets tell their content; index.html has a size and a time. undefined where there are none. */
function markOf(folder: string): string | undefined {
  try {
    const { size, mtimeMs } = statSync(join(folder, 'index.html'));
    return [...readdirSync(join(folder, 'assets')).sort(), size, mtimeMs].join('/');
  } catch {
    // Who reads the files says what is wrong with them.
    return undefined;
  }
}
