// SPDX-License-Identifier: Apache-2.0
// Remote write by protobufjs, as a peer for bench/push.ts: the same samples in the same requests.

import type { SeriesView } from '../src/flows/views.js';
import type { FlowFamilies } from '../src/metrics/flow-families.js';
import { requestV2Type, writeRequestType } from '../test/support/receivers/remote-write-protos.js';

export interface PeerOptions {
  readonly series: SeriesView;
  readonly flows: FlowFamilies;
  /** Labels that every series gets. */
  readonly external: readonly (readonly [name: string, value: string])[];
  /** Of one request. */
  readonly maxSamples: number;
  /** Start of all counters; 2.0 only. */
  readonly startMs: number;
}

/** protobufjs doing the same: the sorted label pairs of a flow are kept, as our encoder keeps their bytes. */
export interface Peer {
  encode(timestampMs: number, send: (body: Uint8Array) => void): void;
}

interface PeerLabel {
  readonly name: string;
  readonly value: string;
}

/** What protobufjs needs of the flows, and the series as messages of one request each. */
class PeerFlows {
  readonly #flows: FlowFamilies;
  readonly #maxSamples: number;
  readonly #names: readonly PeerLabel[];
  /** By place in the rows' list, without __name__, which sorts before all of them. */
  readonly #labels: readonly (readonly PeerLabel[])[];

  constructor({ series, flows, external, maxSamples }: PeerOptions) {
    this.#flows = flows;
    this.#maxSamples = maxSamples;
    this.#names = flows.families.map(({ name }) => ({ name: '__name__', value: name }));
    this.#labels = Array.from({ length: series.count }, (_, i) => {
      const row = series.inUse[i] ?? 0;
      const start = series.labelOffset[row] ?? 0;
      const text = Buffer.from(series.labelBytes.subarray(start, start + (series.labelLength[row] ?? 0)));
      const own = [...text.toString().matchAll(/(\w+)="([^"]*)"/g)];
      return [
        ...external.map(([name, value]) => ({ name, value })),
        ...own.map(([, name = '', value = '']) => ({ name, value })),
      ].sort((a, b) => (a.name < b.name ? -1 : 1));
    });
  }

  /** Calls send(series of one request) until all flows are through. */
  forEachRequest<Series>(
    toSeries: (labels: readonly PeerLabel[], metric: number, value: number) => Series,
    send: (timeseries: Series[]) => void,
  ): void {
    const { rows, families } = this.#flows;
    let timeseries: Series[] = [];
    for (let i = 0; i < rows.count; i++) {
      const row = rows.inUse[i] ?? 0;
      families.forEach((family, metric) => {
        const labels = [this.#names[metric] as PeerLabel, ...(this.#labels[i] ?? [])];
        timeseries.push(toSeries(labels, metric, family.values[row] ?? 0));
      });
      if (timeseries.length >= this.#maxSamples || i === rows.count - 1) {
        send(timeseries);
        timeseries = [];
      }
    }
  }
}

export function protobufjsV1(options: PeerOptions): Peer {
  const peer = new PeerFlows(options);
  const type = writeRequestType();
  return {
    encode: (timestamp, send) =>
      peer.forEachRequest(
        (labels, _, value) => ({ labels, samples: [{ value, timestamp }] }),
        (timeseries) => send(type.encode({ timeseries }).finish()),
      ),
  };
}

export function protobufjsV2(options: PeerOptions): Peer {
  const { flows, startMs } = options;
  const peer = new PeerFlows(options);
  const type = requestV2Type();
  return {
    encode(timestamp, send) {
      let symbols = [''];
      let refs = new Map([['', 0]]);
      const ref = (text: string): number => {
        const known = refs.get(text);
        if (known !== undefined) return known;
        refs.set(text, symbols.length);
        return symbols.push(text) - 1;
      };
      peer.forEachRequest(
        (labels, metric, value) => {
          const { type: metricType, help } = flows.families[metric] ?? { type: 'gauge', help: '' };
          return {
            labelsRefs: labels.flatMap((label) => [ref(label.name), ref(label.value)]),
            samples: [{ value, timestamp, startTimestamp: startMs }],
            metadata: { type: metricType === 'counter' ? 1 : 2, helpRef: ref(help), unitRef: ref('bytes') },
          };
        },
        (timeseries) => {
          send(type.encode({ symbols, timeseries }).finish());
          symbols = [''];
          refs = new Map([['', 0]]);
        },
      );
    },
  };
}
