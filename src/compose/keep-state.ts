// SPDX-License-Identifier: Apache-2.0
// Counters that outlive the process, wired: what a former process left is taken over before the first refresh, and
// what this one has counted is written within each refresh, before any of it is shown.

import { geteuid } from 'node:process';
import type { InterfaceIds } from '../attach/interface-ids.js';
import type { Clock } from '../clock.js';
import type { Config } from '../config/config.js';
import { flowDetail } from '../config/flow-labels.js';
import type { FlowAccounts } from '../flows/flow-accounts.js';
import type { NetworkBytes } from '../flows/network-bytes.js';
import type { Logger } from '../log.js';
import type { Family } from '../metrics/definition.js';
import { stateFamilies } from '../metrics/state-families.js';
import type { NetworkNames } from '../networks/network-names.js';
import { Pacer } from '../pacer.js';
import { createStateKeeper, type StateKeeper } from '../state/state-keeper.js';
import type { StateColumns, StateNames, StateNumbers, StateProblem } from '../state-columns.js';
import type { RoceLine } from './connect-roce.js';
import type { CountedMark } from './counted-mark.js';

/** Since when counters count: wall clock, milliseconds. */
export interface CountingStarts {
  flowsMs: number;
  roceMs: number;
}

export interface StateLine {
  readonly starts: Readonly<CountingStarts>;
  /** What the former process had counted and shown, where counters went on from it; whatever it kept beside, too. */
  readonly former: StateColumns | undefined;
  /**
   * Within the guard, after the last change of a counter and before it is shown. Whether it could be written.
   * Never rejects.
   */
  keep(): Promise<boolean>;
  /** All counters begin at 0 now. */
  beginAnew(): void;
  /** xtrace_state_*. */
  families(): readonly Family[];
}

export interface StateParts {
  readonly accounts: FlowAccounts;
  readonly roce: RoceLine | undefined;
  readonly ids: InterfaceIds;
  readonly networkNames: NetworkNames;
  readonly networkBytes: NetworkBytes;
  readonly hostIp: { readonly current: string };
  /** How far into the kernel's maps the counters have come. */
  readonly mark: CountedMark;
  /** As it is when the state is written. */
  currentConfig(): Config;
  readonly log: Logger;
  readonly clock: Clock;
}

/** undefined where nothing outlives the process. Takes over what there is; nothing has been counted yet. */
export async function connectState(config: Config, parts: StateParts): Promise<StateLine | undefined> {
  const { log, clock } = parts;
  if (config.statePath === '') return undefined;
  const keeper = createStateKeeper(
    { path: config.statePath, ownUserId: geteuid?.() ?? 0 },
    { log, pacer: new Pacer(clock.yieldToLoop), nowMs: clock.nowMs, wallMs: clock.wallMs },
  );
  const starts: CountingStarts = { flowsMs: clock.wallMs(), roceMs: clock.wallMs() };
  const former = await takeOver(config, keeper, starts, parts);
  return {
    starts,
    former,
    keep: () => keeper.write(() => exportAll(parts.currentConfig(), starts, parts)),
    beginAnew() {
      starts.flowsMs = starts.roceMs = clock.wallMs();
    },
    families: () => stateFamilies(keeper.stats),
  };
}

async function exportAll(config: Config, starts: CountingStarts, parts: StateParts): Promise<StateColumns> {
  const names: StateNames = {
    interfaceName: (id) => parts.ids.nameOf(id),
    networkName: (number) => parts.networkNames.nameOf(number),
  };
  const identity = seriesIdentity(config, parts);
  return {
    ...(await parts.accounts.exportState({ identity, startedMs: starts.flowsMs, names })),
    ...(await parts.roce?.exportState({ labels: identity.pairs, startedMs: starts.roceMs, names })),
    ...parts.networkBytes.exportState(names.networkName),
    ...parts.mark.columns(),
  };
}

/** What went on. */
async function takeOver(
  config: Config,
  keeper: StateKeeper,
  starts: CountingStarts,
  parts: StateParts,
): Promise<StateColumns | undefined> {
  const { log } = parts;
  const columns = await keeper.read();
  if (columns === undefined) return undefined;
  if (isProblem(columns)) {
    log.error(columns.problem);
    return undefined;
  }
  const numbers: StateNumbers = {
    interfaceId: (name) => parts.ids.idOfName(name),
    networkNumber: (name) => parts.networkNames.numberOf(name),
  };
  const identity = seriesIdentity(config, parts);
  const flows = await parts.accounts.importState(columns, { identity, numbers });
  if ('problem' in flows) {
    log.error((await keeper.setAside(flows.problem)).problem);
    return undefined;
  }
  starts.flowsMs = flows.startedMs;
  parts.mark.goOn(columns);
  const idle = parts.networkBytes.importState(columns, numbers.networkNumber);
  if (idle !== undefined)
    log.error(`networks that are idle are not known to be: ${idle.problem} in the state`);
  const pairs = await takeOverPairs(columns, identity.pairs, numbers, starts, parts);
  log.info(
    { series: flows.series, ended: flows.ended, pairs },
    `counters go on from ${config.statePath}, where they count since ${new Date(flows.startedMs).toISOString()}`,
  );
  return columns;
}

/** How many went on. RoCE may not have been read by the former process. */
async function takeOverPairs(
  columns: StateColumns,
  labels: string,
  numbers: StateNumbers,
  starts: CountingStarts,
  { roce, log }: StateParts,
): Promise<number> {
  if (roce === undefined || columns['roce.facts'] === undefined) return 0;
  const taken = await roce.importState(columns, { labels, numbers });
  if ('problem' in taken) {
    log.error(`the counters of RoCE begin at 0: the state cannot be used: ${taken.problem}`);
    return 0;
  }
  starts.roceMs = taken.startedMs;
  return taken.pairs.filter((pair) => pair !== undefined).length;
}

/** What must be the same for series to go on. */
export function seriesIdentity(
  config: Config,
  { hostIp }: Pick<StateParts, 'hostIp'>,
): { readonly labels: string; readonly filter: string; readonly pairs: string } {
  const { flows, roce, collectAgg } = config;
  const { ipv4PrefixLength, ipv6PrefixLength } = flows;
  const shared = [hostIp.current, collectAgg, ipv4PrefixLength, ipv6PrefixLength, roce.perQueuePair];
  const { labels, ports, ephemeralPorts, servicePorts } = flows;
  const folding = ports === 'service' ? [ephemeralPorts, servicePorts] : [];
  return {
    labels: JSON.stringify([shared, labels, flowDetail(flows, roce.perQueuePair), ports, folding]),
    filter: JSON.stringify([config.filter, config.excludeDns, flows.include, flows.exclude]),
    pairs: JSON.stringify(shared),
  };
}

function isProblem(read: StateColumns | StateProblem): read is StateProblem {
  return typeof read['problem'] === 'string';
}
