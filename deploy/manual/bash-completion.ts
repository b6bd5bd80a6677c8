// SPDX-License-Identifier: Apache-2.0
// The completion of bash, of the lists of flags and commands.

import { COMMAND_NAMES } from '../../src/config/commands.js';
import { FLAGS, type Flag } from '../../src/config/flags.js';
import { ownFlagsByCommand, SHARED_FLAGS, wordsOf } from './flag-values.js';
import { fillTemplate } from './template.js';

export function renderBashCompletion(template: string): string {
  return fillTemplate(template, {
    VALUES: FLAGS.flatMap(valueCase).join('\n'),
    FLAGS: offered(SHARED_FLAGS),
    COMMANDS: COMMAND_NAMES.join(' '),
    COMMAND_FLAGS: ownFlagsByCommand()
      .map(([command, flags]) => `\t\t${command}) flags+=(${offered(flags)}) ;;`)
      .join('\n'),
  });
}

function valueCase(flag: Flag): string[] {
  const { name, short, argument, word } = flag;
  // A word that a switch may have stands behind "=" alone.
  if (word !== undefined) return [`\t--${name}) [[ $joined ]] && _xtrace_catch_words ${word} ;;`];
  if (argument === undefined) return [];
  return [
    `\t${short === undefined ? '' : `-${short} | `}--${name}) ${[...values(flag), 'return'].join('; ')} ;;`,
  ];
}

function values(flag: Flag): string[] {
  const words = wordsOf(flag);
  if (words !== undefined) return [`_xtrace_catch_words ${words.join(' ')}`];
  switch (flag.takes) {
    case 'interfaces':
      return ['_xtrace_catch_interfaces'];
    case 'file':
      return ['_xtrace_catch_paths -f'];
    case 'folder':
      return ['_xtrace_catch_paths -d'];
    default:
      return [];
  }
}

function offered(flags: readonly Flag[]): string {
  return flags.map(({ name, argument }) => `--${name}${argument === undefined ? '' : '='}`).join(' ');
}
