// SPDX-License-Identifier: Apache-2.0
// One exposition: all families, then the flow metrics, as a list of chunks. Gives the event loop a
// turn after each chunk of flows, and after some hundred samples of families. Knows nothing of HTTP, and must not look at the input after it is done.

import { countsFromStart, type Family } from '../metrics/definition.js';
import type { FlowFamilies, FlowFamily } from '../metrics/flow-families.js';
import { Pacer } from '../pacer.js';
import { ChunkList } from './chunk-list.js';
import type { ChunkPool } from './chunk-pool.js';
import type { Dialect, ExpositionFormat, TextFormat } from './dialect.js';
import { renderFamilies } from './family-text.js';
import { type FlowLineFrame, flowLineBytes, flowLineFrame, writeFlowLines } from './flow-series.js';
import { OPENMETRICS_DIALECT, openMetricsFamilyName } from './openmetrics.js';
import { type ProtobufOptions, renderProtobuf } from './protobuf/render-protobuf.js';
import { TEXT_DIALECT } from './text.js';

export interface ExpositionInput {
  readonly families: readonly Family[];
  /** Must not change until the rendering is done. */
  readonly flows: FlowFamilies;
}

export interface ExpositionParts {
  /** Resolves once the event loop had a turn (setImmediate). */
  yieldToLoop(): Promise<void>;
  /** Rendering stops at the next pause and rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /** Where chunks come from; it gets them back where rendering fails. None: they are garbage afterwards. */
  readonly pool?: ChunkPool;
}

export interface Exposition {
  readonly format: ExpositionFormat;
  readonly chunks: readonly Buffer[];
  /** Sum of the chunks' lengths. */
  readonly bytes: number;
  /** Without what flows and RoCE pairs have of their own: lines of text, or messages. */
  readonly restBytes: number;
}

/** What formats need that tell since when counters count. */
export interface StartOptions extends ProtobufOptions {
  /** OpenMetrics gets a _created beside each counter. */
  readonly openmetricsCreated: boolean;
}

export const DIALECTS: Readonly<Record<TextFormat, Dialect>> = {
  text: TEXT_DIALECT,
  openmetrics: OPENMETRICS_DIALECT,
};

/** starts: left out, no start is told, and there is no protobuf. */
export async function renderExposition(
  format: ExpositionFormat,
  input: ExpositionInput,
  parts: ExpositionParts,
  starts?: StartOptions,
): Promise<Exposition> {
  const list = new ChunkList(parts.pool);
  const pacer = new Pacer(async () => {
    await parts.yieldToLoop();
    parts.signal?.throwIfAborted();
  });
  try {
    let restBytes: number;
    if (format !== 'protobuf') {
      const createdMs = format === 'openmetrics' && starts?.openmetricsCreated ? starts.startedMs : undefined;
      restBytes = await renderText(list, DIALECTS[format], input, pacer, createdMs);
    } else if (starts !== undefined) {
      restBytes = await renderProtobuf(list, input, starts, pacer);
    } else {
      throw new TypeError('protobuf needs to know since when counters count');
    }
    return { format, ...list.finish(), restBytes };
  } catch (error) {
    parts.pool?.give(list.finish().chunks);
    throw error;
  }
}

/** Resolves with the bytes of what is neither a line of flows nor of RoCE pairs. */
async function renderText(
  list: ChunkList,
  dialect: Dialect,
  { families, flows }: ExpositionInput,
  pacer: Pacer,
  createdMs: number | undefined,
): Promise<number> {
  let restBytes = await renderFamilies(list, dialect, families, pacer, createdMs);
  for (const family of flows.families) {
    restBytes += list.writeText(dialect.renderHeader(family));
    const frame = flowFrame(family, createdMs !== undefined);
    const { count } = flows.rows;
    let row = writeFlowLines(list, family, flows.rows, frame, 0, count);
    while (row < count) {
      await pacer.turn();
      list.startChunk(flowLineBytes(frame, flows.rows, row));
      row = writeFlowLines(list, family, flows.rows, frame, row, count);
    }
  }
  return restBytes + list.writeText(dialect.trailer);
}

function flowFrame(family: FlowFamily, withCreated: boolean): FlowLineFrame {
  const frame = flowLineFrame(family);
  if (!withCreated || !countsFromStart(family)) return frame;
  return { ...frame, createdPrefix: Buffer.from(`${openMetricsFamilyName(family)}_created{`) };
}
