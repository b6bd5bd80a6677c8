// SPDX-License-Identifier: Apache-2.0
// A choice of labels as it stands in the configuration file. Pure.

import { wrapWords } from '../wrap-words.js';
import type { Recommendation } from './recommend.js';

export interface SettingsYamlOptions {
  /** Whether the configuration switches one port off by the older settings, which would go on to hold. */
  readonly switchesPortOff: boolean;
}

/** The section `flows`, without what the choice has no say in; ends in a line feed. */
export function renderSettingsYaml(
  { settings, gauges }: Pick<Recommendation, 'settings' | 'gauges'>,
  { switchesPortOff }: SettingsYamlOptions,
): string {
  const { labels, ports, ipv4PrefixLength, ipv6PrefixLength } = settings;
  const lines = [
    'flows:',
    ...wrapWords('  labels: ', `[${labels.join(', ')}]`),
    `  ports: ${ports}`,
    ...(switchesPortOff ? ['  src_port: true', '  dst_port: true'] : []),
    `  ipv4_prefix_length: ${ipv4PrefixLength}`,
    `  ipv6_prefix_length: ${ipv6PrefixLength}`,
    `  gauges: ${gauges}`,
  ];
  return `${lines.join('\n')}\n`;
}
