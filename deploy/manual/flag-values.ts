// SPDX-License-Identifier: Apache-2.0
// What a shell may complete the value of a flag with.

import { COMMAND_NAMES, type Command } from '../../src/config/commands.js';
import { FLAGS, type Flag, settingOf } from '../../src/config/flags.js';

/** The words that the setting of a flag allows; undefined where those are not a few. */
export function wordsOf(flag: Flag): readonly string[] | undefined {
  const setting = settingOf(flag);
  return setting !== undefined && flag.argument !== undefined && 'words' in setting
    ? (setting.words as readonly string[])
    : undefined;
}

/** Flags of all, and by command its own. */
export const SHARED_FLAGS = FLAGS.filter(({ commands }) => commands === undefined);

export function ownFlagsByCommand(): (readonly [Command, readonly Flag[]])[] {
  return COMMAND_NAMES.map((command) => [
    command,
    FLAGS.filter(({ commands }) => commands?.includes(command)),
  ]);
}
