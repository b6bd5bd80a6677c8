// SPDX-License-Identifier: Apache-2.0
// Another configuration for the running exporter. What can fail comes first; then, between two refreshes, every
// part takes over what concerns it. Where the kernel must count otherwise, another object comes in the place of
// the present one from one packet to the next, and what that has counted is taken in before anything changes.

import { isDeepStrictEqual } from 'node:util';
import type { Attachments } from '../attach/attachments.js';
import { loadReplacements } from '../attach/replace-program.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import { flowDetail } from '../config/flow-labels.js';
import type { Daemon } from '../daemon.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import type { ExpositionBudget } from '../flows/exposition-budget.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { Netdev } from '../kernel/netdev.js';
import type { Logger } from '../log.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import type { ReplaceableNetworks } from '../networks/replaceable-networks.js';
import type { LinkTable } from '../system/link-table.js';
import { interfacesMeant } from './choose-interfaces.js';
import { type AccountsParts, accountsAsConfigured, type FlowParts } from './connect-flows.js';
import { programsOf } from './connect-kernel.js';
import { connectNetworks } from './connect-networks.js';
import type { RoceLine } from './connect-roce.js';
import type { ServedWeb } from './connect-web.js';
import { limitsShown } from './feed-self-metrics.js';
import { seriesIdentity } from './keep-state.js';
import type { LiveConfig } from './live-config.js';
import type { LiveKernel } from './live-kernel.js';
import type { LiveNic, LivePrinter, LiveRdma } from './live-lines.js';
import type { LivePush } from './live-push.js';
import { loadSweepFor } from './open-kernel.js';

export interface ReconfigureParts {
  readonly live: LiveConfig;
  readonly kernel: LiveKernel;
  readonly netdev: Netdev;
  readonly linkTable: LinkTable;
  readonly attachments: Attachments;
  readonly networks: ReplaceableNetworks;
  readonly flowParts: FlowParts;
  readonly accounts: FlowAccounts;
  readonly accountsParts: AccountsParts;
  readonly budget: ExpositionBudget;
  readonly roce: Pick<RoceLine, 'reconfigure'> | undefined;
  readonly rdma: LiveRdma;
  readonly nic: LiveNic;
  readonly printer: LivePrinter;
  readonly web: Pick<ServedWeb, 'renew' | 'switchPageOn'>;
  readonly push: LivePush;
  readonly pushLimitMs: number;
  shown(): Promise<ExpositionInput>;
  readonly daemon: Pick<Daemon, 'reconfigure'>;
  readonly selfMetrics: SelfMetrics;
  /** The configuration is another one now; for what is not in here. */
  onConfigured(config: Config): void;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Both halves of the maps that a replaced program has written: it may have begun with either. */
const REFRESHES_OF_FORMER = 2;

/**
 * Takes over another configuration. Rejects with one sentence, mostly an ExporterError: the present one then goes
 * on whole. Resolves with a sentence where a part of it could not be brought into force.
 */
export async function reconfigure(config: Config, parts: ReconfigureParts): Promise<string | undefined> {
  const { live, kernel, attachments, networks, daemon, log, clock } = parts;
  const { names } = networks;
  await parts.push.loadFor(config);
  const nextNetworks = isDeepStrictEqual(networkUse(live.current), networkUse(config))
    ? undefined
    : await connectNetworks(config, { log, clock, names });
  const opened = kernel.loadNext(config);
  let isTaken = false;
  let problem: string | undefined;
  try {
    const programs = opened && programsOf(opened.object, config, opened.links);
    if (opened !== undefined && programs !== undefined) {
      // A refusal is to be known while the present object still runs everywhere.
      await loadReplacements(attachments.states, programs);
      await loadSweepFor(config, opened);
    }
    await daemon.reconfigure(
      () => {
        if (programs !== undefined) attachments.replacePrograms(programs);
        isTaken = true;
        return opened === undefined ? 0 : REFRESHES_OF_FORMER;
      },
      async (hasRefreshed) => {
        live.current = config;
        if (opened !== undefined) kernel.replace(opened, config, hasRefreshed);
        if (nextNetworks !== undefined) networks.replace(nextNetworks);
        try {
          const taken = await takeOver(live.whole, parts);
          problem = taken.problem;
          // The next one tries these two again, and nothing else: to make all anew would end series.
          live.whole = taken.hasPage ? config : { ...config, web: { ...config.web, ui: false } };
        } catch (error) {
          problem = error instanceof Error ? error.message : String(error);
        }
        return config;
      },
    );
    return problem;
  } finally {
    if (!isTaken) {
      opened?.discard();
      nextNetworks?.stop();
    }
  }
}

interface TakenOver {
  /** What is not in force, in a sentence: the page, or pushing. */
  readonly problem: string | undefined;
  readonly hasPage: boolean;
}

async function takeOver(before: Config, parts: ReconfigureParts): Promise<TakenOver> {
  const { live, flowParts, attachments, selfMetrics, web } = parts;
  const config = live.current;
  const [was, is] = [seriesIdentity(before, flowParts), seriesIdentity(config, flowParts)];
  parts.budget.limitBytes = config.flows.maxExpositionBytes;
  parts.onConfigured(config);
  selfMetrics.configure(limitsShown(config));
  if (!isDeepStrictEqual(accountsUse(before), accountsUse(config))) {
    await changeAccounts(
      parts,
      was.labels !== is.labels ? 'all' : was.filter !== is.filter ? 'unwanted' : 'none',
    );
  }
  await parts.roce?.reconfigure(was.pairs !== is.pairs);
  const { interfaces, interfacesGiven } = config;
  if (!isDeepStrictEqual([interfaces, interfacesGiven], [before.interfaces, before.interfacesGiven])) {
    attachments.setInterfaces(interfacesMeant(config, parts));
  }
  if (!isDeepStrictEqual(before.rdma, config.rdma)) await parts.rdma.renew();
  if (!isDeepStrictEqual(before.nic, config.nic)) await parts.nic.renew();
  if (before.print !== config.print) await parts.printer.renew();
  // Not where it need not be: what clients have not taken yet stays in memory beside it.
  if (!isDeepStrictEqual(accountsUse(before), accountsUse(config))) web.renew();
  const page = before.web.ui || !config.web.ui ? undefined : web.switchPageOn();
  const problems = page === undefined ? [] : [`all but the page is in force: ${page.problem}`];
  try {
    const change = { hasNewFlowLabels: was.labels !== is.labels };
    await parts.push.reconfigure(parts.shown, change, parts.pushLimitMs);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    problems.push(`all but push is in force, and pushing has ended: ${message}`);
  }
  return { problem: problems.length === 0 ? undefined : problems.join('; '), hasPage: page === undefined };
}

async function changeAccounts(parts: ReconfigureParts, toEnd: 'none' | 'unwanted' | 'all'): Promise<void> {
  const { accounts, selfMetrics } = parts;
  const { options, change } = accountsAsConfigured(parts.flowParts, parts.accountsParts);
  const ended = await accounts.reconfigure(options, change, toEnd);
  for (const [reason, count] of Object.entries(ended)) selfMetrics.recordSeriesEnded(reason, count);
  selfMetrics.setSeries(accounts.series.count);
}

function networkUse({ networks, flows, roce }: Config): object {
  const { srcNetwork, dstNetwork } = flowDetail(flows, roce.perQueuePair);
  const { ipv4PrefixLength, ipv6PrefixLength } = flows;
  const kept = srcNetwork || dstNetwork ? { ipv4PrefixLength, ipv6PrefixLength } : undefined;
  return { networks, kept };
}

/** What flow accounts go by. */
function accountsUse({ flows, roce, web, filter, excludeDns, collectAgg, intervalMs }: Config): object {
  const { perQueuePair } = roce;
  const { openmetricsCreated } = web;
  return { flows, perQueuePair, openmetricsCreated, filter, excludeDns, collectAgg, intervalMs };
}
