// SPDX-License-Identifier: Apache-2.0
// What answers are made of beside the counts: facts about the exporter as they are now, in plain values. Whoever
// wires the exporter gives them.

import type { Budget } from '../flows/budgets.js';
import type { FlowLabelField } from '../metrics/flow-label-fields.js';
import type { PushView } from '../metrics/push-families.js';

export interface WatchedInterface {
  readonly name: string;
  /** `native` or `generic`; undefined where nothing is attached. */
  readonly mode: string | undefined;
  /** Why nothing is attached; one sentence, or empty. */
  readonly note: string;
  /** undefined where there is no such interface, or nobody knows. */
  readonly isUp: boolean | undefined;
}

export interface ExporterFacts {
  readonly version: string;
  /** Wall clock. */
  readonly startedMs: number;
  readonly hostIp: string;
  readonly collectAgg: string;
  readonly intervalMs: number;
  readonly maxSeries: number;
  readonly maxPairs: number;
  /** Whether generic mode was asked for. */
  readonly wantsGeneric: boolean;
  /** Whether flows are left out by the configuration, and by which settings. */
  readonly filters: readonly string[];
  /** Whether RDMA devices are to be read. */
  readonly readsRdma: boolean;
  readonly interfaces: readonly WatchedInterface[];
  /** Why things are not attached: a sentence each. */
  readonly notAttached: readonly string[];
  /** Whether refreshes come, and attached is what counts; one sentence in either case. */
  readonly readiness: { readonly ready: boolean; readonly reason: string };
  /** What left something without series in the last refresh. */
  readonly binding: ReadonlySet<Budget>;
  /** undefined where nothing is pushed. */
  readonly push: PushView | undefined;
  readonly residentMemoryBytes: number;
  readonly cpuSeconds: number;
  readonly eventReaders: number;
  readonly eventReadersLimit: number;
}

export interface FactParts {
  facts(): ExporterFacts;
  interfaceName(id: number): string;
  /** Labels of flows as they are now. */
  flowFields(): readonly FlowLabelField[];
}
