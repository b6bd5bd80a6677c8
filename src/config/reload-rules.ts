// SPDX-License-Identifier: Apache-2.0
// Which settings a running exporter takes over from a file that is read again, and which wait for a restart.
// test/config/reload-rules.test.ts holds the list against settings.ts, docs/configuration.md says it to users.

import { isDeepStrictEqual } from 'node:util';
import type { Config } from './config.js';
import { SETTINGS } from './settings.js';
import { configOf, settingPaths, valueAt } from './settings-tree.js';

/** live: in force at once; restart: the running exporter keeps what it has. */
export type ReloadRule = 'live' | 'restart';

/** By dotted path of a setting, or of a section whose settings are all alike. */
export const RELOAD_RULES: Readonly<Record<string, ReloadRule>> = {
  interfaces: 'live',
  filter: 'live',
  interval_ms: 'live',
  exclude_dns: 'live',
  collect_agg: 'live',
  networks: 'live',
  host_ip: 'restart',
  attach_mode: 'restart',
  print: 'live',
  flows: 'live',
  'kernel.pin_path': 'restart',
  kernel: 'live',
  'roce.enabled': 'restart',
  roce: 'live',
  rdma: 'live',
  nic: 'live',
  'web.listen_address': 'restart',
  'web.systemd_socket': 'restart',
  'web.config_file': 'restart',
  'web.telemetry_path': 'restart',
  'web.openmetrics_created': 'live',
  'web.max_requests': 'live',
  'web.ui': 'live',
  log: 'live',
  'push.spool_path': 'restart',
  push: 'live',
  state_path: 'restart',
};

/** Of a setting that nobody has thought of, a restart is the safe answer. */
export function reloadRuleOf(path: string): ReloadRule {
  for (let name = path; ; name = name.slice(0, name.lastIndexOf('.'))) {
    const rule = RELOAD_RULES[name];
    if (rule !== undefined) return rule;
    if (!name.includes('.')) return 'restart';
  }
}

/** What another configuration means for an exporter that runs with `before`. */
export interface ConfigChange {
  /** What it runs with from now on: `after`, but for what needs a restart. */
  readonly config: Config;
  /** Settings that change, as their keys stand in the file. */
  readonly live: readonly string[];
  /** Settings that stay as they were until a restart. */
  readonly restart: readonly string[];
}

export function compareConfigs(before: Config, after: Config): ConfigChange {
  const changed = settingPaths(SETTINGS).filter(
    (path) =>
      !isDeepStrictEqual(valueAt(before, path), valueAt(after, path)) ||
      (path === 'interfaces' && before.interfacesGiven !== after.interfacesGiven),
  );
  const restart = changed.filter((path) => reloadRuleOf(path) === 'restart');
  const kept = new Set(restart);
  const merged = configOf(SETTINGS, (path) => valueAt(kept.has(path) ? before : after, path));
  const { interfacesGiven } = kept.has('interfaces') ? before : after;
  return {
    config: Object.freeze({ ...merged, interfacesGiven }),
    live: changed.filter((path) => !kept.has(path)),
    restart,
  };
}
