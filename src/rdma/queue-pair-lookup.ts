// SPDX-License-Identifier: Apache-2.0
// One device's queue pairs as they are asked for: how many of a kind each owner has, and who has a number.

import { isSameOwner, OTHER_OWNER, type OwnerLabels, UNKNOWN_OWNER } from './owner-register.js';
import type { QueuePairOwner } from './process-owners.js';
import type { QueuePairTable } from './queue-pair-table.js';

/** Queue pairs of one port, type, state and owner. */
export interface QueuePairGroup {
  /** 0: none yet. */
  readonly port: number;
  /** enum ib_qp_type and ib_qp_state. */
  readonly type: number;
  readonly state: number;
  readonly owner: OwnerLabels;
  count: number;
}

/** Why nobody is known to have a queue pair. */
export type UnattributedReason = 'no_pid' | 'unreadable' | 'not_listed';

export class DeviceQueuePairs {
  readonly table: QueuePairTable;
  readonly groups: readonly QueuePairGroup[];
  readonly unattributed: ReadonlyMap<UnattributedReason, number>;
  readonly #labels: readonly OwnerLabels[];
  #placesByNumber: Map<number, number> | undefined;

  /** @param claim the labels of an owner that has queue pairs now. */
  constructor(table: QueuePairTable, claim: (owner: QueuePairOwner) => OwnerLabels) {
    this.table = table;
    this.#labels = table.owners.map(claim);
    const groups = new Map<string, QueuePairGroup>();
    const unattributed = new Map<UnattributedReason, number>([
      ['no_pid', 0],
      ['unreadable', 0],
      ['not_listed', table.leftOut],
    ]);
    const labelPlaces = new Map<OwnerLabels, number>();
    for (const labels of this.#labels) {
      if (!labelPlaces.has(labels)) labelPlaces.set(labels, labelPlaces.size);
    }
    table.ownerPlaces.forEach((place, i) => {
      const owner = this.labelsAt(place);
      const source = table.owners[place];
      if (source?.kind === 'unknown') {
        unattributed.set(source.reason, (unattributed.get(source.reason) ?? 0) + 1);
      }
      const [port, type, state] = [table.ports[i] ?? 0, table.types[i] ?? 0, table.states[i] ?? 0];
      const key = `${port} ${type} ${state} ${labelPlaces.get(owner)}`;
      const group = groups.get(key);
      if (group === undefined) groups.set(key, { port, type, state, owner, count: 1 });
      else group.count++;
    });
    this.groups = [...groups.values()];
    this.unattributed = unattributed;
  }

  labelsAt(ownerPlace: number): OwnerLabels {
    return this.#labels[ownerPlace] ?? OTHER_OWNER;
  }

  /** undefined where no queue pair has the number. */
  ownerPlaceOf(number: number): number | undefined {
    // Only packets ask, which most hosts do not see.
    this.#placesByNumber ??= new Map(
      this.table.numbers.map((own, i) => [own, this.table.ownerPlaces[i] ?? 0] as const),
    );
    return this.#placesByNumber.get(number);
  }

  ownerAt(ownerPlace: number): QueuePairOwner {
    return this.table.owners[ownerPlace] ?? { kind: 'unknown', reason: 'no_pid' };
  }
}

/**
 * Whose the packets were that arrived between two readings of the devices' queue pairs. A number that was there in one
 * of them alone is its owner's. One that passed from one owner to another meanwhile, or that two devices give to different
 * owners, is nobody's: which packets were whose cannot be told.
 */
export function findOwnerIn(
  devices: readonly {
    readonly now: DeviceQueuePairs | undefined;
    readonly before: DeviceQueuePairs | undefined;
  }[],
  number: number,
): OwnerLabels {
  let found: { readonly owner: QueuePairOwner; readonly labels: OwnerLabels } | undefined;
  for (const { now, before } of devices) {
    for (const table of [now, before]) {
      const place = table?.ownerPlaceOf(number);
      if (table === undefined || place === undefined) continue;
      const owner = table.ownerAt(place);
      if (found !== undefined && !isSameOwner(found.owner, owner)) return UNKNOWN_OWNER;
      found ??= { owner, labels: table.labelsAt(place) };
    }
  }
  return found?.labels ?? UNKNOWN_OWNER;
}
