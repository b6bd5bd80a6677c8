// SPDX-License-Identifier: Apache-2.0
// The flow table and the printer, wired as configured.

import { randomBytes } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Framing } from '../abi/kinds.js';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Config } from '../config/config.js';
import type { Audience } from '../flows/audience.js';
import { createFilter } from '../flows/filter.js';
import { createFlowAccounts, type FlowAccounts } from '../flows/flow-accounts.js';
import type { Logger } from '../log.js';
import type { FlowLabelOptions } from '../metrics/flow-label-fields.js';
import { createFlowLabelRenderer, flowAddressText } from '../metrics/flow-labels.js';
import { createFlowLineRenderer } from '../print/flow-line.js';
import { createFlowPrinter, type FlowPrinter } from '../print/flow-printer.js';
import { openFlowOutput } from '../print/terminal-output.js';

export interface FlowParts {
  readonly config: Config;
  /** Changes between refreshes: whoever needs it asks each time. */
  readonly hostIp: { readonly current: string };
  readonly ids: InterfaceIds;
}

/** What stands in the labels of every flow, whoever renders them. */
export function flowLabelOptions({ config, hostIp, ids }: FlowParts): FlowLabelOptions {
  return {
    interfaceName: (id) => ids.nameOf(id),
    get hostIp() {
      return hostIp.current;
    },
    collectAgg: config.collectAgg,
    vlan: config.flows.vlan,
    queuePair: config.roce.perQueuePair,
  };
}

export function connectAccounts(
  flowParts: FlowParts,
  parts: {
    linkFraming(interfaceId: number): Framing | undefined;
    readonly audience: Audience;
  },
): FlowAccounts {
  const { config } = flowParts;
  const labels = createFlowLabelRenderer(flowLabelOptions(flowParts));
  return createFlowAccounts(
    {
      maxSeries: config.flows.maxSeries,
      maxNewSeriesPerMinute: config.flows.maxNewSeriesPerMinute,
      idleTimeoutMs: config.flows.idleTimeoutMs,
      intervalMs: config.intervalMs,
      newSeries: config.flows.newSeries,
      holdMaxMs: config.flows.holdMaxMs,
      hashSeed: randomBytes(4).readUInt32LE(),
      maxLabelBytes: labels.maxLabelBytes,
    },
    {
      keep: createFilter({
        filter: config.filter,
        excludeDns: config.excludeDns,
        linkFraming: parts.linkFraming,
      }),
      renderLabels: labels.render,
      yieldToLoop: () => nextTurn(),
      audience: parts.audience,
    },
  );
}

/** undefined where nothing is to be printed. */
export function connectPrinter(
  { config, hostIp, ids }: FlowParts,
  parts: { readonly stdout: NodeJS.WriteStream; readonly interfaceCount: number; readonly log: Logger },
): FlowPrinter | undefined {
  const { stdout, log } = parts;
  const wanted = config.print === 'always' || (config.print === 'auto' && stdout.isTTY);
  if (!wanted) return undefined;
  const renderLine = createFlowLineRenderer(
    {
      get hostIp() {
        return hostIp.current;
      },
      withInterface: parts.interfaceCount > 1,
    },
    { formatIp: flowAddressText, interfaceName: (id) => ids.nameOf(id) },
  );
  return createFlowPrinter({
    out: openFlowOutput(stdout),
    renderLine,
    onFailure: (error) => log.warn({ err: error }, 'printing flows ended: stdout cannot be written'),
  });
}
