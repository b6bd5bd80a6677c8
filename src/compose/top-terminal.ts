// SPDX-License-Identifier: Apache-2.0
// The terminal of `xtrace-catch top`: keys in, frames out, and back to what it was before, whichever way it ends.

import { systemClock } from '../clock.js';
import { ExporterError } from '../errors.js';
import { FrameOutput } from '../output/frame-output.js';
import { reopenWithoutWaiting } from '../output/open-output.js';
import { advance, type TopEvent } from '../top/advance.js';
import type { ApiClient } from '../top/api-client.js';
import { ExporterFollower } from '../top/follow-exporter.js';
import { KeyReader } from '../top/keys.js';
import { createPaint, type Symbols } from '../top/paint.js';
import { renderScreen } from '../top/render-screen.js';
import { firstState, type TopState, wantedRows } from '../top/state.js';
import { TerminalScreen } from '../top/terminal-screen.js';

export interface WatchOptions {
  readonly interfaceName: string | undefined;
  readonly symbols: Symbols;
}

export interface WatchParts {
  readonly process: NodeJS.Process;
  readonly client: ApiClient;
  /** A signal came. */
  readonly end: AbortSignal;
  /** Why an exporter of our own has ended. */
  ended(): string | undefined;
  clockText(ms: number): string;
}

/** What a terminal that does not read may hold up the end. */
const LEAVE_LIMIT_MS = 250;
/** Lines and columns that a terminal has whose size nobody knows. */
const USUAL_SIZE = { columns: 80, lines: 24 };

/** A sentence where there is no terminal that can be drawn on and typed at. */
export function whyNoTerminal({ stdin, stdout, env }: NodeJS.Process): string | undefined {
  const instead = 'take --once, or --json';
  if (!stdout.isTTY) return `stdout is no terminal: ${instead}`;
  if (!stdin.isTTY) return `stdin is no terminal, so no key can be read: ${instead}`;
  const { TERM: term = '' } = env;
  if (term === 'dumb' || term === '') {
    return `TERM is ${term === '' ? 'not set' : `"${term}"`}, so the cursor cannot be moved: set it, or ${instead}`;
  }
  return undefined;
}

/** Resolves when a person or a signal ends it. */
export async function watchOnTerminal(options: WatchOptions, parts: WatchParts): Promise<void> {
  const watch = new TerminalWatch(options, parts);
  try {
    await watch.run();
  } finally {
    watch.close();
  }
}

class TerminalWatch {
  readonly #parts: WatchParts;
  readonly #options: WatchOptions;
  readonly #screen: TerminalScreen;
  readonly #keys: KeyReader;
  readonly #follower: ExporterFollower;
  readonly #paint;
  #state: TopState;
  #wanted = '';
  #finish: (error?: Error) => void = () => undefined;
  readonly #finished: Promise<void>;
  readonly #listeners: (() => void)[] = [];

  constructor(options: WatchOptions, parts: WatchParts) {
    const { process, client } = parts;
    const { stdout } = process;
    const clock = systemClock();
    this.#options = options;
    this.#parts = parts;
    this.#finished = new Promise((resolve, reject) => {
      this.#finish = (error) => (error === undefined ? resolve() : reject(error));
    });
    const output = new FrameOutput({
      fd: reopenWithoutWaiting(stdout.fd) ?? stdout.fd,
      onIdle: () => this.#screen.showWaiting(),
      onFailure: () => this.#finish(),
    });
    this.#screen = new TerminalScreen(output);
    this.#keys = new KeyReader({
      schedule: clock.schedule,
      onKey: (key) => this.#onEvent({ kind: 'key', key }),
    });
    this.#follower = new ExporterFollower({
      client,
      schedule: clock.schedule,
      wallMs: clock.wallMs,
      wanted: () => wantedRows(this.#state),
      onEvent: (event) => this.#onEvent(event),
    });
    // Of NO_COLOR and TERM, too.
    this.#paint = createPaint(stdout.getColorDepth(process.env) > 1 ? 'colour' : 'mono');
    this.#state = firstState(this.#size(), options.interfaceName);
  }

  async run(): Promise<void> {
    const { process, end } = this.#parts;
    const { stdin, stdout } = process;
    // Also where nothing here gets to run any more.
    this.#on(process, 'exit', () => this.#leave());
    this.#on(process, 'uncaughtException', (error: Error) => this.#finish(error));
    this.#on(process, 'SIGTSTP', () => this.#suspend());
    this.#on(process, 'SIGCONT', () => this.#enter());
    this.#on(stdout, 'resize', () => this.#onResize());
    this.#on(stdout, 'error', () => this.#finish());
    this.#on(stdin, 'data', (bytes: Buffer) => this.#keys.read(bytes));
    this.#on(stdin, 'end', () => this.#finish());
    this.#on(stdin, 'error', () => this.#finish());
    end.addEventListener('abort', () => this.#finish());
    if (end.aborted) return;
    this.#enter();
    void this.#follower.run();
    await this.#finished;
  }

  close(): void {
    this.#follower.close();
    this.#keys.close();
    this.#leave();
    for (const takeOff of this.#listeners) takeOff();
    this.#parts.process.stdin.pause();
  }

  #on(emitter: NodeJS.EventEmitter, name: string, listener: (value: never) => void): void {
    const any = listener as (...values: unknown[]) => void; // each event has its own value
    emitter.on(name, any);
    this.#listeners.push(() => emitter.off(name, any));
  }

  #enter(): void {
    const { stdin } = this.#parts.process;
    // Whoever stopped us may have changed it behind Node's back.
    stdin.setRawMode(false);
    stdin.setRawMode(true);
    stdin.resume();
    this.#screen.enter();
    this.#screen.forget();
    this.#onResize();
  }

  #leave(): void {
    this.#screen.leave(LEAVE_LIMIT_MS);
    const { stdin } = this.#parts.process;
    // After a hangup there is no terminal to set.
    if (!stdin.destroyed) stdin.setRawMode(false);
  }

  /** As Ctrl-Z does elsewhere; the shell says when it goes on. */
  #suspend(): void {
    this.#leave();
    this.#parts.process.kill(this.#parts.process.pid, 'SIGSTOP');
  }

  #size(): TopState['size'] {
    const { columns, rows } = this.#parts.process.stdout;
    return { columns: columns || USUAL_SIZE.columns, lines: rows || USUAL_SIZE.lines };
  }

  #onResize(): void {
    this.#screen.forget();
    this.#onEvent({ kind: 'resize', size: this.#size() });
  }

  #onEvent(event: TopEvent): void {
    if (event.kind === 'key' && event.key.name === 'suspend') {
      this.#suspend();
      return;
    }
    if (event.kind === 'key' && event.key.name === 'redraw') this.#screen.forget();
    const why = this.#parts.ended();
    if (event.kind === 'gone' && why !== undefined) {
      this.#finish(new ExporterError('TOP', `the exporter that it started has ended: ${why}`));
      return;
    }
    this.#state = advance(this.#state, event);
    if (this.#state.isDone) {
      this.#finish();
      return;
    }
    const { symbols } = this.#options;
    const { clockText } = this.#parts;
    const { lines, overlayScroll } = renderScreen(this.#state, { paint: this.#paint, symbols, clockText });
    if (overlayScroll !== this.#state.overlayScroll) {
      this.#state = advance(this.#state, { kind: 'drawn', overlayScroll });
    }
    this.#screen.show(lines);
    const wanted = JSON.stringify(wantedRows(this.#state));
    if (wanted !== this.#wanted) this.#follower.poke();
    this.#wanted = wanted;
  }
}
