// SPDX-License-Identifier: Apache-2.0
// Flow lines on stdout, once an interval. Printing is a courtesy: whoever reads may be slow or go
// away, and neither may hold up or end the exporter. So lines are skipped, and told, instead.

import type { Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { BooksView, SeriesView } from '../flows/views.js';
import type { RenderFlowLine } from './flow-line.js';
import { renderIntervalLine } from './interval-line.js';
import { activeRows, rowsByBytes } from './rows-by-bytes.js';

export interface FlowPrinterParts {
  /** The printer listens to its drain, error and close. */
  readonly out: Writable;
  readonly renderLine: RenderFlowLine;
  /** For people: the largest first, below a line of the interval's totals. undefined: a line for each flow, as they come. */
  readonly terminal?: IntervalClock;
  /** Told once when printing ends because the output failed; not for a reader that went away. */
  onFailure(error: Error): void;
}

export interface IntervalClock {
  /** Milliseconds since 1970. */
  wallMs(): number;
  /** Monotonic. */
  nowMs(): number;
}

export interface FlowPrinter {
  /**
   * Prints every flow of the view that had packets in the last interval. Resolves when the view is
   * no longer read (the lines may still be on their way); never rejects.
   */
  print(view: SeriesView, books: BooksView): Promise<void>;
  /** Resolves when all lines are out, or at the signal; prints nothing afterwards. */
  close(signal: AbortSignal): Promise<void>;
}

/** Lines rendered in one turn of the event loop: 0.6 ms, measured. */
const LINES_PER_TURN = 1000;

/** Text that may wait for a slow reader; some 150,000 lines. */
const PENDING_MAX_CHARS = 16 << 20;

export function createFlowPrinter(parts: FlowPrinterParts): FlowPrinter {
  return new StreamPrinter(parts);
}

class StreamPrinter implements FlowPrinter {
  readonly #out: Writable;
  readonly #parts: FlowPrinterParts;
  #pending: string[] = [];
  #pendingChars = 0;
  /** The stream asked to wait for its drain. */
  #isBlocked = false;
  #isRendering = false;
  #isEnded = false;
  #skippedLines = 0;
  /** Packets of flows since start, as of the last call. */
  #carried: Amount = { packets: 0, bytes: 0 };
  /** When print() was called last. */
  #printedAtMs: number | undefined;
  #onIdle: (() => void) | undefined;

  constructor(parts: FlowPrinterParts) {
    this.#parts = parts;
    this.#out = parts.out;
    this.#out.on('drain', () => {
      this.#isBlocked = false;
      this.#pump();
    });
    this.#out.on('close', () => this.#end());
    this.#out.on('error', (error: NodeJS.ErrnoException) => {
      if (!this.#isEnded && error.code !== 'EPIPE') parts.onFailure(error);
      this.#end();
    });
  }

  async print(view: SeriesView, books: BooksView): Promise<void> {
    if (this.#isEnded) return;
    const carried = sumOfFlows(books);
    const interval = subtract(carried, this.#carried);
    this.#carried = carried;
    const elapsedMs = this.#elapsedMs();
    if (this.#isRendering || this.#isBlocked || this.#pending.length > 0) {
      this.#skippedLines += activeRows(view).length;
      return;
    }
    this.#isRendering = true;
    try {
      await this.#renderAll(view, interval, elapsedMs);
    } finally {
      this.#isRendering = false;
    }
  }

  /** Since the last call; undefined at the first. */
  #elapsedMs(): number | undefined {
    const nowMs = this.#parts.terminal?.nowMs();
    const beforeMs = this.#printedAtMs;
    this.#printedAtMs = nowMs;
    return nowMs === undefined || beforeMs === undefined ? undefined : nowMs - beforeMs;
  }

  /** `interval`: what all flows carried in it, with a series or without. */
  async #renderAll(view: SeriesView, interval: Amount, elapsedMs: number | undefined): Promise<void> {
    if (this.#skippedLines > 0) {
      this.#send(`... ${this.#skippedLines} flow lines skipped: the reader of this output is slow\n`);
      this.#skippedLines = 0;
    }
    const { terminal } = this.#parts;
    const rows = terminal === undefined ? activeRows(view) : await rowsByBytes(view);
    let { packets, bytes } = interval;
    let lines: string[] = [];
    if (terminal !== undefined) {
      const at = new Date(terminal.wallMs());
      lines.push(renderIntervalLine(at, { flows: rows.length, packets, bytes, elapsedMs }));
    }
    for (const row of rows) {
      if (this.#isEnded) return;
      packets -= view.intervalPackets[row] ?? 0;
      bytes -= view.intervalBytes[row] ?? 0;
      if (this.#pendingChars > PENDING_MAX_CHARS) {
        this.#skippedLines++;
        continue;
      }
      lines.push(this.#parts.renderLine(view, row));
      if (lines.length >= LINES_PER_TURN) {
        this.#send(`${lines.join('\n')}\n`);
        lines = [];
        await setImmediate();
      }
    }
    if (packets > 0) lines.push(`... and ${packets} more packets ${bytes} bytes without a series`);
    if (lines.length > 0) this.#send(`${lines.join('\n')}\n`);
  }

  #send(text: string): void {
    if (this.#isEnded) return;
    this.#pending.push(text);
    this.#pendingChars += text.length;
    this.#pump();
  }

  #pump(): void {
    while (!this.#isBlocked && !this.#isEnded) {
      const text = this.#pending.shift();
      if (text === undefined) {
        this.#onIdle?.();
        return;
      }
      this.#pendingChars -= text.length;
      this.#isBlocked = !this.#out.write(text);
    }
  }

  #end(): void {
    this.#isEnded = true;
    this.#pending = [];
    this.#pendingChars = 0;
    this.#onIdle?.();
  }

  async close(signal: AbortSignal): Promise<void> {
    if (!this.#isEnded && !signal.aborted && (this.#isBlocked || this.#pending.length > 0)) {
      await new Promise<void>((resolve) => {
        this.#onIdle = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    this.#end();
  }
}

interface Amount {
  readonly packets: number;
  readonly bytes: number;
}

/**
 * What was carried since start and is a flow that should be shown. Not the sum of `max_series`: a
 * series that is displaced takes all it ever counted there.
 */
function sumOfFlows(books: BooksView): Amount {
  let packets = 0;
  let bytes = 0;
  for (const row of books.interfaces) {
    packets += row.packets;
    bytes += row.bytes;
  }
  for (const row of books.others) {
    if (row.reason !== 'filtered' && row.reason !== 'non_ip' && row.reason !== 'malformed') continue;
    packets -= row.packets;
    bytes -= row.bytes;
  }
  return { packets, bytes };
}

function subtract(a: Amount, b: Amount): Amount {
  return { packets: a.packets - b.packets, bytes: a.bytes - b.bytes };
}
