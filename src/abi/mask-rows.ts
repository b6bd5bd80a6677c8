// SPDX-License-Identifier: Apache-2.0
// Leaves out of rows what programs with these options would have left out of their keys (bpf/key.h): rows of
// programs with others may say more. Pure.

import { FLOW_KEY4, FLOW_KEY6 } from './layout.js';
import { foldsPort } from './port-folding.js';
import { FLOW_ROW, FLOW_ROW_WORDS, type FlowRows } from './records.js';

export interface RowMasks {
  /** FLOW_KEY4.size bytes. */
  readonly mask4: Uint8Array;
  /** FLOW_KEY6.size bytes. */
  readonly mask6: Uint8Array;
  /** Ports that may be a client's; undefined where none is left out. */
  readonly ephemeralPorts: Uint32Array | undefined;
}

const WORD_BYTES = 4;
const ADDRESS_WORDS = 4;
const PORTS_WORD = FLOW_ROW.srcPort / WORD_BYTES;
const INTERFACE_WORD = FLOW_ROW.interfaceId / WORD_BYTES;
const KIND_WORD = FLOW_ROW.protocol / WORD_BYTES;
const QP_WORD = FLOW_ROW.qp / WORD_BYTES;

/** Changes the keys from one row to another, where they stand. */
export function maskRows(rows: Pick<FlowRows, 'keys'>, from: number, to: number, masks: RowMasks): void {
  const { keys } = rows;
  const rowMask = { 4: rowMask4(masks.mask4), 6: rowMask6(masks.mask6) } as const;
  for (let row = from; row < to; row++) {
    const at = row * FLOW_ROW_WORDS;
    const isIpv4 = (keys[at + INTERFACE_WORD] ?? 0) >>> 24 === 4;
    const mask = isIpv4 ? rowMask[4] : rowMask[6];
    if (masks.ephemeralPorts !== undefined) foldPorts(keys, at + PORTS_WORD, masks.ephemeralPorts);
    for (let word = 0; word < mask.length; word++)
      keys[at + word] = (keys[at + word] ?? 0) & (mask[word] ?? 0);
  }
}

function foldPorts(keys: Uint32Array, at: number, ephemeralPorts: Uint32Array): void {
  const ports = keys[at] ?? 0;
  const [source, destination] = [ports & 0xffff, ports >>> 16];
  const keptSource = foldsPort(ephemeralPorts, source, destination) ? 0 : source;
  const keptDestination = foldsPort(ephemeralPorts, destination, source) ? 0 : destination;
  keys[at] = (keptSource | (keptDestination << 16)) >>> 0;
}

function rowMask4(mask: Uint8Array): Uint32Array {
  const words = wordsOf(mask);
  const row = emptyRowMask();
  row[0] = words[0] ?? 0;
  row[ADDRESS_WORDS] = words[1] ?? 0;
  return withTraits(row, words, FLOW_KEY4.srcPort / WORD_BYTES);
}

function rowMask6(mask: Uint8Array): Uint32Array {
  const words = wordsOf(mask);
  const row = emptyRowMask();
  row.set(words.subarray(0, 2 * ADDRESS_WORDS));
  return withTraits(row, words, FLOW_KEY6.srcPort / WORD_BYTES);
}

/** Of a row's key what is the kernel's; the interface is never left out. */
function emptyRowMask(): Uint32Array {
  const row = new Uint32Array(QP_WORD + 1);
  row[INTERFACE_WORD] = 0xffffffff;
  return row;
}

function withTraits(row: Uint32Array, words: Uint32Array, traits: number): Uint32Array {
  row[PORTS_WORD] = words[traits] ?? 0;
  row[KIND_WORD] = words[traits + KIND_WORD - PORTS_WORD] ?? 0;
  row[QP_WORD] = words[traits + QP_WORD - PORTS_WORD] ?? 0;
  return row;
}

function wordsOf(mask: Uint8Array): Uint32Array {
  const bytes = Uint8Array.from(mask);
  return new Uint32Array(bytes.buffer);
}
