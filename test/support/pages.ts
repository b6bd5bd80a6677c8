// SPDX-License-Identifier: Apache-2.0
// What people read: the README and the pages of docs/. For tests only.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..', '..');

/** Text by path from the repository's root, README.md first. */
export function readPages(): ReadonlyMap<string, string> {
  const docs = readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => `docs/${name}`);
  return new Map(['README.md', ...docs].map((page) => [page, readFileSync(join(ROOT, page), 'utf8')]));
}
