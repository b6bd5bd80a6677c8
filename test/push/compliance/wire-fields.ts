// SPDX-License-Identifier: Apache-2.0
// Which fields stand in a request at all, by protobuf's own grammar: a decoder passes over those that
// it does not know. For tests only.

import protobuf from 'protobufjs';

/** Messages within messages, by field number; null: a leaf. */
interface Shape {
  readonly [field: number]: Shape | null;
}

const SAMPLE_V1: Shape = { 1: null, 2: null };
/** prometheus.WriteRequest. */
export const SHAPE_V1: Shape = { 1: { 1: { 1: null, 2: null }, 2: SAMPLE_V1 } };
/** io.prometheus.write.v2.Request, without what we never send: histograms (3), exemplars (4). */
export const SHAPE_V2: Shape = {
  4: null,
  5: { 1: null, 2: { 1: null, 2: null, 3: null }, 5: { 1: null, 3: null, 4: null } },
};

/** Paths of all fields of a body, such as `5.2.1`; throws for one that the shape has not. */
export function fieldsOf(body: Uint8Array, shape: Shape, prefix = ''): Set<string> {
  const reader = protobuf.Reader.create(body);
  const paths = new Set<string>();
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = tag >>> 3;
    const path = prefix + field;
    const inner = shape[field];
    if (inner === undefined) throw new Error(`a field that is not of this version: ${path}`);
    paths.add(path);
    if (inner === null) {
      reader.skipType(tag & 7);
      continue;
    }
    for (const below of fieldsOf(reader.bytes(), inner, `${path}.`)) paths.add(below);
  }
  return paths;
}
