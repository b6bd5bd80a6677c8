// SPDX-License-Identifier: Apache-2.0
// The RDMA line over a tree of ours, with its real reading process. For tests only.

import { connectRdma, type RdmaLine } from '../../src/compose/connect-rdma.js';
import { createLogger } from '../../src/log.js';
import type { Sample } from '../../src/metrics/family.js';
import { waitFor } from '../support/conditions.js';

export const HOST = { hostIp: '192.168.1.10', collectAgg: 'lab' } as const;

export interface TestLine extends RdmaLine {
  /** Refreshes, and waits until that round is shown. */
  round(): Promise<void>;
  /** Lines as of an exposition, without host_ip and collect_agg. */
  lines(pattern?: RegExp): string[];
  readonly logged: string[];
}

export function startLine(options: {
  readonly sysfsPath: string;
  readonly interfaces?: readonly string[];
  readonly enabled?: boolean;
  readonly roceSeen?: (name: string) => number;
  readonly limitMs?: number;
  readonly restMs?: number;
}): TestLine {
  const logged: string[] = [];
  const line = connectRdma(
    {
      config: { rdma: { enabled: options.enabled ?? true, sysfsPath: options.sysfsPath } },
      interfaces: options.interfaces ?? ['eth0'],
      ...HOST,
      roceSeen: options.roceSeen ?? (() => 0),
      // Generous where nothing hangs: the machine may be busy.
      limits: { limitMs: options.limitMs ?? 60_000, restMs: options.restMs ?? 0 },
    },
    {
      log: createLogger(
        { level: 'debug', format: 'logfmt' },
        { destination: { write: (text) => logged.push(text) } },
      ),
      nowMs: () => performance.now(),
      schedule(task, delayMs) {
        const timer = setTimeout(task, delayMs);
        return () => clearTimeout(timer);
      },
    },
  );
  return {
    ...line,
    logged,
    async round() {
      const before = line.rounds();
      line.refresh();
      await waitFor('the round to be over', () => line.rounds() > before);
    },
    lines: (pattern = /./) =>
      line
        .families()
        .flatMap(({ name, samples }) =>
          samples.map((sample) => `${name}${labelText(sample)} ${sample.value}`),
        )
        .filter((text) => pattern.test(text)),
  };
}

function labelText({ labels }: Sample): string {
  const own = labels.filter(([name]) => name !== 'host_ip' && name !== 'collect_agg');
  return `{${own.map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}
