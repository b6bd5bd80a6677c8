// SPDX-License-Identifier: Apache-2.0
// A dashboard, from rows of panels and the choices above them.

import {
  type Dashboard,
  DashboardBuilder,
  DashboardLinkBuilder,
  DashboardLinkType,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { type PanelSpec, panel } from './panel.js';

/** What is chosen above the panels: `$name` in expressions. */
export interface Choice {
  readonly name: string;
  /** A selector and the label whose values there are; it may name choices before it. */
  readonly selector: string;
  readonly label: string;
  /** One value, or any number of them and all. */
  readonly takes: 'one' | 'many';
}

export interface DashboardSpec {
  /** Of the file, and what links go by. */
  readonly uid: string;
  readonly title: string;
  readonly about: string;
  /** After the data source and the job. */
  readonly choices: readonly Choice[];
  readonly rows: readonly { readonly title: string; readonly panels: readonly PanelSpec[] }[];
}

const TAG = 'xtrace-catch';
const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' };
const JOB: Choice = { name: 'job', selector: 'xtrace_build_info', label: 'job', takes: 'one' };
export const ONE_HOST: Choice = {
  name: 'instance',
  selector: 'xtrace_build_info{job="$job"}',
  label: 'instance',
  takes: 'one',
};
export const HOSTS: Choice = { ...ONE_HOST, takes: 'many' };

/** With ids, the same each time, and nothing of who made it. */
export function renderDashboard({ uid, title, about, choices, rows }: DashboardSpec): Dashboard {
  const builder = new DashboardBuilder(title)
    .uid(uid)
    .description(about)
    .tags([TAG])
    .time({ from: 'now-1h', to: 'now' })
    .refresh('1m')
    .timezone('browser')
    .link(
      new DashboardLinkBuilder(TAG)
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(true)
        .includeVars(true)
        .keepTime(true),
    )
    .withVariable(new DatasourceVariableBuilder('datasource').label('data source').type('prometheus'));
  for (const { name, selector, label, takes } of [JOB, ...choices]) {
    const isMany = takes === 'many';
    const variable = new QueryVariableBuilder(name)
      .datasource(DATA_SOURCE)
      .query(`label_values(${selector}, ${label})`)
      .refresh(VariableRefresh.OnTimeRangeChanged)
      .sort(VariableSort.NaturalAsc)
      .multi(isMany)
      .includeAll(isMany);
    builder.withVariable(isMany ? variable.allValue('.*').current(ALL) : variable);
  }
  let id = 0;
  for (const row of rows) {
    id++;
    builder.withRow(new RowBuilder(row.title).id(id));
    for (const spec of row.panels) {
      id++;
      builder.withPanel(panel(spec, id));
    }
  }
  return builder.build();
}

const ALL = { selected: true, text: 'All', value: '$__all' };
