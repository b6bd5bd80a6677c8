// SPDX-License-Identifier: Apache-2.0
// What one source gives: command line, environment or file, before anything of it is judged.

/** Nested as in the file, only the keys that were given. */
export interface Layer {
  [key: string]: unknown;
}

/** Puts a value at a dotted path of declared keys. */
export function setInLayer(layer: Layer, path: string, value: unknown): void {
  const keys = path.split('.');
  const last = keys.pop() ?? path;
  let section = layer;
  for (const key of keys) {
    const next = (section[key] ?? {}) as Layer; // only this function makes sections
    section[key] = next;
    section = next;
  }
  section[last] = value;
}
