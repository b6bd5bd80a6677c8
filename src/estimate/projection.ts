// SPDX-License-Identifier: Apache-2.0
// A flow's whole key as the kernel would have counted it with fewer labels: by the same masks, the same rule
// for clients' ports, and without what no label shows.

import { createKeyMasks, type KeyDetail } from '../abi/key-masks.js';
import { FLOW_KEY4 } from '../abi/layout.js';
import { foldsPort } from '../abi/port-folding.js';
import { FLOW_ROW, FLOW_ROW_BYTES, FLOW_ROW_WORDS } from '../abi/records.js';
import { destinationPortOf, ipVersionOf, sourcePortOf } from '../abi/row-key.js';
import type { MergeKey } from '../flows/key-merger.js';

/** Writes the key at keys[wordOffset] to the first FLOW_ROW_WORDS words of `out`, with less in it. */
export type Projection = (keys: Uint32Array, wordOffset: number, out: Uint32Array) => void;

const PORTS_WORD = FLOW_ROW.srcPort >> 2;

export interface ProjectionParts {
  /** Of abi/port-folding.ts, where the client's port is left out. */
  readonly foldedPorts?: Uint32Array | undefined;
  /** What whoever adds up such rows does to their keys. */
  readonly mergeKey?: MergeKey | undefined;
}

export function createProjection(detail: KeyDetail, parts: ProjectionParts = {}): Projection {
  const { foldedPorts, mergeKey } = parts;
  const { mask4, mask6 } = createKeyMasks(detail);
  const words4 = rowMask(mask4, FLOW_KEY4.dstIp);
  const words6 = rowMask(mask6, FLOW_ROW.dstIp);
  return (keys, wordOffset, out) => {
    const mask = ipVersionOf(keys, wordOffset) === 4 ? words4 : words6;
    for (let word = 0; word < FLOW_ROW_WORDS; word++) {
      out[word] = (keys[wordOffset + word] ?? 0) & (mask[word] ?? 0);
    }
    if (foldedPorts !== undefined) foldClientPort(keys, wordOffset, out, foldedPorts);
    mergeKey?.(out, 0);
  };
}

/** By the ports of the whole key, whatever the mask left of them. */
function foldClientPort(keys: Uint32Array, wordOffset: number, out: Uint32Array, folded: Uint32Array): void {
  const [source, destination] = [sourcePortOf(keys, wordOffset), destinationPortOf(keys, wordOffset)];
  let kept = 0xffff_ffff;
  if (foldsPort(folded, source, destination)) kept &= 0xffff_0000;
  if (foldsPort(folded, destination, source)) kept &= 0x0000_ffff;
  out[PORTS_WORD] = (out[PORTS_WORD] ?? 0) & kept;
}

/** A mask of a kernel's key whose addresses have `addressBytes` bytes, in the layout of a row. */
function rowMask(mask: Uint8Array, addressBytes: number): Uint32Array {
  const bytes = new Uint8Array(FLOW_ROW_BYTES).fill(0xff);
  bytes.set(mask.subarray(0, addressBytes), FLOW_ROW.srcIp);
  bytes.set(mask.subarray(addressBytes, 2 * addressBytes), FLOW_ROW.dstIp);
  bytes.set(mask.subarray(2 * addressBytes), FLOW_ROW.srcPort);
  bytes[FLOW_ROW.ipVersion] = 0xff; // no field of the kernel's key
  return new Uint32Array(bytes.buffer);
}
