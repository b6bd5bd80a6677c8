// SPDX-License-Identifier: Apache-2.0
// Lines that come and go with the configuration: RDMA's readings, and flows on the terminal.

import type { Attachments } from '../attach/attachments.js';
import type { Clock } from '../clock.js';
import type { BooksView } from '../flows/views.js';
import type { Logger } from '../log.js';
import type { FlowPrinter } from '../print/flow-printer.js';
import { connectPrinter, type FlowParts } from './connect-flows.js';
import { connectRdma, type RdmaLine } from './connect-rdma.js';
import { rocePacketsSeen } from './connect-roce.js';
import type { LiveConfig } from './live-config.js';

/** One of them after the other, or none. */
export class LiveLine<Line> {
  readonly #open: () => Line | undefined;
  readonly #close: (line: Line) => void | Promise<void>;
  #line: Line | undefined;

  constructor(open: () => Line | undefined, close: (line: Line) => void | Promise<void>) {
    this.#open = open;
    this.#close = close;
    this.#line = open();
  }

  get line(): Line | undefined {
    return this.#line;
  }

  /** As the configuration is now. */
  async renew(): Promise<void> {
    await this.close();
    this.#line = this.#open();
  }

  async close(): Promise<void> {
    const line = this.#line;
    this.#line = undefined;
    if (line !== undefined) await this.#close(line);
  }
}

export type LiveRdma = LiveLine<RdmaLine>;
export type LivePrinter = LiveLine<FlowPrinter>;

export function openLiveRdma(
  {
    live,
    attachments,
    hostIp,
    ids,
    books,
  }: Pick<FlowParts, 'hostIp' | 'ids'> & {
    readonly live: LiveConfig;
    readonly attachments: Pick<Attachments, 'states'>;
    readonly books: BooksView;
  },
  parts: { readonly log: Logger; readonly clock: Clock },
): LiveRdma {
  const roceSeen = rocePacketsSeen(books, { ids });
  const open = (): RdmaLine | undefined =>
    connectRdma(
      {
        config: live.current,
        get interfaces() {
          return attachments.states.map(({ name }) => name);
        },
        get hostIp() {
          return hostIp.current;
        },
        get collectAgg() {
          return live.current.collectAgg;
        },
        roceSeen,
      },
      parts,
    );
  return new LiveLine(open, (line) => line.close());
}

/** closeLimitMs: for lines that are on their way when it ends. */
export function openLivePrinter(
  flowParts: FlowParts,
  {
    live,
    ...parts
  }: { readonly live: LiveConfig; readonly stdout: NodeJS.WriteStream; readonly log: Logger },
  closeLimitMs: number,
): LivePrinter {
  const interfaceCount = (): number => live.current.interfaces.length;
  return new LiveLine(
    () => connectPrinter(flowParts, { ...parts, interfaceCount }),
    (line) => within(closeLimitMs, (signal) => line.close(signal)),
  );
}

/**
 * Aborts at the limit. Its timer keeps the process alive, unlike that of AbortSignal.timeout(): a
 * terminal that takes nothing does not, and the process would end in the middle of its stop.
 */
async function within(limitMs: number, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
  const limit = new AbortController();
  const timer = setTimeout(() => limit.abort(), limitMs);
  try {
    await task(limit.signal);
  } finally {
    clearTimeout(timer);
  }
}
