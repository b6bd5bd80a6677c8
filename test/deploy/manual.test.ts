// SPDX-License-Identifier: Apache-2.0
// The manual page and the completions have all that the lists have. In shells and formatters: test/packaging.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { renderBashCompletion } from '../../deploy/manual/bash-completion.js';
import { allowedValues, renderManPage, settingAt } from '../../deploy/manual/man-page.js';
import { roffParagraph, roffText } from '../../deploy/manual/roff.js';
import { parseSettingNotes } from '../../deploy/manual/setting-notes.js';
import { fillTemplate } from '../../deploy/manual/template.js';
import { renderZshCompletion } from '../../deploy/manual/zsh-completion.js';
import { COMMAND_NAMES } from '../../src/config/commands.js';
import { VARIABLES } from '../../src/config/environment.js';
import { FLAGS } from '../../src/config/flags.js';
import { SETTINGS } from '../../src/config/settings.js';
import { settingPaths } from '../../src/config/settings-tree.js';

const ROOT = path.join(import.meta.dirname, '..', '..', '..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const YAML = read('config/xtrace-catch.yaml');
const PAGE = renderManPage({ version: '1.2.3', date: '2026-01-31', notes: parseSettingNotes(YAML) });

describe('the manual page', () => {
  test('has its sections, in their usual order', () => {
    const sections = [...PAGE.matchAll(/^\.SH "?([A-Z ]+?)"?$/gm)].map(([, name]) => name);
    assert.deepEqual(sections, [
      ...['NAME', 'SYNOPSIS', 'DESCRIPTION', 'COMMANDS', 'OPTIONS', 'CONFIGURATION', 'ENVIRONMENT', 'FILES'],
      ...['SIGNALS', 'EXIT STATUS', 'EXAMPLES', 'SEE ALSO'],
    ]);
  });

  test('has a paragraph of every flag, command, variable and setting', () => {
    const tags = [...PAGE.matchAll(/^\.T[PQ]\n(.+)$/gm)].map(([, tag = '']) => tag.replaceAll('\\-', '-'));
    const count = (pattern: string): number => tags.filter((tag) => tag.includes(pattern)).length;
    for (const { name } of FLAGS) assert.equal(count(`\\fB--${name}\\fR`), 1, name);
    for (const name of [...COMMAND_NAMES, ...VARIABLES.map((one) => one.name)])
      assert.ok(tags.includes(`.B ${name}`), name);
    for (const key of settingPaths(SETTINGS)) assert.equal(count(`\\fB${key}\\fR (`), 1, key);
  });

  test('names the files where installations have them', () => {
    const tags = [...PAGE.matchAll(/^\.I (\/.+)$/gm)].map(([, tag = '']) => tag.replaceAll('\\-', '-'));
    const paths = read('scripts/paths');
    for (const name of ['settings', 'environment', 'pages', 'pins']) {
      const [, file] = new RegExp(`^${name}=(.+)$`, 'm').exec(paths) ?? [];
      assert.ok(file !== undefined && tags.includes(file), `${name}: ${file}`);
    }
  });

  test('says what each setting allows, with its unit', () => {
    assert.equal(
      allowedValues(settingAt('interval_ms')),
      'a whole number from 100 to 3600000 (milliseconds)',
    );
    for (const key of settingPaths(SETTINGS)) {
      const allowed = allowedValues(settingAt(key));
      assert.ok(allowed.length > 5, key);
      if (/_ms$/.test(key)) assert.match(allowed, /\(milliseconds\)/, key);
      if (/_bytes$/.test(key)) assert.match(allowed, /\(bytes\)/, key);
    }
  });

  test('the comments of the file are those of its keys', () => {
    const notes = parseSettingNotes(YAML);
    const ofTls = notes.find(({ paths }) => paths.includes('push.tls.server_name'));
    assert.equal(ofTls?.paths.length, 5);
    assert.match(ofTls?.text ?? '', /^For https: a CA instead of those that Node knows/);
    assert.ok(notes.every(({ text }) => text !== ''));
    assert.throws(
      () => parseSettingNotes(YAML.replace('max_pairs:', 'most_pairs:')),
      /differ in .*most_pairs, .*max_pairs/,
    );
  });
});

test('roff: no text is a request, and every line of it is short', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('.', "'", '\\', '-', '"', ' ', 'A', 'b', '\n') }),
      (text) => {
        for (const line of roffParagraph(text)) {
          assert.match(line, /^(?![.'])/);
          assert.ok(!line.includes('\n'));
        }
      },
    ),
  );
  assert.equal(roffText('\\-'), '\\e\\-');
});

test('templates: a place without a text and a text without a place are faults', () => {
  assert.equal(fillTemplate('a @B@ c', { B: '@C@' }), 'a @C@ c');
  assert.throws(() => fillTemplate('@B@', {}), /@B@/);
  assert.throws(() => fillTemplate('', { B: '' }), /B/);
});

test('both completions have every flag and command', () => {
  const bash = renderBashCompletion(read('deploy/manual/xtrace-catch.bash.in'));
  const zsh = renderZshCompletion(read('deploy/manual/_xtrace-catch.in'));
  for (const { name, argument } of FLAGS) {
    assert.match(bash, new RegExp(`[( ]--${name}${argument === undefined ? '' : '='}[ )]`), name);
    assert.match(zsh, new RegExp(`--${name}=?-?\\[`), name);
  }
  for (const command of COMMAND_NAMES)
    assert.ok(
      [bash, zsh].every((text) => text.includes(`${command})`)),
      command,
    );
});
