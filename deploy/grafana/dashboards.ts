// SPDX-License-Identifier: Apache-2.0
// All dashboards, as the files that Grafana takes.

import { renderDashboard } from './dashboard.js';
import { EXPORTER } from './exporter.js';
import { FLEET } from './fleet.js';
import { HOST } from './host.js';
import { RDMA_PORTS } from './rdma-ports.js';
import { ROCE_PAIRS } from './roce-pairs.js';
import { TALKERS } from './talkers.js';

export const DASHBOARDS = [FLEET, HOST, TALKERS, ROCE_PAIRS, RDMA_PORTS, EXPORTER] as const;

/** Text by name of the file. */
export function renderFiles(): ReadonlyMap<string, string> {
  return new Map(
    DASHBOARDS.map((spec) => [`${spec.uid}.json`, `${JSON.stringify(renderDashboard(spec), null, 2)}\n`]),
  );
}
