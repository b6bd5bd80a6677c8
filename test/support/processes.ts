// SPDX-License-Identifier: Apache-2.0
// Child processes of tests: started in a group of their own, output kept, the whole group killed at
// the end of the test process at the latest.

import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { atEnd } from './cleanup.js';
import { type NotYet, type WaitOptions, waitFor } from './conditions.js';

export interface StartOptions {
  readonly cwd?: string;
  /** Added to this process's environment; undefined removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>>;
}

export interface Exit {
  /** null when a signal ended it. */
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A running child. Use start(). */
export class Child {
  /** Resolves when it has ended and its output is complete. Never rejects. */
  readonly exited: Promise<Exit>;
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #killGroup: () => void;
  #stdout = '';
  #stderr = '';
  #exit: Exit | undefined;
  #spawnError: Error | undefined;

  constructor(command: string, args: readonly string[], { cwd, env }: StartOptions) {
    this.#name = command;
    this.#child = spawn(command, args, {
      detached: true, // leader of a process group, which dies as one
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
    });
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#killGroup = atEnd(() => this.#signalGroup('SIGKILL'));
    this.exited = new Promise((resolve) => {
      this.#child.on('error', (error) => {
        this.#spawnError = error;
        resolve(this.#ended({ code: 127, signal: null }));
      });
      this.#child.on('close', (code, signal) => resolve(this.#ended({ code, signal })));
    });
  }

  get pid(): number {
    const { pid } = this.#child;
    if (pid === undefined) {
      throw new Error(`${this.#name} did not start: ${this.#spawnError?.message ?? 'no reason given'}`);
    }
    return pid;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Undefined while it runs. */
  get exit(): Exit | undefined {
    return this.#exit;
  }

  /** waitFor(), but fails at once, and with the output, when the child ends meanwhile. */
  async waitFor<T>(
    what: string,
    attempt: () => T | NotYet | Promise<T | NotYet>,
    options?: WaitOptions,
  ): Promise<T> {
    const stop = Symbol('ended');
    try {
      const result = await waitFor<T | typeof stop>(
        what,
        () => (this.#exit === undefined ? attempt() : stop),
        options,
      );
      if (result !== stop) return result as T;
    } catch (error) {
      throw new Error(`${error instanceof Error ? error.message : String(error)}${this.#report()}`, {
        cause: error,
      });
    }
    throw new Error(`${this.#name} ended before: ${what}${this.#report()}`);
  }

  /** Sends a signal to the child alone. */
  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /**
   * Asks the child to end, and kills its group after the limit. Resolves with how it ended.
   * May be called twice.
   */
  async stop(signal: NodeJS.Signals = 'SIGTERM', limitMs = 10_000): Promise<Exit> {
    if (this.#exit === undefined) {
      this.kill(signal);
      const timer = new AbortController();
      await Promise.race([
        this.exited,
        delay(limitMs, undefined, { signal: timer.signal }).catch(() => undefined),
      ]);
      timer.abort();
    }
    this.#killGroup(); // grandchildren, too
    return this.exited;
  }

  #ended(exit: Exit): Exit {
    this.#exit = exit;
    return exit;
  }

  #signalGroup(signal: NodeJS.Signals): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  #report(): string {
    return `\n--- exit: ${JSON.stringify(this.#exit)}\n--- stdout\n${this.#stdout}\n--- stderr\n${this.#stderr}`;
  }
}

/** Starts a program; who starts it stops it. */
export function start(command: string, args: readonly string[], options: StartOptions = {}): Child {
  return new Child(command, args, options);
}

/** Runs a program to its end. Rejects, with its output, unless it exits 0. */
export async function run(
  command: string,
  args: readonly string[],
  options: StartOptions = {},
): Promise<{ stdout: string; stderr: string }> {
  const child = start(command, args, options);
  const { code } = await child.exited;
  await child.stop();
  if (code !== 0) {
    throw new Error(`${command} ${args.join(' ')} exited with ${code}:\n${child.stderr}${child.stdout}`);
  }
  return { stdout: child.stdout, stderr: child.stderr };
}
