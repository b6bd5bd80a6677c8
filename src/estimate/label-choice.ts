// SPDX-License-Identifier: Apache-2.0
// The ways of telling flows apart that an estimate compares, as settings of the configuration file.

import { FLOW_LABELS } from '../metrics/flow-label-fields.js';

/** Settings of `flows`, as in the file. */
export interface LabelSettings {
  readonly labels: readonly string[];
  readonly ports: 'all' | 'service' | 'none';
  readonly ipv4PrefixLength: number;
  readonly ipv6PrefixLength: number;
}

export interface LabelChoice {
  /** A word for programs; the names are a promise. */
  readonly id: string;
  /** For people, at most 30 characters. */
  readonly words: string;
  readonly settings: LabelSettings;
}

/** Id of what the configuration has. */
export const CONFIGURED_ID = 'configured';

const WHOLE = { ipv4PrefixLength: 32, ipv6PrefixLength: 128 } as const;
const PREFIXES = { ipv4PrefixLength: 24, ipv6PrefixLength: 64 } as const;

const USUAL: readonly string[] = FLOW_LABELS;
const ADDRESSES = ['src_ip', 'dst_ip'];
const PORTS = ['src_port', 'dst_port'];
const KIND_OF_TRAFFIC = ['traffic_type', 'interface'];

/**
 * What is configured first; then the others, from the most detail to the least. Labels that are configured
 * beyond the usual ones (vlan, say, or src_network) stay in each but the last.
 */
export function labelChoices(configured: LabelSettings): readonly LabelChoice[] {
  const further = configured.labels.filter((name) => !USUAL.includes(name));
  const without = (...names: string[]): string[] => [
    ...USUAL.filter((name) => !names.includes(name)),
    ...further,
  ];
  const service = { ports: 'service', ...WHOLE } as const;
  const none = { ports: 'none', ...WHOLE } as const;
  return [
    { id: CONFIGURED_ID, words: 'as configured', settings: configured },
    { id: 'all', words: 'all nine labels', settings: { labels: without(), ports: 'all', ...WHOLE } },
    { id: 'service_ports', words: 'service ports', settings: { labels: without(), ...service } },
    { id: 'no_ports', words: 'no ports', settings: { labels: without(...PORTS), ...none } },
    {
      id: 'addresses',
      words: 'addresses only',
      settings: { labels: [...ADDRESSES, ...KIND_OF_TRAFFIC, ...further], ...none },
    },
    {
      id: 'prefixes',
      words: 'service ports, /24 and /64',
      settings: { labels: without(), ports: 'service', ...PREFIXES },
    },
    {
      id: 'no_src_ip',
      words: 'service ports, no src_ip',
      settings: { labels: without('src_ip'), ...service },
    },
    {
      id: 'no_dst_ip',
      words: 'service ports, no dst_ip',
      settings: { labels: without('dst_ip'), ...service },
    },
    {
      id: 'traffic_type',
      words: 'traffic type and interface',
      settings: { labels: KIND_OF_TRAFFIC, ...none },
    },
  ];
}
