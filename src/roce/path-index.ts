// SPDX-License-Identifier: Apache-2.0
// Finds a path by interface and addresses, and the hash of these.

import { ADDRESS_WORDS } from './address-masks.js';
import type { RocePath } from './roce-path.js';

/** Both addresses, then the interface id. */
export const PATH_KEY_WORDS = 2 * ADDRESS_WORDS + 1;

export class PathIndex<Path extends RocePath> {
  /** By placeOf(hash); paths of one hash, which are next to none, stand in a row. */
  readonly #chains = new Map<number, Path[]>();

  find(hash: number, key: Uint32Array): Path | undefined {
    const chain = this.#chains.get(placeOf(hash));
    if (chain === undefined) return undefined;
    for (const path of chain) {
      if (isPathOf(path, key)) return path;
    }
    return undefined;
  }

  insert(path: Path): void {
    const chain = this.#chains.get(placeOf(path.hash));
    if (chain === undefined) this.#chains.set(placeOf(path.hash), [path]);
    else chain.push(path);
  }

  remove(path: Path): void {
    const rest = (this.#chains.get(placeOf(path.hash)) ?? []).filter((one) => one !== path);
    if (rest.length === 0) this.#chains.delete(placeOf(path.hash));
    else this.#chains.set(placeOf(path.hash), rest);
  }
}

/** The same bits as a signed number: that one is no object on V8's heap, as half of all hashes would be. */
function placeOf(hash: number): number {
  return hash | 0;
}

function isPathOf(path: RocePath, key: Uint32Array): boolean {
  for (let i = 0; i < 2 * ADDRESS_WORDS; i++) {
    if (path.addresses[i] !== key[i]) return false;
  }
  return path.interfaceId === key[2 * ADDRESS_WORDS];
}
