// SPDX-License-Identifier: Apache-2.0
// The flow table and the printer, wired as configured.

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Framing } from '../abi/kinds.js';
import type { InterfaceIds } from '../attach/interface-ids.js';
import { systemClock } from '../clock.js';
import type { Config } from '../config/config.js';
import { flowDetail } from '../config/flow-labels.js';
import type { Audience } from '../flows/audience.js';
import type { ExpositionBudget } from '../flows/exposition-budget.js';
import { createFilter, type FlowFilter } from '../flows/filter.js';
import {
  createFlowAccounts,
  type FlowAccounts,
  type FlowAccountsChange,
  type FlowAccountsOptions,
} from '../flows/flow-accounts.js';
import { createKeyMerger } from '../flows/key-merger.js';
import type { NetworkBytes } from '../flows/network-bytes.js';
import { createRuleFilter } from '../flows/rule-filter.js';
import type { Logger } from '../log.js';
import type { FlowLabelOptions } from '../metrics/flow-label-fields.js';
import { createFlowLabelRenderer, flowAddressText } from '../metrics/flow-labels.js';
import { flowLineCost } from '../metrics/line-costs.js';
import type { FollowedNetworks } from '../networks/followed-networks.js';
import { createFlowLineRenderer } from '../print/flow-line.js';
import { createFlowPrinter, type FlowPrinter } from '../print/flow-printer.js';
import { openFlowOutput } from '../print/terminal-output.js';

export interface FlowParts {
  /** Changes between refreshes, too. */
  readonly config: Config;
  /** Changes between refreshes: whoever needs it asks each time. */
  readonly hostIp: { readonly current: string };
  readonly ids: InterfaceIds;
  /** Names of addresses. */
  readonly networks: FollowedNetworks;
}

/** What stands in the labels of every flow, whoever renders them. */
export function flowLabelOptions({ config, hostIp, ids, networks }: FlowParts): FlowLabelOptions {
  const { vlan, queuePair, dscp, srcNetwork, dstNetwork } = flowDetail(
    config.flows,
    config.roce.perQueuePair,
  );
  return {
    interfaceName: (id) => ids.nameOf(id),
    get hostIp() {
      return hostIp.current;
    },
    collectAgg: config.collectAgg,
    labels: config.flows.labels,
    vlan,
    queuePair,
    dscp,
    networks: { src: srcNetwork, dst: dstNetwork, nameOf: (number) => networks.names.nameOf(number) },
    direction: config.flows.labels.includes('direction'),
  };
}

/** Whether labels show a network in place of an address: flows the kernel tells apart are then fewer. */
export function hidesAddresses({ flows, roce }: Config): boolean {
  const { srcIp, dstIp, srcNetwork, dstNetwork } = flowDetail(flows, roce.perQueuePair);
  return (srcNetwork && !srcIp) || (dstNetwork && !dstIp);
}

export interface AccountsParts {
  linkFraming(interfaceId: number): Framing | undefined;
  readonly networkBytes: NetworkBytes;
}

export function connectAccounts(
  flowParts: FlowParts,
  parts: AccountsParts & { readonly audience: Audience; readonly budget: ExpositionBudget },
): FlowAccounts {
  const { options, change } = accountsAsConfigured(flowParts, parts);
  return createFlowAccounts(options, {
    ...change,
    yieldToLoop: () => nextTurn(),
    audience: parts.audience,
    budget: parts.budget,
  });
}

/** As the configuration is now, at the start and whenever it has changed. */
export function accountsAsConfigured(
  flowParts: FlowParts,
  parts: AccountsParts,
): { readonly options: FlowAccountsOptions; readonly change: FlowAccountsChange } {
  const { flows, web, roce, intervalMs } = flowParts.config;
  const detail = flowDetail(flows, roce.perQueuePair);
  const labels = createFlowLabelRenderer(flowLabelOptions(flowParts));
  return {
    options: {
      maxSeries: flows.maxSeries,
      maxNewSeriesPerMinute: flows.maxNewSeriesPerMinute,
      idleTimeoutMs: flows.idleTimeoutMs,
      intervalMs,
      newSeries: flows.newSeries,
      holdMaxMs: flows.holdMaxMs,
      hashSeed: randomBytes(4).readUInt32LE(),
      maxLabelBytes: labels.maxLabelBytes,
      lineCost: flowLineCost({ ...web, gauges: flows.gauges, labelCount: labels.labelCount }),
    },
    change: {
      keep: wantedFlows(flowParts, parts.linkFraming),
      renderLabels: labels.render,
      networkBytes: detail.srcNetwork || detail.dstNetwork ? parts.networkBytes : undefined,
      mergeKey: createKeyMerger(detail, flowParts.networks),
    },
  };
}

/** By kind and resolvers, then by the operator's rules. */
export function wantedFlows(
  { config, ids }: FlowParts,
  linkFraming: (interfaceId: number) => Framing | undefined,
): FlowFilter {
  const { filter, excludeDns, flows } = config;
  const isOfKind = createFilter({ filter, excludeDns, linkFraming });
  if (flows.include.length === 0 && flows.exclude.length === 0) return isOfKind;
  const isMeant = createRuleFilter({ ...flows, interfaceName: (id) => ids.nameOf(id) });
  return (keys, wordOffset) => isOfKind(keys, wordOffset) && isMeant(keys, wordOffset);
}

/** undefined where nothing is to be printed. */
export function connectPrinter(
  { config, hostIp, ids }: FlowParts,
  parts: { readonly stdout: NodeJS.WriteStream; interfaceCount(): number; readonly log: Logger },
): FlowPrinter | undefined {
  const { stdout, log } = parts;
  const clock = systemClock();
  const wanted = config.print === 'always' || (config.print === 'auto' && stdout.isTTY);
  if (!wanted) return undefined;
  const renderLine = createFlowLineRenderer(
    {
      get hostIp() {
        return hostIp.current;
      },
      get withInterface() {
        return parts.interfaceCount() > 1;
      },
    },
    { formatIp: flowAddressText, interfaceName: (id) => ids.nameOf(id) },
  );
  return createFlowPrinter({
    out: openFlowOutput(stdout),
    renderLine,
    ...(stdout.isTTY ? { terminal: { wallMs: clock.wallMs, nowMs: clock.nowMs } } : {}),
    onFailure: (error) => log.warn({ err: error }, 'printing flows ended: stdout cannot be written'),
  });
}
