// SPDX-License-Identifier: Apache-2.0
// Facts of other rooms in the terms of the metrics about ourselves.

import { readdirSync } from 'node:fs';
import { FRAMING, type Framing } from '../abi/kinds.js';
import type { AttachmentState } from '../attach/attachments.js';
import type { Config } from '../config/config.js';
import type { Refresh } from '../daemon.js';
import type { KernelMaps } from '../kernel/kernel-maps.js';
import { slotCount } from '../kernel/slot-sizing.js';
import type { ConfiguredLimits, InterfaceState, SelfMetrics } from '../metrics/self-metrics.js';

const FRAMING_NAMES = {
  [FRAMING.ethernet]: 'ethernet',
  [FRAMING.infiniband]: 'infiniband',
  [FRAMING.l3]: 'l3',
} as const satisfies Record<Framing, string>;

/** countsRefused: whether flows that the kernel's map refused would be as many under the labels that are shown. */
export function recordRefresh(
  selfMetrics: SelfMetrics,
  maps: KernelMaps,
  refresh: Refresh,
  { countsRefused }: { readonly countsRefused: boolean },
): void {
  const { result, summary } = refresh;
  const { entries } = result;
  selfMetrics.recordRefresh({
    ok: result.error === undefined,
    durationMs: refresh.durationMs,
    finishedAtMs: refresh.finishedAtMs,
  });
  // As the filter does with those that have rows.
  const refused = countsRefused ? Math.round(result.unseenFlows * summary.wantedShare) : 0;
  selfMetrics.setFlows({ active: summary.flows + refused, series: summary.series });
  for (const [reason, count] of Object.entries(summary.ended)) selfMetrics.recordSeriesEnded(reason, count);
  selfMetrics.setKernelMap('flows4', entries.flows4, maps.flowCapacity);
  selfMetrics.setKernelMap('flows6', entries.flows6, maps.flowCapacity);
  selfMetrics.setKernelMap('slots4', entries.slots4, slotCount(maps.slotSizes, 'slots4'));
  selfMetrics.setKernelMap('slots6', entries.slots6, slotCount(maps.slotSizes, 'slots6'));
  selfMetrics.setKernelMap('roce', entries.roce, maps.roceCapacity);
  selfMetrics.setUnattributedPackets(result.unattributedPackets);
}

export function limitsShown({ intervalMs, flows }: Config): ConfiguredLimits {
  return {
    refreshIntervalMs: intervalMs,
    seriesLimit: flows.maxSeries,
    expositionBudgetBytes: flows.maxExpositionBytes,
  };
}

export function selfMetricsState(state: AttachmentState): InterfaceState {
  const { name, attached, mode, framing } = state;
  if (!attached || mode === undefined || framing === undefined) return { name };
  return { name, attached: { mode, framing: FRAMING_NAMES[framing], frags: state.frags === true } };
}

/** undefined where there is no /proc: the metric is left out. */
export function countOpenFds(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined;
  }
}
