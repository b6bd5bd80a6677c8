// SPDX-License-Identifier: Apache-2.0
// The command line: words -> what is asked for and the settings it gives. Finds every wrong flag,
// not only the first. Values are not judged here.

import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { ConfigProblem } from '../errors.js';
import { COMMAND_NAMES, type Command } from './commands.js';
import { FLAGS, type Flag } from './flags.js';
import { type Layer, setInLayer } from './layer.js';
import { suggestWord } from './suggest.js';
import { parseBooleanText, parseListText, renderGiven, renderWord } from './value-text.js';

export interface CommandLine {
  readonly action: 'run' | 'check' | 'help' | 'version' | 'list' | Command;
  /** What help is about: a command, all there is, or the exporter's first screen. */
  readonly topic: HelpTopic;
  /** Of the commands' own flags; without one it is left out. */
  readonly own: OwnFlags;
  readonly configFile: string | undefined;
  readonly layer: Layer;
  /** Flag that gave each setting, by dotted path. */
  readonly names: ReadonlyMap<string, string>;
  readonly problems: readonly ConfigProblem[];
}

export type HelpTopic = Command | 'all' | 'exporter';

interface OwnFlags {
  readonly json: boolean;
  readonly probe: boolean;
  readonly waitSeconds?: unknown;
  readonly watchTime?: unknown;
  readonly once: boolean;
  readonly attach: boolean;
  readonly insecure: boolean;
  /** Those that were given, by name: url, user, password-file, ca-file, cert-file. */
  readonly texts: ReadonlyMap<string, string>;
  readonly lifecycle: boolean;
  readonly autoReload: boolean;
  readonly autoReloadTime?: string;
}

interface OptionWord {
  readonly index: number;
  readonly name: string;
  /** As written: `-i`, `--interface`. */
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

/**
 * argv without the interpreter and the script. The first word may be a command. A flag given again wins
 * over its earlier self; -i and --web.listen-address add up.
 */
export function parseCommandLine(argv: readonly string[]): CommandLine {
  if (argv.length > WORDS_MAX) {
    const line = parseCommandLine(argv.slice(0, WORDS_MAX));
    const message = `has more than ${WORDS_MAX} words; put settings into a file (--config.file)`;
    return { ...line, problems: [{ path: 'the command line', message }, ...line.problems] };
  }
  const command = COMMAND_NAMES.find((word) => word === argv[0]);
  const line = new LineReader(command);
  let rest: readonly string[] | undefined = command === undefined ? argv : argv.slice(1);
  while (rest !== undefined && !line.isHopeless) rest = line.read(rest);
  return line.result();
}

/** As many are shown. */
const PROBLEMS_MAX = 50;
/** Words are read anew behind each flag that took the next one: the square of them is what it may cost. */
const WORDS_MAX = 2000;

const LONG_FLAGS = FLAGS.map((flag) => `--${flag.name}`);

const OPTIONS: ParseArgsConfig['options'] = Object.fromEntries(
  FLAGS.map((flag) => [
    flag.name,
    {
      type: flag.argument === undefined ? 'boolean' : 'string',
      ...(flag.short === undefined ? {} : { short: flag.short }),
    },
  ]),
);

class LineReader {
  readonly #layer: Layer = {};
  readonly #names = new Map<string, string>();
  readonly #problems: ConfigProblem[] = [];
  readonly #asked = new Set<string>();
  readonly #command: Command | undefined;
  #asksAll = false;
  #interfaces: string[] = [];
  #listenAddresses: string[] = [];
  readonly #texts = new Map<string, string>();
  #configFile: string | undefined;
  #waitSeconds: unknown;
  #watchTime: unknown;
  #autoReloadTime: string | undefined;

  constructor(command: Command | undefined) {
    this.#command = command;
  }

  /** So many mistakes are none of flags: a file stands where words should. */
  get isHopeless(): boolean {
    return this.#problems.length >= PROBLEMS_MAX;
  }

  /**
   * Reads words to their end, or to a flag that took the next flag for its value (`-i -f roce`):
   * then returns what follows it, to be read anew.
   */
  read(words: readonly string[]): readonly string[] | undefined {
    const { tokens } = parseArgs({
      args: [...words],
      options: OPTIONS,
      strict: false,
      allowPositionals: true,
      tokens: true,
    });
    let refused: OptionWord | undefined;
    for (const token of tokens) {
      if (this.isHopeless) return undefined;
      if (token.kind === 'positional') {
        // What follows an unknown flag is most likely its value: one mistake, one problem.
        const isValue = refused?.inlineValue !== true && refused?.index === token.index - 1;
        if (!isValue) this.#refusePositional(token.value);
      } else if (token.kind === 'option' && token.index !== refused?.index) {
        const word = words[token.index] ?? token.rawName;
        const flag = FLAGS.find((candidate) => candidate.name === token.name);
        if (flag === undefined || isLongWithOneDash(word)) {
          this.#refuseFlag(word);
          refused = { ...token, inlineValue: word.includes('=') };
        } else if (isSwallowedFlag(token)) {
          const shown = renderWord(token.value ?? '');
          this.#problems.push({
            path: `--${flag.name}`,
            message: `needs a value, but the next word is ${shown}; write --${flag.name}=${shown} if that is the value`,
          });
          return words.slice(token.index + 1);
        } else {
          this.#readFlag(flag, token);
        }
      }
    }
    return undefined;
  }

  #readFlag(flag: Flag, token: OptionWord): void {
    const path = `--${flag.name}`;
    const { commands } = flag;
    if (commands !== undefined && !commands.some((command) => command === this.#command)) {
      const message = `is a flag of ${andWords(commands)} alone: xtrace-catch ${commands[0]} ${path}`;
      this.#problems.push({ path, message });
    } else if (flag.argument !== undefined) {
      if (token.value !== undefined) this.#takeValue(flag, token.value);
      else this.#problems.push({ path, message: `needs a value: ${path}=${flag.argument}` });
    } else if (flag.word !== undefined && token.value === flag.word) {
      this.#asked.add(flag.name);
      this.#asksAll = true;
    } else {
      const on = token.value === undefined ? true : parseBooleanText(token.value);
      if (typeof on !== 'boolean') {
        const other = flag.word === undefined ? '' : `, ${flag.word}`;
        this.#problems.push({
          path,
          message: `must be true, false${other} or without a value, but is ${renderGiven(on)}`,
        });
      } else if (flag.values !== undefined) this.#takeSetting(flag, flag.values[on ? 0 : 1]);
      else if (on) this.#asked.add(flag.name);
    }
  }

  #takeValue(flag: Flag, text: string): void {
    if (flag.name === 'config.file') {
      if (text === '') this.#problems.push({ path: '--config.file', message: 'needs the path of a file' });
      this.#configFile = text;
    } else if (flag.name === 'interface') {
      this.#interfaces = [...this.#interfaces, ...parseListText(text)];
      this.#takeSetting(flag, this.#interfaces);
    } else if (flag.name === 'web.listen-address') {
      this.#listenAddresses = [...this.#listenAddresses, text];
      this.#takeSetting(flag, this.#listenAddresses);
    } else if (flag.name === 'wait') {
      this.#waitSeconds = flag.parse?.(text);
    } else if (flag.name === 'for') {
      this.#watchTime = flag.parse?.(text);
    } else if (flag.commands?.includes('top') === true) {
      this.#texts.set(flag.name, text);
    } else if (flag.name === 'config.auto-reload-interval') {
      this.#autoReloadTime = text;
    } else {
      this.#takeSetting(flag, flag.parse?.(text));
    }
  }

  #takeSetting(flag: Flag, value: unknown): void {
    if (flag.setting === undefined) return;
    setInLayer(this.#layer, flag.setting, value);
    this.#names.set(flag.setting, `--${flag.name}`);
  }

  #refusePositional(word: string): void {
    if (COMMAND_NAMES.some((command) => command === word)) {
      this.#problems.push({ path: word, message: `must be the first word: xtrace-catch ${word} [flags]` });
      return;
    }
    const hint = suggestWord(word, COMMAND_NAMES) || suggestWord(`--${word}`, LONG_FLAGS);
    const message = `is not a flag, and no other arguments are allowed${hint || '; name interfaces with -i'}`;
    this.#problems.push({ path: renderWord(word), message });
  }

  #refuseFlag(word: string): void {
    const shown = renderWord(nameOf(word));
    const message = isLongWithOneDash(word)
      ? `long flags have two dashes, did you mean "-${shown}"?`
      : `there is no such flag${suggestWord(shown, LONG_FLAGS) || '; --help lists them'}`;
    this.#problems.push({ path: shown, message });
  }

  result(): CommandLine {
    return {
      action: this.#action(),
      topic: this.#asksAll ? 'all' : (this.#command ?? 'exporter'),
      own: {
        json: this.#asked.has('json'),
        probe: this.#asked.has('probe'),
        ...(this.#waitSeconds === undefined ? {} : { waitSeconds: this.#waitSeconds }),
        ...(this.#watchTime === undefined ? {} : { watchTime: this.#watchTime }),
        once: this.#asked.has('once'),
        attach: this.#asked.has('attach'),
        insecure: this.#asked.has('insecure'),
        texts: this.#texts,
        lifecycle: this.#asked.has('web.enable-lifecycle'),
        autoReload: this.#asked.has('config.enable-auto-reload'),
        ...(this.#autoReloadTime === undefined ? {} : { autoReloadTime: this.#autoReloadTime }),
      },
      configFile: this.#configFile,
      layer: this.#layer,
      names: this.#names,
      problems: this.#problems,
    };
  }

  #action(): CommandLine['action'] {
    if (this.#asked.has('help')) return 'help';
    if (this.#asked.has('version')) return 'version';
    if (this.#asked.has('list')) return 'list';
    if (this.#asked.has('config.check')) return 'check';
    return this.#command ?? 'run';
  }
}

/** `a`, `a and b`, `a, b and c`. */
function andWords(words: readonly string[]): string {
  return [words.slice(0, -1).join(', '), words.at(-1)].filter((part) => part !== '').join(' and ');
}

/** A flag as written, without its value. */
function nameOf(word: string): string {
  return word.replace(/=.*/s, '');
}

/** `-interval`, which parseArgs reads as `-i nterval`. */
function isLongWithOneDash(word: string): boolean {
  return /^-[^-]./.test(word) && LONG_FLAGS.includes(`-${nameOf(word)}`);
}

/** `-i -f`: parseArgs takes the next word whatever it is; one that starts with a dash is a flag to us. */
function isSwallowedFlag(token: OptionWord): boolean {
  return token.inlineValue === false && token.value !== undefined && /^-./.test(token.value);
}
