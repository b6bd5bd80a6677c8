// SPDX-License-Identifier: Apache-2.0
// Rounds of readings over a tree of ours, with their real reading process, as lines. For tests only.

import { systemClock } from '../../../src/clock.js';
import { createLogger } from '../../../src/log.js';
import type { Sample } from '../../../src/metrics/definition.js';
import { rdmaFamilies } from '../../../src/metrics/rdma-families.js';
import { createRdmaRounds } from '../../../src/rdma/rounds.js';
import { startRdmaReader } from '../../../src/rdma/start-reader.js';
import { waitFor } from '../conditions.js';

export const HOST = { hostIp: '192.168.1.10', collectAgg: 'lab' } as const;

export interface TestLine {
  refresh(): void;
  close(): void;
  /** Rounds that are over. */
  count(): number;
  /** Refreshes, and waits until that round is shown. */
  round(): Promise<void>;
  /** Lines as of an exposition, without host_ip and collect_agg. */
  lines(pattern?: RegExp): string[];
  readonly logged: string[];
}

export function startLine(options: {
  readonly sysfsPath: string;
  readonly interfaces?: readonly string[];
  roceSeen?(name: string): number;
  readonly limitMs?: number;
  readonly restMs?: number;
}): TestLine {
  const logged: string[] = [];
  const { sysfsPath } = options;
  const rounds = createRdmaRounds(
    {
      sysfsPath,
      owners: { maxOwners: 256, idleTimeoutMs: 300_000 },
      interfaces: options.interfaces ?? ['eth0'],
      roceSeen: () => options.roceSeen ?? (() => 0),
      // Generous where nothing hangs: the machine may be busy.
      limits: { limitMs: options.limitMs ?? 60_000, restMs: options.restMs ?? 0 },
    },
    {
      log: createLogger(
        { level: 'debug', format: 'logfmt' },
        { destination: { write: (text) => logged.push(text) } },
      ),
      clock: systemClock(),
      startReader: () => startRdmaReader(sysfsPath),
    },
  );
  return {
    refresh: () => rounds.refresh(),
    close: () => rounds.close(),
    count: () => rounds.count,
    logged,
    async round() {
      const before = rounds.count;
      rounds.refresh();
      await waitFor('the round to be over', () => rounds.count > before);
    },
    lines(pattern = /./) {
      const view = rounds.view();
      return (view === undefined ? [] : rdmaFamilies(view, HOST))
        .flatMap(({ name, samples }) =>
          samples.map((sample) => `${name}${labelText(sample)} ${sample.value}`),
        )
        .filter((text) => pattern.test(text));
    },
  };
}

function labelText({ labels }: Sample): string {
  const own = labels.filter(([name]) => name !== 'host_ip' && name !== 'collect_agg');
  return `{${own.map(([name, value]) => `${name}="${value}"`).join(',')}}`;
}
