// SPDX-License-Identifier: Apache-2.0
// The books as metric families: what was seen by interface, what has no flow series, and why frames
// have no flow. Pure.
import { trafficType } from '../abi/kinds.js';
import { frameReasonName } from '../abi/reasons.js';
import type { BookRow, BooksView } from '../flows/views.js';
import { METRICS, type MetricDefinition } from './catalog.js';
import type { Family, Sample } from './family.js';
import { ROCE_METRICS } from './roce-catalog.js';

export interface BookFamilyOptions {
  /** The name of an interface id of a book row. */
  interfaceName(id: number): string;
  readonly hostIp: string;
  readonly collectAgg: string;
}

/** XDP sees what comes in; there is no other direction yet. */
export const DIRECTION = 'ingress';

/** Frame reasons of MAC control frames. */
const PAUSE_KINDS: ReadonlySet<string> = new Set(['pause', 'pfc']);

type Labels = Sample['labels'];

export function bookFamilies(books: BooksView, options: BookFamilyOptions): Family[] {
  const labels = (row: BookRow): Labels => [
    ['interface', options.interfaceName(row.interfaceId)],
    ['direction', DIRECTION],
    ['traffic_type', trafficType(row.kind).label],
    ['host_ip', options.hostIp],
    ['collect_agg', options.collectAgg],
  ];
  const interfaces = books.interfaces.map((row) => ({ row, labels: labels(row) }));
  const others = books.others.map((row) => ({
    row,
    labels: [...labels(row), ['reason', row.reason] as const],
  }));
  const pauses = books.frameReasons.filter(({ reason }) => PAUSE_KINDS.has(frameReasonName(reason)));
  const overflows = books.others.filter((row) => row.reason === 'map_full');

  return [
    family(METRICS.interfaceBytesTotal, interfaces, ({ row, labels }) => sample(labels, row.bytes)),
    family(METRICS.interfacePacketsTotal, interfaces, ({ row, labels }) => sample(labels, row.packets)),
    family(METRICS.otherBytesTotal, others, ({ row, labels }) => sample(labels, row.bytes)),
    family(METRICS.otherPacketsTotal, others, ({ row, labels }) => sample(labels, row.packets)),
    family(METRICS.frameReasonPacketsTotal, books.frameReasons, (row) =>
      sample(
        [
          ['interface', options.interfaceName(row.interfaceId)],
          ['reason', frameReasonName(row.reason)],
        ],
        row.packets,
      ),
    ),
    family(METRICS.kernelOverflowPacketsTotal, overflows, (row) =>
      sample(
        [
          ['interface', options.interfaceName(row.interfaceId)],
          ['traffic_type', trafficType(row.kind).label],
        ],
        row.packets,
      ),
    ),
    family(ROCE_METRICS.macPauseFramesTotal, pauses, (row) =>
      sample(
        [
          ['interface', options.interfaceName(row.interfaceId)],
          ['direction', DIRECTION],
          ['kind', frameReasonName(row.reason)],
        ],
        row.packets,
      ),
    ),
  ];
}

function family<Row>(
  definition: MetricDefinition,
  rows: readonly Row[],
  toSample: (row: Row) => Sample,
): Family {
  return {
    name: definition.name,
    help: definition.help,
    type: definition.type,
    samples: rows.map(toSample),
  };
}

function sample(labels: Labels, value: number): Sample {
  return { suffix: '', labels, value };
}
