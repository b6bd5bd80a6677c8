// SPDX-License-Identifier: Apache-2.0
// What follows the counts in each refresh, by the parts of the running exporter.

import type { Attachments } from '../attach/attachments.js';
import type { RefreshSteps } from '../daemon.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import type { LinkTable } from '../system/link-table.js';
import { hidesAddresses } from './connect-flows.js';
import type { LiveViewLine } from './connect-live-view.js';
import type { RoceLine } from './connect-roce.js';
import { recordRefresh } from './feed-self-metrics.js';
import type { ExpositionFit } from './fit-exposition.js';
import type { LiveConfig } from './live-config.js';
import type { LiveKernel } from './live-kernel.js';
import type { LiveNic, LivePrinter, LiveRdma } from './live-lines.js';
import type { LivePush } from './live-push.js';

export interface RefreshStepsParts {
  readonly live: LiveConfig;
  readonly kernel: LiveKernel;
  readonly attachments: Attachments;
  readonly linkTable: Pick<LinkTable, 'overruns'>;
  readonly networks: { adopt(): void };
  readonly accounts: FlowAccounts;
  readonly roce: RoceLine | undefined;
  readonly rdma: LiveRdma;
  readonly nic: LiveNic;
  readonly printer: LivePrinter;
  readonly liveView: Pick<LiveViewLine, 'begin' | 'show'>;
  readonly push: LivePush;
  readonly fit: ExpositionFit;
  readonly selfMetrics: SelfMetrics;
  readonly followHostIp: RefreshSteps['followHostIp'];
  readonly keepState: RefreshSteps['keepState'];
  shown(): Promise<ExpositionInput>;
}

export function refreshSteps(parts: RefreshStepsParts): RefreshSteps {
  const { live, kernel, attachments, accounts, roce, rdma, nic, printer, push, selfMetrics } = parts;
  return {
    record(refresh) {
      recordRefresh(selfMetrics, kernel.maps, refresh, { countsRefused: !hidesAddresses(live.current) });
      selfMetrics.setLinkEvents({ refused: attachments.refused, overruns: parts.linkTable.overruns });
      parts.networks.adopt();
      for (const { attached, id, framing } of attachments.states) {
        if (attached && framing !== undefined) accounts.openInterface(id, framing);
      }
    },
    followHostIp() {
      parts.liveView.begin();
      return parts.followHostIp();
    },
    async addRoce({ result, finishedAtMs, number }) {
      await roce?.apply(result, finishedAtMs, number);
      if (roce !== undefined) await rdma.line?.addRoce(result.roceRows);
    },
    fitExposition: parts.fit.step,
    async keepState() {
      kernel.noteCounted();
      await parts.keepState();
    },
    clearDrained: () => kernel.clear(),
    readRdma() {
      rdma.line?.refresh();
      nic.line?.refresh();
    },
    async show(refresh) {
      await parts.liveView.show(refresh);
      await printer.line?.print(accounts.series, accounts.books);
    },
    async push({ finishedAtMs }) {
      if (push.line !== undefined) await push.line.push(await parts.shown(), finishedAtMs);
    },
  };
}
