// SPDX-License-Identifier: Apache-2.0
// A terminal with a shell in it, driven by tmux: what a person would type, and what a person would see. For tests
// only.

import { execFileSync, spawnSync } from 'node:child_process';
import process from 'node:process';
import { atEnd } from '../cleanup.js';
import { waitFor } from '../conditions.js';
import { gatedTest } from '../gated-test.js';

const tmux = spawnSync('tmux', ['-V']);
const NEED = { what: 'tmux', missing: tmux.status === 0 ? undefined : 'there is no tmux' };

/** A test that needs tmux. */
export function tmuxTest(name: string, fn: Parameters<typeof gatedTest>[2]): void {
  gatedTest(NEED, name, fn);
}

export interface TmuxOptions {
  /** Unique within the test process. */
  readonly name: string;
  readonly columns?: number;
  readonly lines?: number;
  readonly env?: Readonly<Record<string, string>>;
}

/** Of what `stty -g` and tmux tell of a terminal that nobody has changed. */
export interface TerminalModes {
  readonly stty: string;
  readonly flags: string;
}

export class Tmux {
  readonly #server: string;
  readonly close: () => void;

  constructor({ name, columns = 80, lines = 24, env = {} }: TmuxOptions) {
    this.#server = `xtrace-test-${process.pid}-${name}`;
    this.close = atEnd(() => {
      spawnSync('tmux', ['-L', this.#server, 'kill-server'], { stdio: 'ignore' });
    });
    const variables = { LC_ALL: 'C.UTF-8', PS1: '$ ', TZ: 'UTC', HISTFILE: '/dev/null', ...env };
    const words = Object.entries(variables).map(([key, value]) => `${key}=${value}`);
    const size = ['-x', String(columns), '-y', String(lines)];
    const shell = ['env', '-u', 'NO_COLOR', '-u', 'COLORTERM', ...words, 'bash', '--norc', '--noprofile'];
    this.#run(['-u', '-f', '/dev/null', 'new-session', '-d', ...size, ...shell]);
  }

  #run(args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' });
  }

  /** Names of keys as tmux has them (Enter, C-z), or characters. */
  press(...keys: readonly string[]): void {
    this.#run(['send-keys', ...keys]);
  }

  /** Text, and Enter. */
  enter(text: string): void {
    this.#run(['send-keys', '-l', text]);
    this.press('Enter');
  }

  resize(columns: number, lines: number): void {
    this.#run(['resize-window', '-x', String(columns), '-y', String(lines)]);
  }

  /** Without blanks at the ends of lines. */
  get screen(): string {
    return this.#run(['capture-pane', '-p']);
  }

  /** With escape sequences for what is bold, reverse or coloured. */
  get paintedScreen(): string {
    return this.#run(['capture-pane', '-p', '-e']);
  }

  ask(format: string): string {
    return this.#run(['display-message', '-p', format]).trim();
  }

  /** Waits until the screen shows it; fails with what it shows instead. */
  async see(pattern: RegExp | string): Promise<string> {
    let last = '';
    try {
      return await waitFor(`the screen to show ${pattern}`, () => {
        last = this.screen;
        return (typeof pattern === 'string' ? last.includes(pattern) : pattern.test(last)) && last;
      });
    } catch (error) {
      throw new Error(`${String(error)}\n--- screen\n${last}`, { cause: error });
    }
  }

  /** The shell waits for a command. */
  async seePrompt(): Promise<void> {
    await this.see(/^\$\n*$(?![\s\S])/m);
  }

  /** Asks at the shell's prompt. */
  async modes(mark: string): Promise<TerminalModes> {
    this.enter(`echo ${mark} $(stty -g) ${mark}`);
    const screen = await this.see(new RegExp(`^${mark} \\S+\\s`, 'm'));
    const flat = screen.replaceAll('\n', '');
    const [, stty = ''] = new RegExp(`${mark} ([0-9a-f:]+) ${mark}`).exec(flat) ?? [];
    return { stty, flags: this.ask('#{alternate_on} #{cursor_flag} #{wrap_flag} #{insert_flag}') };
  }
}
