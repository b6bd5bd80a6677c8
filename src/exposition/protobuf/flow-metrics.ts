// SPDX-License-Identifier: Apache-2.0
// The flow metrics as io.prometheus.client.Metric messages. A message tells its length before its content,
// and so does the family: the lengths of all labels come first, then each family is written row by row.

import { FLOW_ROW_WORDS } from '../../abi/records.js';
import { countsFromStart } from '../../metrics/definition.js';
import type { FlowFamily, FlowRowSeries } from '../../metrics/flow-families.js';
import type { Pacer } from '../../pacer.js';
import type { ChunkList } from '../chunk-list.js';
import type { FlowTailRenderer } from '../remote-write/flow-tail.js';
import { varintBytes, writeVarint } from '../remote-write/wire.js';
import { counterBytes, FAMILY_TAG, GAUGE_BYTES, writeCounter, writeGauge } from './metric-bytes.js';

/** Rendering the labels of a row, and a counter's created timestamp. */
const ROW_NS = 600;
const LENGTH_NS = 30;
const FRAME_BYTES = 1 + 5;

export class FlowMetrics {
  readonly #rows: FlowRowSeries;
  readonly #labels: FlowTailRenderer;
  /** Of row inUse[i]. */
  #labelBytes = new Uint16Array(0);

  /** labels: those of a flow alone, without a name among them and without external ones. */
  constructor(rows: FlowRowSeries, labels: FlowTailRenderer) {
    this.#rows = rows;
    this.#labels = labels;
  }

  async measure(pacer: Pacer): Promise<void> {
    const { count, inUse, keys } = this.#rows;
    const lengths = new Uint16Array(count);
    const scratch = Buffer.allocUnsafe(this.#labels.maxBytes);
    await pacer.run(count, ROW_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        lengths[i] = this.#labels.render(keys, (inUse[i] ?? 0) * FLOW_ROW_WORDS, scratch, 0);
      }
    });
    this.#labelBytes = lengths;
  }

  /** Of all the metrics of a family, tags and lengths included. After measure(). */
  async familyBytes(family: FlowFamily, pacer: Pacer): Promise<number> {
    let sum = 0;
    await pacer.run(this.#rows.count, LENGTH_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        const length = this.#metricBytes(family, i);
        sum += 1 + varintBytes(length) + length;
      }
    });
    return sum;
  }

  /** Writes all the metrics of a family. After measure(). */
  async write(list: ChunkList, family: FlowFamily, pacer: Pacer): Promise<void> {
    const isCounter = countsFromStart(family);
    const { inUse, keys, startedMs } = this.#rows;
    const mostBytes = FRAME_BYTES + this.#labels.maxBytes + counterBytes(Date.UTC(3000, 0));
    await pacer.run(this.#rows.count, ROW_NS, (from, to) => {
      for (let i = from; i < to; i++) {
        if (list.end + mostBytes > list.current.length) list.startChunk(mostBytes);
        const row = inUse[i] ?? 0;
        const out = list.current;
        out[list.end] = FAMILY_TAG.metric;
        let at = writeVarint(out, list.end + 1, this.#metricBytes(family, i));
        at = this.#labels.render(keys, row * FLOW_ROW_WORDS, out, at);
        const value = family.values[row] ?? 0;
        list.end = isCounter ? writeCounter(out, at, value, startedMs[row] ?? 0) : writeGauge(out, at, value);
      }
    });
  }

  #metricBytes(family: FlowFamily, i: number): number {
    const createdMs = this.#rows.startedMs[this.#rows.inUse[i] ?? 0] ?? 0;
    return (this.#labelBytes[i] ?? 0) + (countsFromStart(family) ? counterBytes(createdMs) : GAUGE_BYTES);
  }
}
