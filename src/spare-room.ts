// SPDX-License-Identifier: Apache-2.0
// How much memory to keep for what is filled anew in each interval: what lately was needed, not what a
// flood needed once. It only counts; whose memory it is replaces it.

/** So many times in a row a quarter of the room must have been enough. */
const QUIET_FILLINGS = 6;
const GROWTH = 1.25;

export class SpareRoom {
  #quiet = 0;
  #most = 0;

  /**
   * The room for a filling of `used` places: as keep() says, or, where that is too little, a quarter more than is
   * needed. A load that grows bit by bit would be given other memory each time, all of which is garbage soon.
   */
  fit(used: number, room: number): number {
    const kept = this.keep(used, room);
    return used <= kept ? kept : Math.ceil(used * GROWTH);
  }

  /**
   * Once after, or before, each filling: `used` places of `room` were or will be in use. Returns the room to
   * have from now on: `room` as it is, or less than half of it, and then at least twice what was used of late.
   */
  keep(used: number, room: number): number {
    if (4 * used >= room) {
      this.#quiet = 0;
      this.#most = 0;
      return room;
    }
    this.#quiet++;
    this.#most = Math.max(this.#most, used);
    if (this.#quiet < QUIET_FILLINGS) return room;
    const kept = 2 * this.#most;
    this.#quiet = 0;
    this.#most = 0;
    return kept;
  }
}
