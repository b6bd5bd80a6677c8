// SPDX-License-Identifier: Apache-2.0
// Numbers of networks' names. A name keeps its number as long as the process lives, whatever is loaded, so
// that a number kept beside a flow always means the same.

/** Of addresses that no network has; its name, too, may be given to a network, which then is a hole in a wider one. */
export const NO_NETWORK = 0;
const NO_NETWORK_NAME = 'none';

/** Of all names beyond the last number. */
export const OTHER_NETWORK = 65_535;
const OTHER_NETWORK_NAME = 'other';

/** Numbers between the two: as many as fit 16 bits. */
export const NETWORK_NAMES_MAX = 65_534;

export class NetworkNames {
  readonly #names: string[] = [NO_NETWORK_NAME];
  readonly #numbers = new Map([
    [NO_NETWORK_NAME, NO_NETWORK],
    [OTHER_NETWORK_NAME, OTHER_NETWORK],
  ]);

  /** Of a name that has none it is the next one, or OTHER_NETWORK when all are in use. */
  numberOf(name: string): number {
    const known = this.#numbers.get(name);
    if (known !== undefined) return known;
    if (this.#names.length > NETWORK_NAMES_MAX) return OTHER_NETWORK;
    const number = this.#names.push(name) - 1;
    this.#numbers.set(name, number);
    return number;
  }

  /** Of a number that numberOf() has given. */
  nameOf(number: number): string {
    return this.#names[number] ?? OTHER_NETWORK_NAME;
  }
}
