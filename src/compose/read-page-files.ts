// SPDX-License-Identifier: Apache-2.0
// The bundled files of the live page, read whole: they are served from memory.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PageAsset, PageFiles } from '../http/live-page.js';

const COMPRESSED = '.gz';

/** undefined where the build has left no page: then there is the landing page. Throws what reading throws otherwise. */
export function readPageFiles(folder: string): PageFiles | undefined {
  try {
    const assets = join(folder, 'assets');
    const names = readdirSync(assets).filter((name) => !name.endsWith(COMPRESSED));
    return {
      template: readFileSync(join(folder, 'index.html'), 'utf8'),
      assets: new Map(names.map((name) => [name, readAsset(join(assets, name))])),
    };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

function readAsset(path: string): PageAsset {
  return { plain: readFileSync(path), gzip: readFileSync(path + COMPRESSED) };
}
