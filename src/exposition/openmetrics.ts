// SPDX-License-Identifier: Apache-2.0
// Headers of OpenMetrics 1.0: TYPE, UNIT, HELP in this order; families of counters and infos go by
// their name without _total and _info; the whole ends with # EOF.

import { escapeLabelValue } from '../metrics/label-value.js';
import type { Dialect, FamilyHeader } from './dialect.js';

/** Units that our names end in. A unit must be the last part of the family's name; infos have none. */
const UNIT = /_(bytes|seconds)$/;

export const OPENMETRICS_DIALECT: Dialect = {
  renderHeader({ name, help, type }) {
    const family = openMetricsFamilyName({ name, type });
    const unit = unitOf({ name, type });
    return (
      `# TYPE ${family} ${type}\n` +
      (unit === undefined ? '' : `# UNIT ${family} ${unit}\n`) +
      `# HELP ${family} ${escapeLabelValue(help)}\n` // help is escaped as label values are
    );
  },
  trailer: '# EOF\n',
};

/** The unit that a family's name ends in, undefined where there is none. */
export function unitOf({ name, type }: Pick<FamilyHeader, 'name' | 'type'>): string | undefined {
  return type === 'info' ? undefined : UNIT.exec(openMetricsFamilyName({ name, type }))?.[1];
}

/** A counter's without _total, an info's without _info. */
export function openMetricsFamilyName({ name, type }: Pick<FamilyHeader, 'name' | 'type'>): string {
  if (type === 'counter' && name.endsWith('_total')) return name.slice(0, -'_total'.length);
  if (type === 'info' && name.endsWith('_info')) return name.slice(0, -'_info'.length);
  return name;
}
