// SPDX-License-Identifier: Apache-2.0
// Lines that come and go with the configuration: RDMA's and NICs' readings, and flows on the terminal.

import type { Clock } from '../clock.js';
import { hasPatterns, parseInterfacePatterns } from '../interface-patterns.js';
import type { Logger } from '../log.js';
import type { FlowPrinter } from '../print/flow-printer.js';
import { connectPrinter, type FlowParts } from './connect-flows.js';
import { connectNic, type NicLine } from './connect-nic.js';
import { connectRdma, type RdmaLine } from './connect-rdma.js';
import type { RocePacketsSeen } from './connect-roce.js';
import type { LiveConfig } from './live-config.js';
import { type WatchedHostParts, watchedHost } from './watched-host.js';
import { within } from './within.js';

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
export type LiveNic = LiveLine<NicLine>;
export type LivePrinter = LiveLine<FlowPrinter>;

export function openLiveRdma(
  {
    ids,
    roceSeen,
    ...host
  }: Pick<FlowParts, 'ids'> & { readonly roceSeen: Pick<RocePacketsSeen, 'now'> } & WatchedHostParts,
  parts: { readonly log: Logger; readonly clock: Clock },
): LiveRdma {
  const open = (): RdmaLine | undefined =>
    connectRdma(
      {
        config: host.live.current,
        host: watchedHost(host),
        interfaceName: (id) => ids.nameOf(id),
        roceSeen: () => roceSeen.now(),
      },
      parts,
    );
  return new LiveLine(open, (line) => line.close());
}

export function openLiveNic(
  host: WatchedHostParts,
  parts: { readonly log: Logger; readonly clock: Clock },
): LiveNic {
  const open = (): NicLine | undefined =>
    connectNic({ config: host.live.current, host: watchedHost(host) }, parts);
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
  const interfaceCount = (): number => {
    const patterns = parseInterfacePatterns(live.current.interfaces);
    return hasPatterns(patterns) ? Number.POSITIVE_INFINITY : patterns.names.length;
  };
  return new LiveLine(
    () => connectPrinter(flowParts, { ...parts, interfaceCount }),
    (line) => within(closeLimitMs, (signal) => line.close(signal)),
  );
}
