// SPDX-License-Identifier: Apache-2.0
// Instruments of prom-client, one for each definition, and what they hold as families. prom-client only
// counts here: its renderer drops _total for good once a registry has been switched to OpenMetrics, so
// families leave as data and exposition/ renders them. Not for flows: 40,000 series cost it 0.4 s.

import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import {
  boundText,
  type Family,
  type MetricDefinition,
  type Sample,
  sample,
  toFamily,
} from './definition.js';

type Definitions = Readonly<Record<string, MetricDefinition>>;

type InstrumentOf<Definition extends MetricDefinition> = Definition['type'] extends 'counter'
  ? Counter
  : Definition['type'] extends 'histogram'
    ? Histogram
    : Gauge;

export type Instruments<Of extends Definitions> = { readonly [Key in keyof Of]: InstrumentOf<Of[Key]> };

export function createInstruments<const Of extends Definitions>(
  definitions: Of,
  registry: Registry,
): Instruments<Of> {
  const entries = Object.entries(definitions).map(([key, definition]) => [
    key,
    createInstrument(definition, registry),
  ]);
  return Object.fromEntries(entries) as Instruments<Of>; // createInstrument() goes by the definition's type
}

function createInstrument(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, help, labels: labelNames, buckets = [] } = definition;
  const options = { name, help, labelNames, registers: [registry] };
  switch (definition.type) {
    case 'counter':
      return new Counter(options);
    case 'histogram':
      return new Histogram({ ...options, buckets: [...buckets] });
    case 'gauge':
    case 'info':
      return new Gauge(options);
    default:
      return definition.type satisfies never;
  }
}

/** One value of prom-client's JSON; metricName is set on histograms only. */
interface JsonValue {
  readonly value: number;
  readonly labels: Partial<Record<string, string | number>>;
  readonly metricName?: string;
}

/** In the order of the definitions. */
export async function familiesIn(registry: Registry, definitions: Definitions): Promise<Family[]> {
  const metrics: readonly { readonly name: string; readonly values: readonly JsonValue[] }[] =
    await registry.getMetricsAsJSON();
  const values = new Map(metrics.map((metric) => [metric.name, metric.values]));
  return Object.values(definitions).map((definition) =>
    toFamily(
      definition,
      (values.get(definition.name) ?? []).map((value) => toSample(definition, value)),
    ),
  );
}

/** Labels in the definition's order, le last. */
function toSample(definition: MetricDefinition, { value, labels, metricName }: JsonValue): Sample {
  const le = labels['le'];
  const pairs = definition.labels.map((name) => [name, String(labels[name] ?? '')] as const);
  return sample(
    le === undefined ? pairs : [...pairs, ['le', boundText(le)]],
    value,
    metricName === undefined ? '' : metricName.slice(definition.name.length),
  );
}
