// SPDX-License-Identifier: Apache-2.0
// What a refresh shows, the same to those who scrape and to those it is pushed to.

import type { Attachments } from '../attach/attachments.js';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { ExpositionInput } from '../exposition/render-exposition.js';
import { ALL_SUBJECTS, isSelected, type Selection, type Subject } from '../exposition/selection.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import { bookFamilies } from '../metrics/book-families.js';
import { countingSince, type Family } from '../metrics/definition.js';
import { type FlowFamilies, flowFamilies } from '../metrics/flow-families.js';
import type { SelfMetrics } from '../metrics/self-metrics.js';
import { selfMetricsState } from './feed-self-metrics.js';
import type { CountingStarts } from './keep-state.js';

/**
 * To be called within the daemon's guard; whole while no refresh changes the accounts. For those who scrape
 * it shows a refresh by its number. What is pushed has none: no series waits at 0 there, nothing is pending.
 */
export interface Snapshot {
  families(refresh?: number, selection?: Selection): Promise<readonly Family[]>;
  flows(refresh?: number): FlowFamilies;
  /** Counters as they went on from a former process; before the first refresh. */
  former(): Promise<ExpositionInput>;
  /** Families behind the others, from now on. */
  append(families: () => readonly Family[]): void;
}

/** May change. */
export interface SnapshotOptions {
  readonly hostIp: { readonly current: string };
  readonly collectAgg: string;
  readonly flowGauges: boolean;
}

export function createSnapshot(
  options: SnapshotOptions,
  parts: {
    readonly ids: InterfaceIds;
    readonly attachments: Attachments;
    readonly accounts: FlowAccounts;
    readonly selfMetrics: SelfMetrics;
    /** Since when counters count that go on from a former process. */
    readonly starts: Readonly<CountingStarts> | undefined;
    /** What RoCE headers tell; none where they are not read. */
    roceFamilies(refresh?: number): Promise<readonly Family[]>;
    /** What RDMA devices count themselves, and what of RoCE can be seen. */
    rdmaFamilies(): readonly Family[];
    /** What network cards count. */
    nicFamilies(): readonly Family[];
    /** About networks that have names. */
    networkFamilies(): readonly Family[];
  },
): Snapshot {
  const { ids, attachments, accounts, selfMetrics } = parts;
  const appended: (() => readonly Family[])[] = [];
  const interfaceName = (id: number): string => ids.nameOf(id);
  const startedMs = Date.now();
  const snapshot: Snapshot = {
    async families(refresh, selection = ALL_SUBJECTS) {
      const isPushed = refresh === undefined;
      const has = (subject: Subject): boolean => isSelected(selection, subject);
      selfMetrics.setInterfaces(attachments.states.map(selfMetricsState));
      const bookOptions = {
        interfaceName,
        collectAgg: options.collectAgg,
        hostIp: options.hostIp.current,
        isPushed,
      };
      const books = has('flows') ? bookFamilies(accounts.books, bookOptions) : [];
      const roce = has('roce') ? await parts.roceFamilies(refresh) : [];
      const { starts } = parts;
      return [
        ...(starts === undefined ? books : countingSince(books, starts.flowsMs)),
        ...(starts === undefined ? roce : countingSince(roce, starts.roceMs)),
        ...(has('rdma') ? parts.rdmaFamilies() : []),
        ...(has('nic') ? parts.nicFamilies() : []),
        ...(has('flows') ? parts.networkFamilies() : []),
        ...(has('self') ? await selfMetrics.families() : []),
        ...(has('self') ? appended.flatMap((families) => families()) : []),
      ];
    },
    flows: (refresh) =>
      flowFamilies(accounts.series, { isPushed: refresh === undefined, gauges: options.flowGauges }),
    async former() {
      const families = (await snapshot.families()).map((family) => ({
        ...family,
        samples: family.samples.filter((sample) => (sample.startedMs ?? startedMs) < startedMs),
      }));
      return { families: families.filter(({ samples }) => samples.length > 0), flows: snapshot.flows() };
    },
    append(families) {
      appended.push(families);
    },
  };
  return snapshot;
}
