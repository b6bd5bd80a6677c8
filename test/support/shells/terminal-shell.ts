// SPDX-License-Identifier: Apache-2.0
// A shell on a terminal of its own, typed into key by key: what a user has on the line after a completion, and
// what a program then gets. For tests only.

import { type ChildProcess, spawn } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { atEnd } from '../cleanup.js';
import { waitFor } from '../conditions.js';

export type ShellName = 'bash' | 'zsh';

export interface TerminalShellOptions {
  readonly shell: ShellName;
  /** Of the repository's dist/completions. */
  readonly completion: string;
  /** Names in place of the interfaces of this host. */
  readonly interfaces: readonly string[];
  /** bash alone: with Debian's bash-completion, which then loads ours. */
  readonly withBashCompletion?: boolean;
}

const INTERRUPT = '\x03';
const KILL_LINE = '\x15';
/** Control-X d: the line as it stands goes into a file. */
const SHOW_LINE = '\x18d';
const DELETE_LIST = '\x18l';

export class TerminalShell {
  /** Where the shell stands. A file in it that no test made is one that a completion made. */
  readonly home: string;
  readonly #folder: string;
  readonly #child: ChildProcess;
  readonly #end: () => void;

  private constructor(options: TerminalShellOptions) {
    this.#folder = mkdtempSync(path.join(tmpdir(), `xtrace-${options.shell}-`));
    this.home = path.join(this.#folder, 'home');
    const interfaces = path.join(this.#folder, 'net');
    for (const made of [this.home, interfaces, path.join(this.#folder, 'completions')]) mkdirSync(made);
    for (const name of options.interfaces) symlinkSync('..', path.join(interfaces, name));
    writeFileSync(path.join(interfaces, 'bonding_masters'), '');
    const file = path.join(
      this.#folder,
      'completions',
      options.shell === 'bash' ? 'xtrace-catch' : '_xtrace-catch',
    );
    writeFileSync(file, readFileSync(options.completion, 'utf8').replaceAll('/sys/class/net', interfaces));
    writeFileSync(
      path.join(this.#folder, 'xtrace-catch'),
      '#!/bin/sh\nprintf "%s\\0" "$@" END >"$ANSWER"\n',
      {
        mode: 0o755,
      },
    );
    writeFileSync(path.join(this.#folder, '.zshrc'), ZSHRC);
    writeFileSync(path.join(this.#folder, 'bashrc'), options.withBashCompletion ? BASHRC_LOADING : BASHRC);
    const command =
      options.shell === 'bash' ? `bash --noprofile --rcfile ${this.#folder}/bashrc -i` : 'zsh -d -i';
    this.#child = spawn('script', ['-qec', command, '/dev/null'], {
      cwd: this.home,
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
      env: {
        PATH: `${this.#folder}:/usr/bin:/bin`,
        HOME: this.home,
        ZDOTDIR: this.#folder,
        FOLDER: this.#folder,
        ANSWER: this.#answer,
        BASH_COMPLETION_USER_DIR: this.#folder,
        TERM: 'dumb',
        LANG: 'C.UTF-8',
        HISTFILE: '/dev/null',
      },
    });
    this.#child.on('error', () => undefined); // waitFor() says that it is not ready
    this.#child.stdin?.on('error', () => undefined);
    this.#end = atEnd(() => {
      if (this.#child.pid !== undefined && this.#child.exitCode === null) {
        try {
          process.kill(-this.#child.pid, 'SIGKILL');
        } catch {
          // It has gone by itself.
        }
      }
      rmSync(this.#folder, { recursive: true, force: true });
    });
  }

  static async start(options: TerminalShellOptions): Promise<TerminalShell> {
    const shell = new TerminalShell(options);
    await waitFor(`${options.shell} to show its prompt`, () => existsSync(path.join(shell.#folder, 'ready')));
    return shell;
  }

  get #answer(): string {
    return path.join(this.#folder, 'answer');
  }

  /** The line after these keys; it is gone then. */
  async type(keys: string): Promise<string> {
    return (await this.#ask(`${KILL_LINE}${keys}${SHOW_LINE}`))[0] ?? '';
  }

  /** zsh alone: the words that a completion at the end of these keys chooses from. */
  async choices(keys: string): Promise<string[]> {
    return this.#ask(`${KILL_LINE}${DELETE_LIST}${keys}\t${SHOW_LINE}`).then(() =>
      readFileSync(path.join(this.#folder, 'list'), 'utf8')
        .split('\n')
        .filter((word) => word !== ''),
    );
  }

  /** The words that xtrace-catch gets when the line after these keys is entered. */
  run(keys: string): Promise<string[]> {
    return this.#ask(`${KILL_LINE}${keys}\r`);
  }

  stop(): void {
    this.#end();
  }

  async #ask(keys: string): Promise<string[]> {
    rmSync(this.#answer, { force: true });
    this.#child.stdin?.write(keys);
    const text = await waitFor(`an answer to ${JSON.stringify(keys)}`, () => {
      const answer = existsSync(this.#answer) ? readFileSync(this.#answer, 'utf8') : '';
      return answer.endsWith('END\0') && answer;
    }).catch((error: unknown) => {
      // What still stands there must not go into the next line.
      this.#child.stdin?.write(INTERRUPT);
      throw error;
    });
    return text.split('\0').slice(0, -2);
  }
}

const BASH_KEYS = String.raw`bind -x '"\C-xd": printf "%s\0" "$READLINE_LINE" END >"$ANSWER"'
PROMPT_COMMAND='echo >"$FOLDER/ready"'
`;
const BASHRC = `. "$FOLDER/completions/xtrace-catch"\n${BASH_KEYS}`;
const BASHRC_LOADING = `. /usr/share/bash-completion/bash_completion\n${BASH_KEYS}`;
const ZSHRC = String.raw`bindkey -e
KEYTIMEOUT=100
LISTMAX=-1
unsetopt beep auto_menu
fpath=("$FOLDER/completions" $fpath)
autoload -Uz compinit
compinit -u -D
show-line() { print -rn -- "$BUFFER"$'\0'END$'\0' >"$ANSWER" }
zle -N show-line
bindkey '^Xd' show-line
delete-list() { : >"$FOLDER/list" }
zle -N delete-list
bindkey '^Xl' delete-list
# What is added is written down; what only asks is not.
compadd() {
  if [[ ${'$'}{@[1,(i)(-|--)]} != *-(O|A|D)* ]]; then
    local -a added
    builtin compadd -O added "$@"
    print -rl -- $added >>"$FOLDER/list"
  fi
  builtin compadd "$@"
}
precmd() { echo >"$FOLDER/ready" }
`;
