// SPDX-License-Identifier: Apache-2.0
// The configuration in effect as YAML, in the form of the file: whatever may be a secret is shown as
// <secret>. What is a path of a file with a secret is shown; the file is not read.

import { stringify } from 'yaml';
import type { Config } from './config.js';
import type { FlowRule } from './flow-rules.js';
import { hostIpText } from './host-ip-rule.js';
import type { ListenTarget } from './listen-address.js';
import { renderListenTarget } from './listen-address.js';
import type { NetworksGiven } from './network-rules.js';
import type { PortBounds } from './port-rules.js';
import { SETTINGS } from './settings.js';
import { isSetting, type SettingsSection } from './settings-tree.js';

export const SECRET_SHOWN = '<secret>';

/** leftOut: keys of the file that are not wanted. */
export function renderConfig(config: Config, leftOut: readonly string[] = []): string {
  const all = sectionTree(SETTINGS, '', config as unknown as Record<string, unknown>);
  const tree = Object.fromEntries(Object.entries(all).filter(([key]) => !leftOut.includes(key)));
  return stringify(tree, { lineWidth: 0, aliasDuplicateObjects: false });
}

/** In the order in which the settings are declared. */
function sectionTree(section: SettingsSection, prefix: string, values: Record<string, unknown>): object {
  return Object.fromEntries(
    Object.entries(section).map(([key, node]) => {
      const path = prefix + key;
      const value = values[key.replace(/_(.)/g, (_, first: string) => first.toUpperCase())];
      if (isSetting(node)) return [key, (SHOWN[path] ?? ((same) => same))(value)];
      return [key, sectionTree(node, `${path}.`, value as Record<string, unknown>)]; // a section's value is one
    }),
  );
}

/** What a setting is shown as, of what its rule made of it. */
function shown<Value>(render: (value: Value) => unknown): (value: unknown) => unknown {
  return (value) => render(value as Value); // a test holds that each has its own
}

/** Of settings of which the program has something else than the file, or that hold secrets; by path. */
const SHOWN: Readonly<Record<string, (value: unknown) => unknown>> = {
  host_ip: shown(hostIpText),
  networks: shown((given: NetworksGiven) =>
    'file' in given
      ? given.file
      : Object.fromEntries(given.networks.map(({ address, bits, name }) => [`${address}/${bits}`, name])),
  ),
  'flows.include': shown((rules: readonly FlowRule[]) => rules.map(ruleText)),
  'flows.exclude': shown((rules: readonly FlowRule[]) => rules.map(ruleText)),
  'flows.ephemeral_ports': shown((range: PortBounds | 'host') =>
    range === 'host' ? '' : `${range.first}-${range.last}`,
  ),
  'web.listen_address': shown((targets: readonly ListenTarget[]) => targets.map(renderListenTarget)),
  'push.url': shown(maskUrlSecrets),
  'push.headers': shown((headers: object) =>
    Object.fromEntries(Object.keys(headers).map((name) => [name, SECRET_SHOWN])),
  ),
};

function ruleText(rule: FlowRule): string {
  return Object.entries(rule)
    .map(([key, value]: [string, unknown]) => {
      const word = key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
      if (typeof value !== 'object' || value === null) return `${word} ${String(value)}`;
      const { address, bits } = value as NonNullable<FlowRule['net']>; // the one kind of object in a rule
      return `${word} ${address}/${bits}`;
    })
    .join(' ');
}

/** A password before the host, or the user where there is none, as it may be a token; and values of the query. */
function maskUrlSecrets(text: string): string {
  const url = new URL(text);
  const secretUser = url.username === '' ? '' : SECRET_SHOWN;
  const user = url.password === '' ? secretUser : `${url.username}:${SECRET_SHOWN}`;
  const names = [...url.searchParams.keys()].map((name) => `${encodeURIComponent(name)}=${SECRET_SHOWN}`);
  const query = names.length === 0 ? '' : `?${names.join('&')}`;
  return `${url.protocol}//${user === '' ? '' : `${user}@`}${url.host}${url.pathname}${query}`;
}
