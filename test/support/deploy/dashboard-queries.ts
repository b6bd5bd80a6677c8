// SPDX-License-Identifier: Apache-2.0
// What the panels of deploy/grafana/dashboards ask, read from the files that Grafana takes. For tests only.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const DASHBOARD_FOLDER = join(
  import.meta.dirname,
  '..',
  '..',
  '..',
  '..',
  'deploy',
  'grafana',
  'dashboards',
);

export interface DashboardPanel {
  readonly id?: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly targets?: readonly { readonly expr: string }[];
  /** Of a row that is folded. */
  readonly panels?: readonly DashboardPanel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly panels: readonly DashboardPanel[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly query?: string }[] };
}

export interface DashboardQuery {
  readonly dashboard: string;
  readonly panel: string;
  /** With choices made: the job, and any host. */
  readonly promQl: string;
}

export function readDashboards(): readonly Dashboard[] {
  return readdirSync(DASHBOARD_FOLDER)
    .sort()
    .map((name) => JSON.parse(readFileSync(join(DASHBOARD_FOLDER, name), 'utf8')) as Dashboard);
}

/** Panels that are no row. */
export function panelsOf({ panels }: Dashboard): readonly DashboardPanel[] {
  return panels.flatMap((one) => (one.type === 'row' ? (one.panels ?? []) : one));
}

/** @param choices what stands for `$name`; any value, as a pattern, where nothing is said. */
export function readDashboardQueries(
  choices: Readonly<Record<string, string>> = {},
): readonly DashboardQuery[] {
  return readDashboards().flatMap((dashboard) =>
    panelsOf(dashboard).flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => ({
        dashboard: dashboard.uid,
        panel: title,
        promQl: choose(expr, choices),
      })),
    ),
  );
}

/** A choice of one is compared by `=`: as a pattern it takes any. */
function choose(expr: string, choices: Readonly<Record<string, string>>): string {
  return expr
    .replaceAll('$__rate_interval', '1m')
    .replaceAll(/=~?"\$(\w+)"/g, (_, name: string) => `=~"${choices[name] ?? '.*'}"`);
}
