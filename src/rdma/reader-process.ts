// SPDX-License-Identifier: Apache-2.0
// A second process of this program that answers questions, and how to talk to it. It may hang in the
// kernel; nothing here waits for it. Starts our own script only, never another program.

import { fork } from 'node:child_process';

/** What goes to the process; the answer comes back under the same id. */
export interface ReaderRequest<Question> {
  readonly id: number;
  readonly question: Question;
}

export interface ReaderProcess<Question, Answer> {
  /** Resolves when it takes questions; never where it does not come that far. */
  readonly ready: Promise<void>;
  /** Resolves with the reason: it has ended, or could not be started. */
  readonly ended: Promise<string>;
  /** Never resolves where no answer comes. */
  ask(question: Question): Promise<Answer>;
  /** Ends it; one that hangs in the kernel ends when the kernel lets it go. */
  kill(): void;
}

/**
 * It holds one port's counters at a time. Nothing can listen at a multicast address: until it ignores SIGUSR1,
 * this keeps Node's debugger from opening in it.
 */
const NODE_FLAGS = [
  '--max-old-space-size=32',
  '--max-semi-space-size=1',
  '--single-threaded-gc',
  '--inspect-port=[ff02::1]:65535',
];

/**
 * @param script absolute path of a module that says `{ isReady: true }` and then answers requests.
 * Its streams are nobody's: whoever waits for the end of our stderr must not wait for a process that
 * hangs. Its environment is empty: NODE_OPTIONS are meant for us. No folder is kept busy by it. What a
 * terminal or a shell signals our process group does not reach it: it has a session of its own.
 */
export function startReaderProcess<Question, Answer>(
  script: string,
  args: readonly string[],
): ReaderProcess<Question, Answer> {
  const answers = new Map<number, (answer: Answer) => void>();
  let lastId = 0;
  let onReady = (): void => undefined;
  let onEnd = (_reason: string): void => undefined;
  const ready = new Promise<void>((resolve) => {
    onReady = resolve;
  });
  const ended = new Promise<string>((resolve) => {
    onEnd = resolve;
  });

  const child = forkOrUndefined(script, args, onEnd);
  child?.on('message', (message) => {
    // Only our own script is at the other end.
    const reply = message as { isReady?: boolean; id?: number; answer?: Answer };
    if (reply.isReady === true) onReady();
    if (reply.id === undefined || reply.answer === undefined) return;
    answers.get(reply.id)?.(reply.answer);
    answers.delete(reply.id);
  });
  child?.on('error', (error) => {
    if (child.pid === undefined) onEnd(error.message);
    else child.kill('SIGKILL'); // a channel that fails: `exit` follows
  });
  child?.on('exit', (code, signal) => onEnd(signal ?? `exit code ${code}`));

  return {
    ready,
    ended,
    ask(question) {
      const id = ++lastId;
      // The error of a process that has just ended goes to the callback; `exit` tells of it.
      child?.send({ id, question } satisfies ReaderRequest<Question>, () => undefined);
      return new Promise((resolve) => answers.set(id, resolve));
    },
    kill() {
      child?.kill('SIGKILL');
    },
  };
}

/** Some errors of spawning are thrown (ENOMEM, EPERM), others come as events (EAGAIN, EMFILE). */
function forkOrUndefined(
  script: string,
  args: readonly string[],
  onEnd: (reason: string) => void,
): ReturnType<typeof fork> | undefined {
  try {
    return fork(script, args, {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: NODE_FLAGS,
      env: {},
      cwd: '/',
      detached: true,
    });
  } catch (error) {
    onEnd(error instanceof Error ? error.message : String(error));
    return undefined;
  }
}
