// SPDX-License-Identifier: Apache-2.0
// The completion of zsh, of the lists of flags and commands: a spec of _arguments for each name of a flag.

import { COMMAND_NAMES, COMMANDS } from '../../src/config/commands.js';
import type { Flag } from '../../src/config/flags.js';
import { ownFlagsByCommand, SHARED_FLAGS, wordsOf } from './flag-values.js';
import { fillTemplate } from './template.js';

export function renderZshCompletion(template: string): string {
  return fillTemplate(template, {
    COMMANDS: quotedLines(COMMAND_NAMES.map((command) => `${command}:${COMMANDS[command].doc}`)),
    FLAGS: quotedLines(SHARED_FLAGS.flatMap(flagSpecs)),
    COMMAND_FLAGS: ownFlagsByCommand()
      .map(([command, flags]) => {
        // It stands where a word is that no flag begins with.
        const specs = quotedLines([...flags.flatMap(flagSpecs), '1:command: ']);
        return `      ${command}) flags+=(\n${specs}\n      ) ;;`;
      })
      .join('\n'),
  });
}

/** Each on its line, in single quotes. */
function quotedLines(texts: readonly string[]): string {
  return texts.map((text) => `    '${text.replaceAll("'", `'\\''`)}'`).join('\n');
}

function flagSpecs(flag: Flag): string[] {
  const { name, short, repeats } = flag;
  const names = [...(short === undefined ? [] : [`-${short}`]), `--${name}`];
  const before = repeats ? '*' : names.length > 1 ? `(${names.join(' ')})` : '';
  return names.map((one) => before + one + valueSpec(flag, one.startsWith('--')));
}

function valueSpec(flag: Flag, isLong: boolean): string {
  const doc = `[${flag.doc.replace(/[[\]\\:]/g, '\\$&')}]`;
  if (flag.word !== undefined) return isLong ? `=-${doc}::topic:(${flag.word})` : doc;
  if (flag.argument === undefined) return doc;
  return `${isLong ? '=' : '+'}${doc}:${flag.argument}:${values(flag)}`;
}

function values(flag: Flag): string {
  const words = wordsOf(flag);
  if (words !== undefined) return `(${words.join(' ')})`;
  switch (flag.takes) {
    case 'interfaces':
      return '_xtrace_catch_interfaces';
    case 'file':
      return '_files';
    case 'folder':
      return '_files -/';
    default:
      return ' ';
  }
}
