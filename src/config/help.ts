// SPDX-License-Identifier: Apache-2.0
// The texts of --help, made of the same lists that the parsers use: a first screen of the exporter, one of
// each command (24 lines of 80 columns), and all there is.

import { wrapWords } from '../wrap-words.js';
import type { HelpTopic } from './command-line.js';
import { COMMAND_NAMES, COMMANDS, type Command, type CommandEntry, EXPORTER, MISTAKEN } from './commands.js';
import { VARIABLES } from './environment.js';
import { FLAGS, type Flag, usualValue } from './flags.js';

const COLUMNS = 80;
const LEFT_COLUMNS = 36;
const NAME = 'xtrace-catch';
export const PRECEDENCE =
  'For each setting the command line wins, then the environment, the file, the default. Everything else is ' +
  'set in the file; config/xtrace-catch.yaml names each key with its default.';
const NEEDS = 'It needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or root.';

export function renderHelp(topic: HelpTopic): string {
  const lines =
    topic === 'exporter'
      ? firstScreen()
      : topic === 'all'
        ? wholeHelp()
        : commandScreen(topic, COMMANDS[topic]);
  return `${lines.join('\n')}\n`;
}

/** Of both helps of the exporter itself. */
function opening(): string[] {
  return [
    `${NAME}: ${EXPORTER.doc}`,
    '',
    `Usage: ${NAME} [COMMAND] [flags]`,
    '',
    'Commands:',
    ...commandRows(),
    '',
    'Flags:',
  ];
}

function firstScreen(): string[] {
  return [
    ...opening(),
    ...flagsNamed(EXPORTER.uses).map(briefRow),
    '',
    NEEDS,
    `More: ${NAME} COMMAND --help, ${NAME} --help=all, man ${NAME}`,
  ];
}

function commandScreen(command: Command, entry: CommandEntry): string[] {
  return [
    `${NAME} ${command}: ${entry.doc}`,
    '',
    ...wrap(entry.more),
    '',
    `Usage: ${NAME} ${command} [flags]`,
    '',
    `Flags, with all of the exporter's (${NAME} --help=all):`,
    ...ownFlags(command).flatMap(fullRows),
    ...flagsNamed(entry.uses).map(briefRow),
    '',
    'Exit status:',
    ...exitRows([
      ['0', entry.done],
      ['1', entry.failed],
      ['2', MISTAKEN],
    ]),
    '',
    ...entry.examples.map((example) => `Example: ${example}`),
  ];
}

function wholeHelp(): string[] {
  const entries = COMMAND_NAMES.map((command) => [command, COMMANDS[command]] as const);
  return [
    ...opening(),
    ...FLAGS.filter(({ commands }) => commands === undefined).flatMap(fullRows),
    ...COMMAND_NAMES.filter((command) => ownFlags(command).length > 0).flatMap((command) => [
      '',
      `Flags of ${command}, beside those above:`,
      ...ownFlags(command).flatMap(fullRows),
    ]),
    '',
    'Environment (an empty variable counts as not set):',
    ...VARIABLES.flatMap(({ name, doc }) => row(`  ${name}`, doc)),
    '',
    ...wrap(PRECEDENCE),
    '',
    'Exit status:',
    ...exitRows([
      ['0', [EXPORTER.done, ...entries.map(([command, { done }]) => `${command}: ${done}`)].join('; ')],
      ['1', [EXPORTER.failed, ...entries.map(([command, { failed }]) => `${command}: ${failed}`)].join('; ')],
      ['2', MISTAKEN],
    ]),
    '',
    'Examples:',
    ...[EXPORTER, ...entries.map(([, entry]) => entry)].flatMap(({ examples }) =>
      examples.map((one) => `  ${one}`),
    ),
    '  curl http://localhost:10060/metrics',
    '',
    NEEDS,
  ];
}

function commandRows(): string[] {
  return COMMAND_NAMES.map((command) => `  ${command.padEnd(8)}  ${COMMANDS[command].doc}`);
}

function ownFlags(command: Command): Flag[] {
  return FLAGS.filter(({ commands }) => commands?.includes(command));
}

function flagsNamed(names: readonly string[]): Flag[] {
  return names.flatMap((name) => FLAGS.filter((flag) => flag.name === name));
}

/** `-i, --interface=NAMES`. */
export function flagText({ name, short, argument, word }: Flag): string {
  const value = word === undefined ? (argument === undefined ? '' : `=${argument}`) : `[=${word}]`;
  return `${short === undefined ? '' : `-${short}, `}--${name}${value}`;
}

/** What it does, all of it, and what it is without. */
export function flagWords(flag: Flag): string {
  const usual = usualValue(flag);
  return flag.doc + (flag.more ?? '') + (usual === undefined ? '' : ` (default ${usual})`);
}

function flagHead(flag: Flag): string {
  return (flag.short === undefined ? '      ' : '  ') + flagText(flag);
}

function briefRow(flag: Flag): string {
  return flagHead(flag).padEnd(LEFT_COLUMNS) + flag.doc;
}

function fullRows(flag: Flag): string[] {
  return row(flagHead(flag), flagWords(flag));
}

/** Where the left does not fit, the words stand below it. */
function row(left: string, words: string): string[] {
  const fits = left.length < LEFT_COLUMNS;
  const lines = wrapWords((fits ? left : '').padEnd(LEFT_COLUMNS), words, LEFT_COLUMNS, COLUMNS);
  return fits ? lines : [left, ...lines];
}

function exitRows(rows: readonly (readonly [code: string, meaning: string])[]): string[] {
  return rows.flatMap(([code, meaning]) => wrapWords(`  ${code}  `, meaning, 5, COLUMNS));
}

function wrap(words: string): string[] {
  return wrapWords('', words, 0, COLUMNS);
}
