// SPDX-License-Identifier: Apache-2.0
// Networks of one source after the other: whoever has them goes on with those of the next one.

import type { FollowedNetworks, NetworksStats } from './followed-networks.js';
import type { NetworkNames } from './network-names.js';
import type { NetworkTable } from './network-table.js';

export class ReplaceableNetworks implements FollowedNetworks {
  #followed: FollowedNetworks;
  /** Of sources before this one. */
  #loads = { loadsSucceeded: 0, loadsFailed: 0 };

  constructor(first: FollowedNetworks) {
    this.#followed = first;
  }

  /** Between two refreshes. The next source has the names of this one (NetworksParts.names). */
  replace(next: FollowedNetworks): void {
    const { loadsSucceeded, loadsFailed } = this.stats;
    this.#loads = { loadsSucceeded, loadsFailed };
    this.#followed.stop();
    this.#followed = next;
  }

  get current(): NetworkTable {
    return this.#followed.current;
  }

  get names(): NetworkNames {
    return this.#followed.names;
  }

  get stats(): NetworksStats {
    const { stats } = this.#followed;
    return {
      ...stats,
      loadsSucceeded: stats.loadsSucceeded + this.#loads.loadsSucceeded,
      loadsFailed: stats.loadsFailed + this.#loads.loadsFailed,
    };
  }

  look(): Promise<void> {
    return this.#followed.look();
  }

  adopt(): boolean {
    return this.#followed.adopt();
  }

  stop(): void {
    this.#followed.stop();
  }
}
