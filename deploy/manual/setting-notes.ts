// SPDX-License-Identifier: Apache-2.0
// The comments of config/xtrace-catch.yaml by key: what users read of a setting is written there alone.

import { SETTINGS } from '../../src/config/settings.js';
import { settingPaths } from '../../src/config/settings-tree.js';

/** Keys in one block, with the comment before it. */
export interface SettingNote {
  /** Dotted paths. */
  readonly paths: readonly string[];
  readonly text: string;
}

/** In the order of the file. Throws where a key is missing or is no setting. */
export function parseSettingNotes(yaml: string): SettingNote[] {
  const notes: { paths: string[]; text: string }[] = [];
  const sections: string[] = [];
  let comment: string[] = [];
  for (const line of yaml.split('\n')) {
    const [, indent = '', words] = /^( *)#(?: (.*)|$)/.exec(line) ?? [];
    // A key that is commented out has no blank behind its "#".
    const [, depth = '', key, value] = /^( *)#?(\w+):(.*)$/.exec(line) ?? [];
    if (key !== undefined) {
      sections.splice(depth.length / 2, Number.POSITIVE_INFINITY, key);
      if (value?.trim() === '') continue;
      const path = sections.join('.');
      const last = notes.at(-1);
      if (comment.length > 0 || last === undefined) notes.push({ paths: [path], text: comment.join(' ') });
      else last.paths.push(path);
      comment = [];
    } else if (words !== undefined && indent.length === line.indexOf('#')) comment.push(words.trim());
    else comment = [];
  }
  const found = notes.flatMap(({ paths }) => paths);
  const wanted = settingPaths(SETTINGS);
  const wrong = [
    ...found.filter((path) => !wanted.includes(path)),
    ...wanted.filter((path) => !found.includes(path)),
  ];
  if (wrong.length > 0) throw new Error(`the file and the settings differ in ${wrong.join(', ')}`);
  return notes;
}
