// SPDX-License-Identifier: Apache-2.0
// A panel, from what it asks and how the answer is shown.

import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import { BigValueGraphMode, VisibilityMode } from '@grafana/grafana-foundation-sdk/common';
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as LinesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** Of Grafana: bits and packets a second, bytes, seconds, a share of 1, a plain number. */
export type Unit = 'bps' | 'pps' | 'decbytes' | 's' | 'percentunit' | 'ops' | 'short';

export interface Query {
  readonly promQl: string;
  /** Labels in double braces. */
  readonly legend: string;
}

export interface PanelSpec {
  /** Over time, one number as of now, or a row for each series as of now. */
  readonly as: 'lines' | 'number' | 'rows';
  readonly title: string;
  /** What it means, and what it does not. */
  readonly about: string;
  readonly unit: Unit;
  readonly queries: readonly Query[];
  /** Columns of 24. Default 12. */
  readonly width?: number;
}

const DATA_SOURCE = { type: 'prometheus', uid: '$datasource' };
const HEIGHT = 8;
const HEIGHT_OF_NUMBER = 4;

/** @param id of its own within the dashboard. */
export function panel(spec: PanelSpec, id: number): Builder<Panel> {
  const { as, title, about, unit, width = 12 } = spec;
  const builder =
    as === 'lines'
      ? new LinesBuilder().fillOpacity(10).showPoints(VisibilityMode.Never).min(0)
      : as === 'number'
        ? new StatBuilder().graphMode(BigValueGraphMode.None)
        : new TableBuilder();
  return builder
    .id(id)
    .title(title)
    .description(about)
    .unit(unit)
    .datasource(DATA_SOURCE)
    .span(width)
    .height(as === 'number' ? HEIGHT_OF_NUMBER : HEIGHT)
    .targets(targetsOf(spec));
}

function targetsOf({ as, queries }: PanelSpec): Builder<Dataquery>[] {
  return queries.map(({ promQl, legend }, i) => {
    const query = new DataqueryBuilder()
      .refId(String.fromCharCode('A'.charCodeAt(0) + i))
      .datasource(DATA_SOURCE)
      .expr(promQl)
      .legendFormat(legend);
    if (as === 'lines') return query.range();
    return as === 'number' ? query.instant() : query.instant().format(PromQueryFormat.Table);
  });
}
