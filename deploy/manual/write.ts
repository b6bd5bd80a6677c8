// SPDX-License-Identifier: Apache-2.0
// `make build`: writes the manual page and the completions into folders man/ and completions/ of the one given.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { parseBuildInfo } from '../../src/config/version.js';
import { renderBashCompletion } from './bash-completion.js';
import { renderManPage } from './man-page.js';
import { parseSettingNotes } from './setting-notes.js';
import { renderZshCompletion } from './zsh-completion.js';

const [root, folder] = process.argv.slice(2);
if (root === undefined || folder === undefined) throw new Error('usage: write.js REPOSITORY FOLDER');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const { version, buildDate } = parseBuildInfo(read('package.json'), read('dist/build-info.json'));
const page = renderManPage({
  version,
  date: buildDate.slice(0, 'YYYY-MM-DD'.length),
  notes: parseSettingNotes(read('config/xtrace-catch.yaml')),
});
for (const [path, text] of [
  ['completions/xtrace-catch.bash', renderBashCompletion(read('deploy/manual/xtrace-catch.bash.in'))],
  ['completions/_xtrace-catch', renderZshCompletion(read('deploy/manual/_xtrace-catch.in'))],
  // The last one, as make looks at it.
  ['man/xtrace-catch.1', page],
] as const) {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}
